"""FrameSelect/Sequential-v0: keep or discard the frames one after another."""

from frame_select_env.dynamics import SequentialEpisodes
from frame_select_env.envs.single import FrameSelectEnv
from frame_select_env.envs.vector import FrameSelectVectorEnv


class SequentialEnv(FrameSelectEnv):
    """Walk through a video and keep or discard each frame, or each chunk of contiguous frames.

    ## Description
    The same decision as `FrameSelect/OneShot-v0`, taken frame by frame. With `chunk=k` one
    decision is about k contiguous frames, since key frames come in runs.

    >>> import gymnasium as gym, frame_select_env
    >>> env = gym.make("FrameSelect/Sequential-v0", observation="frame", chunk=5)
    >>> observation, info = env.reset(seed=0)
    >>> terminated = False
    >>> while not terminated:
    ...     keep = int(observation["prediction"].max() > 0.5)
    ...     observation, reward, terminated, truncated, info = env.step(keep)
    >>> sorted(info)[:3]
    ['correct_after', 'correct_before', 'label']

    ## Action Space
    `Discrete(2)`: 1 keeps the frames at the cursor, 0 discards them.

    ## Observation Space
    `observation="video"`, a Dict:

    | key | space | meaning |
    |---|---|---|
    | `features` | Box [T, D], the cache's dtype | the backbone's features; zeros at padding |
    | `predictions` | Box [T, C] float32 | class probabilities a frame; zeros at padding |
    | `valid` | MultiBinary(T) | 0 at padding |
    | `cursor` | Box [1] int32, 0 to T | the frame that the next action is about |
    | `selected` | MultiBinary(T) | the frames kept so far |

    `observation="frame"`, a Dict: `feature` [D] and `prediction` [C] of the frame at the cursor (of
    a chunk, its first; zeros past the end), `p0` [C] the mean prediction over all frames, `p1` [C]
    that over the frames kept so far (zeros while there is none), `progress` [1] and `count` [1],
    the shares of the video's frames that have been seen and kept.

    `observation="index"`, a Dict without any feature: `video` Box [1] int32 (row in the cache),
    `cursor` Box [1] int32 and `selected` MultiBinary(T).

    ## Rewards
    0 until the last step, which pays the reward of the selection ("sign_omega" by default, see
    `FrameSelect/OneShot-v0`). With `dense=True` each step pays the change of the reward that the
    selection so far would earn, which is 0 while nothing is selected; the last step pays up to the
    terminal reward, so both add up to the same. With `dense="best"` each step pays only the rise of
    that reward above the highest so far, first above 0: it is never negative and adds up to the
    highest, so passing through a good selection is enough.

    ## Starting State
    As in `FrameSelect/OneShot-v0`; the cursor is at 0 and nothing is selected.

    ## Episode End
    The episode terminates when the last chunk that holds a valid frame has been decided.

    ## Information
    `info` of the last step: `video` (row), `label`, `selected` [T] bool, `p0` and `p1` [C] float64,
    `correct_before`, `correct_after` (classification only), `reward_terms` (name -> weighted
    value). It is empty before.

    ## Arguments
    Those of `FrameSelect/OneShot-v0`, and `chunk=1`, `dense=False`.

    ## Vectorized environment
    `gym.make_vec("FrameSelect/Sequential-v0", num_envs=256, observation="index", chunk=5)` is one
    batch in NumPy and gives, seed for seed, what SyncVectorEnv gives.

    ## Version History
    * v0: initial version.
    """

    process = SequentialEpisodes
    multi_step = True


class SequentialVectorEnv(FrameSelectVectorEnv):
    """The batched FrameSelect/Sequential-v0; see `SequentialEnv` for the specification."""

    process = SequentialEpisodes
    multi_step = True
