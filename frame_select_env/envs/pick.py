"""FrameSelect/Pick-v0: add one frame at a time, in any order."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from gymnasium import spaces

from frame_select_env.envs.episodes import EVERY, Episodes, Slots
from frame_select_env.envs.settings import FLAT, FLAT_MASK, MultiStepSettings, Settings
from frame_select_env.envs.single_env import MaskedEnv
from frame_select_env.envs.vector_env import MaskedVectorEnv


@dataclass(frozen=True)
class PickSettings(MultiStepSettings):
    """The keyword arguments of FrameSelect/Pick-v0."""

    # maximum number of steps in an episode; by default 8, or T if that is less
    picks: int = None  # type: ignore[assignment]
    stop: bool = False  # whether there is one more action, T, that ends the episode

    observations: ClassVar[tuple[str, ...]] = ("video", "index", "looked", FLAT, FLAT_MASK)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._at_most_num_frames("picks")
        self._one_of("stop", (False, True))


class PickEpisodes(Episodes):
    """The dynamics: add a frame; `cursor` counts the steps."""

    settings_class: ClassVar[type[Settings]] = PickSettings
    action_dtype = np.int64
    settings: PickSettings

    def make_action_space(self) -> spaces.Discrete:
        """The frame to add, or stop."""
        return spaces.Discrete(self.settings.num_frames + self.settings.stop)

    def apply(self, actions: np.ndarray, going: np.ndarray | None) -> np.ndarray:
        """Add the frame; one that is selected already, or padding, changes nothing."""
        settings = self.settings
        frame = np.minimum(actions, settings.num_frames - 1)
        added = (actions < self.length) & ~self.selected.reshape(-1)[self._first + frame]
        if going is not None:
            added &= going
        self.select(frame, added)
        self.cursor += 1 if going is None else going
        ended = (self.cursor >= settings.picks) | (self.kept >= self.length)
        if settings.stop:
            ended |= actions == settings.num_frames
        return ended if going is None else ended & going

    def action_masks(self, slots: Slots = EVERY) -> np.ndarray:
        """Legal actions, [k, n] bool: valid frames that are not selected yet, and stopping."""
        legal = self.valid(slots) & ~self.selected[slots]
        if not self.settings.stop:
            return legal
        return np.concatenate([legal, np.ones((len(legal), 1), bool)], axis=1)

    def status(self, slot: int) -> str:
        """The number of steps taken."""
        return f"{self.cursor[slot]} of {self.settings.picks} picks made"


class PickEnv(MaskedEnv):
    """Build a set of frames by adding one frame per step, in any order.

    ## Description
    The selection starts empty and each step adds a frame to it. The order is free, so an agent can
    take the most promising frames first.

    >>> import gymnasium as gym, frame_select_env
    >>> env = gym.make("FrameSelect/Pick-v0", picks=3)
    >>> observation, info = env.reset(seed=0)
    >>> terminated = False
    >>> while not terminated:
    ...     action = env.action_space.sample(mask=info["action_mask"])
    ...     observation, reward, terminated, truncated, info = env.step(action)
    >>> int(info["selected"].sum())
    3

    ## Action Space
    `Discrete(T)`: the frame to add. With `stop=True`, `Discrete(T + 1)`: the last action ends the
    episode. The mask forbids padding and frames that are already selected; such an action is a
    no-op that uses a step. Stopping is always legal.

    ## Observation Space
    `observation="video"`: the Dict of `FrameSelect/OneShot-v0` (`features` [T, D], `predictions`
    [T, C], `valid` [T]) and

    | key | space | meaning |
    |---|---|---|
    | `cursor` | Box [1] int32, 0 to T | the number of steps taken |
    | `selected` | MultiBinary(T) | the frames picked so far |

    `observation="looked"`: the Dict of `FrameSelect/Glance-v0`, in which the features and
    predictions of frames that are not selected yet are zeros.

    `observation="index"`, a Dict without features: `cursor`, `selected` and `video` Box [1] int32
    (row in the cache).

    `observation="flat"`: that of "video" as one Box [n] float32, as in `FrameSelect/OneShot-v0`;
    "flat+mask" has the action mask behind it, as the part `action_mask` [T], or [T + 1].

    ## Rewards
    As in `FrameSelect/Sequential-v0`: 0 until the last step, which pays the reward of the
    selection, unless `dense` is True or "best".

    ## Starting State
    As in `FrameSelect/OneShot-v0`; nothing is selected.

    ## Episode End
    The episode terminates after `picks` steps, when no valid frame is left, or upon stopping.

    ## Information
    Every info holds `action_mask`, int8 [n] (1: legal); the method `action_masks()` returns it as
    bool, [n] for one environment and [B, n] for a vector. For libraries that expect the mask in the
    observation see `frame_select_env.wrappers`. `info` of the last step also holds what
    `FrameSelect/OneShot-v0` puts there.

    ## Arguments
    Those of `FrameSelect/OneShot-v0` except `action`, and `picks=8` (or T if that is less),
    `stop=False`, `dense=False`.

    ## Vectorized environment
    As in `FrameSelect/OneShot-v0`: `gym.make_vec("FrameSelect/Pick-v0", num_envs=256, picks=4)`.

    ## Version History
    * v0: initial version.
    """

    process = PickEpisodes


class PickVectorEnv(MaskedVectorEnv):
    """The batched FrameSelect/Pick-v0; see `PickEnv` for the specification."""

    process = PickEpisodes
