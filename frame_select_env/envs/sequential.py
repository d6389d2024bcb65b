"""FrameSelect/Sequential-v0: keep or discard the frames one after another."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces

from frame_select_env.envs.episodes import Episodes, Slots
from frame_select_env.envs.settings import FLAT, MultiStepSettings
from frame_select_env.envs.single_env import FrameSelectEnv
from frame_select_env.envs.vector_env import FrameSelectVectorEnv
from frame_select_env.errors import FrameSelectError


@dataclass(frozen=True)
class SequentialSettings(MultiStepSettings):
    """The keyword arguments of FrameSelect/Sequential-v0."""

    chunk: int = 1  # contiguous frames that one decision keeps or discards

    # how many chunks an action may skip, [1, 2, 4, 8] for example; it adds the action that answers
    skips: Sequence[int] | None = None

    observations: ClassVar[tuple[str, ...]] = ("video", "frame", "index", "looked", FLAT)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._integer("chunk", 1, self.num_frames)
        if self.skips is not None and not (
            isinstance(self.skips, list | tuple)
            and self.skips
            and all(type(skip) is int and 1 <= skip <= self.num_frames for skip in self.skips)
        ):
            raise FrameSelectError(
                f"skips={self.skips!r}: must be None or a list of integers from 1 to "
                f"{self.num_frames}, such as [1, 2, 4, 8]"
            )


class SequentialEpisodes(Episodes):
    """The dynamics: keep or discard the chunk at `cursor`, from first to last, or skip some.

    With `skips` or the observation "looked", every frame that the cursor stood on was looked at.
    """

    settings_class = SequentialSettings
    action_dtype = np.int64
    settings: SequentialSettings

    def __init__(self, keywords: dict[str, Any], num_slots: int) -> None:
        super().__init__(keywords, num_slots)
        settings = self.settings
        # To discard is to skip one chunk. The actions after the skips keep, and answer.
        skips = [1] if settings.skips is None else settings.skips
        self._keep, self._answer = len(skips), len(skips) + 1
        self._moves = self.chunk * np.array([*skips, 1, 0])  # of the cursor, by action
        self._seen: np.ndarray | None = None
        if settings.skips is not None or settings.mode == "looked":
            self._seen = np.zeros_like(self.selected)

    def make_action_space(self) -> spaces.Discrete:
        """Discard or keep the chunk; with `skips`: each of the skips, keep, answer."""
        return spaces.Discrete(2 if self.settings.skips is None else 2 + len(self.settings.skips))

    @property
    def looked(self) -> np.ndarray:
        """The frames that the cursor stood on, [B, T] bool; those kept if that is not observed."""
        return self.selected if self._seen is None else self._seen

    def begin(self, slots: Slots, entries: np.ndarray) -> None:
        """Start episodes on `entries` [k] of the table in `slots` [k]."""
        super().begin(slots, entries)
        if self._seen is not None:
            self._seen[slots] = False
            self._look(self._seen)

    def _look(self, seen: np.ndarray) -> None:
        """Look at the chunks at the cursors."""
        frame = np.arange(self.settings.num_frames)
        end = np.minimum(self.cursor + self.chunk, self.length)
        seen |= (frame >= self.cursor[:, None]) & (frame < end[:, None])

    def apply(self, actions: np.ndarray, going: np.ndarray | None) -> np.ndarray:
        """Keep or discard the chunk at the cursor and move the cursor past it, or further."""
        chunk, cursor, keeps = self.chunk, self.cursor, actions == self._keep
        moves = self._moves.take(actions)
        if going is not None:
            keeps &= going
            moves *= going
        self.select(cursor if chunk == 1 else cursor // chunk, keeps)
        cursor += moves
        np.minimum(cursor, self.settings.num_frames, out=cursor)
        ended = cursor >= self.length
        if self._seen is not None:
            ended |= actions == self._answer
            self._look(self._seen)
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
    decision is about k contiguous frames, because key frames come in runs. With `skips` the agent
    skims: it decides how many to pass over without a look, and when to answer (Lan, Panda, Zhu and
    Roy-Chowdhury, "FFNet: Video Fast-Forwarding via Reinforcement Learning", CVPR 2018).

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

    With `skips=[1, 2, 4, 8]`, `Discrete(6)`: action i < 4 discards the frame at the cursor and
    moves the cursor by `skips[i]` frames, so that those in between are discarded unseen; 4 keeps
    the frame and moves by 1; 5 answers, which ends the episode. With `chunk` above 1, read chunks
    for frames.

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

    `observation="looked"`: the Dict of `FrameSelect/Glance-v0` in which a frame is seen once the
    cursor stood on it; `cursor` is the frame that the next action is about.

    `observation="index"`, a Dict without features: `cursor`, `selected` and `video` Box [1] int32
    (row in the cache), and with `skips` also `looked` MultiBinary(T), the frames that the cursor
    stood on.

    `observation="flat"`: that of "video" as one Box [n] float32, as in `FrameSelect/OneShot-v0`.

    ## Rewards
    0 until the last step, which pays the reward of the selection ("sign_omega" by default, see
    `FrameSelect/OneShot-v0`). With `dense=True` each step pays the change of the reward that the
    selection so far would earn, which is 0 while nothing is selected, so the sum over the episode
    is the same. With `dense="best"` each step pays only the increase over the highest such reward
    so far, starting from 0: the sum is the highest, so passing through a good selection is enough.
    The reward "looks" counts the frames that the cursor stood on if there are `skips` or the
    observation is "looked", else those kept.

    ## Starting State
    As in `FrameSelect/OneShot-v0`; the cursor is at 0 and nothing is selected.

    ## Episode End
    The episode terminates when the cursor has passed the last valid frame, or upon answering.

    ## Information
    `info` of the last step: as in `FrameSelect/OneShot-v0`, and `looked` [T] bool if there are
    `skips` or the observation is "looked". It is empty before.

    ## Arguments
    Those of `FrameSelect/OneShot-v0` except `action`, and `chunk=1`, `skips=None`, `dense=False`.

    ## Vectorized environment
    As in `FrameSelect/OneShot-v0`: `gym.make_vec("FrameSelect/Sequential-v0", num_envs=256)`.

    ## Version History
    * v0: initial version.
    """

    process = SequentialEpisodes


class SequentialVectorEnv(FrameSelectVectorEnv):
    """The batched FrameSelect/Sequential-v0; see `SequentialEnv` for the specification."""

    process = SequentialEpisodes
