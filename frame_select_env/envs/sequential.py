"""FrameSelect/Sequential-v0: keep or discard the frames one after another."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from gymnasium import spaces

from frame_select_env.envs.episodes import Episodes
from frame_select_env.envs.settings import MultiStepSettings
from frame_select_env.envs.single_env import FrameSelectEnv
from frame_select_env.envs.vector_env import FrameSelectVectorEnv


@dataclass(frozen=True)
class SequentialSettings(MultiStepSettings):
    """The keyword arguments of FrameSelect/Sequential-v0."""

    chunk: int = 1  # contiguous frames that one decision keeps or discards

    observations: ClassVar[tuple[str, ...]] = ("video", "frame", "index")

    def __post_init__(self) -> None:
        super().__post_init__()
        self._integer("chunk", 1, self.num_frames)


class SequentialEpisodes(Episodes):
    """The dynamics: keep or discard the chunk at `cursor`, from first to last."""

    settings_class = SequentialSettings

    def make_action_space(self) -> spaces.Discrete:
        """Keep or discard the chunk."""
        return spaces.Discrete(2)

    def apply(self, actions: np.ndarray, going: np.ndarray | None) -> np.ndarray:
        """Keep or discard the chunk at the cursor and move the cursor past it."""
        chunk, cursor = self.chunk, self.cursor
        self.select(
            cursor if chunk == 1 else cursor // chunk, actions if going is None else actions & going
        )
        cursor += chunk if going is None else chunk * going
        if chunk > 1:
            np.minimum(cursor, self.settings.num_frames, out=cursor)
        ended = cursor >= self.length
        return ended if going is None else ended & going

    def frames_at_cursor(self, slot: int) -> range:
        """The chunk that the next action is about; empty at the end of an episode."""
        first, length = int(self.cursor[slot]), int(self.length[slot])
        return range(first, max(first, min(first + self.chunk, length)))

    def status(self, slot: int) -> str:
        """The frames that the next action is about."""
        frames = self.frames_at_cursor(slot)
        if len(frames) == 1:
            return f"next: frame {frames[0]}"
        return f"next: frames {frames[0]} to {frames[-1]}"


class SequentialEnv(FrameSelectEnv):
    """Walk through a video and keep or discard each frame, or each chunk of contiguous frames.

    ## Description
    The same selection as in `FrameSelect/OneShot-v0`, made frame by frame. With `chunk=k` one
    decision is about k contiguous frames, because key frames come in runs.

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
    `observation="video"`: the Dict of `FrameSelect/OneShot-v0` (`features` [T, D], `predictions`
    [T, C], `valid` [T]) and

    | key | space | meaning |
    |---|---|---|
    | `cursor` | Box [1] int32, 0 to T | the frame that the next action is about |
    | `selected` | MultiBinary(T) | the frames kept so far |

    `observation="frame"`, a Dict: `feature` [D] and `prediction` [C] of the frame at the cursor (of
    a chunk, its first; zeros past the end), `p0` [C] the mean prediction over all frames, `p1` [C]
    that over the frames kept so far (zeros while there are none), `progress` [1] and `count` [1],
    the shares of the video's frames that have been passed and kept.

    `observation="index"`, a Dict without features: `cursor`, `selected` and `video` Box [1] int32
    (row in the cache).

    ## Rewards
    0 until the last step, which pays the reward of the selection ("sign_omega" by default, see
    `FrameSelect/OneShot-v0`). With `dense=True` each step pays the change of the reward that the
    selection so far would earn, which is 0 while nothing is selected, so the sum over the episode
    is the same. With `dense="best"` each step pays only the increase over the highest such reward
    so far, starting from 0: the sum is the highest, so passing through a good selection is enough.

    ## Starting State
    As in `FrameSelect/OneShot-v0`; the cursor is at 0 and nothing is selected.

    ## Episode End
    The episode terminates after the decision about the last chunk with a valid frame.

    ## Information
    `info` of the last step: as in `FrameSelect/OneShot-v0`. It is empty before.

    ## Arguments
    Those of `FrameSelect/OneShot-v0`, and `chunk=1`, `dense=False`.

    ## Vectorized environment
    As in `FrameSelect/OneShot-v0`: `gym.make_vec("FrameSelect/Sequential-v0", num_envs=256)`.

    ## Version History
    * v0: initial version.
    """

    process = SequentialEpisodes


class SequentialVectorEnv(FrameSelectVectorEnv):
    """The batched FrameSelect/Sequential-v0; see `SequentialEnv` for the specification."""

    process = SequentialEpisodes
