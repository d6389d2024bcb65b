"""FrameSelect/Pick-v0: add one frame at a time, in any order."""

import numpy as np

from frame_select_env.dynamics import PickEpisodes
from frame_select_env.envs.single import FrameSelectEnv
from frame_select_env.envs.vector import FrameSelectVectorEnv


class PickEnv(FrameSelectEnv):
    """Build a set of frames by adding one frame a step, in any order.

    ## Description
    Starting from nothing, each step adds a frame to the selection, as a user who scrubs through a
    video would. The order is free, so an agent can look at the most promising frames first.

    >>> import gymnasium as gym, frame_select_env
    >>> env = gym.make("FrameSelect/Pick-v0", picks=3)
    >>> observation, info = env.reset(seed=0)
    >>> env.action_space.seed(0)
    0
    >>> terminated = False
    >>> while not terminated:
    ...     action = env.action_space.sample(mask=info["action_mask"])
    ...     observation, reward, terminated, truncated, info = env.step(action)
    >>> int(info["selected"].sum())
    3

    ## Action Space
    `Discrete(T)`: the frame to add. With `stop=True`, `Discrete(T + 1)`, whose last action ends the
    episode. The mask forbids frames that are selected already and padding; such an action is a
    no-op that uses a step. Stopping is always legal.

    ## Observation Space
    `observation="video"`, a Dict:

    | key | space | meaning |
    |---|---|---|
    | `features` | Box [T, D], the cache's dtype | the backbone's features; zeros at padding |
    | `predictions` | Box [T, C] float32 | class probabilities a frame; zeros at padding |
    | `valid` | MultiBinary(T) | 0 at padding |
    | `cursor` | Box [1] int32, 0 to T | the number of steps taken |
    | `selected` | MultiBinary(T) | the frames picked so far |

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
    As in `FrameSelect/OneShot-v0`; nothing is selected.

    ## Episode End
    The episode terminates after `picks` steps, when no valid frame is left, or upon stopping.

    ## Information
    Every info holds `action_mask`, int8 [n] (1: legal); `action_masks()` of the environment gives
    it as bool, [n] for one environment and [B, n] for a vector. For libraries that want the mask in
    the observation see `frame_select_env.wrappers`. `info` of the last step also holds `video`
    (row), `label`, `selected` [T] bool, `p0` and `p1` [C] float64, `correct_before`,
    `correct_after` (classification only), `reward_terms` (name -> weighted value).

    ## Arguments
    Those of `FrameSelect/OneShot-v0`, and `picks=8` (or T if that is less), `stop=False`,
    `dense=False`.

    ## Vectorized environment
    `gym.make_vec("FrameSelect/Pick-v0", num_envs=256, observation="index", picks=4)` is one batch
    in NumPy and gives, seed for seed, what SyncVectorEnv gives.

    ## Version History
    * v0: initial version.
    """

    process = PickEpisodes
    multi_step = True
    episodes: PickEpisodes

    def action_masks(self) -> np.ndarray:
        """Which actions are legal, bool [n]; the name is the one that sb3-contrib asks for."""
        return self.episodes.action_masks()[0]


class PickVectorEnv(FrameSelectVectorEnv):
    """The batched FrameSelect/Pick-v0; see `PickEnv` for the specification."""

    process = PickEpisodes
    multi_step = True
    episodes: PickEpisodes

    def action_masks(self) -> np.ndarray:
        """Which actions are legal, bool [B, n]."""
        return self.episodes.action_masks()
