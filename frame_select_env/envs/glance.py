"""FrameSelect/Glance-v0: look at one frame after another, and answer."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from frame_select_env.envs.episodes import EVERY, Slots
from frame_select_env.envs.pick import PickEpisodes
from frame_select_env.envs.settings import FLAT, FLAT_MASK, MultiStepSettings
from frame_select_env.envs.single_env import MaskedEnv
from frame_select_env.envs.vector_env import MaskedVectorEnv
from frame_select_env.errors import FrameSelectError
from frame_select_env.rewards import RewardSpec

DEFAULT_LOOKS = 12
PRICE = 0.01  # of a look, in the default reward


@dataclass(frozen=True)
class GlanceSettings(MultiStepSettings):
    """The keyword arguments of FrameSelect/Glance-v0."""

    observation: str = "looked"
    # None: 1 for a right answer (regression: the decrease of the error), minus 0.01 for each look
    reward: RewardSpec | None = None
    # maximum number of steps, and so of looks, in an episode; by default 12, or T if that is less
    picks: int = None  # type: ignore[assignment]
    preview: str | None = None  # name of a cheap stream whose features of all frames are observed

    stop: ClassVar[bool] = True  # the action T, which answers
    observations: ClassVar[tuple[str, ...]] = ("looked", "index", FLAT, FLAT_MASK)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._at_most_num_frames("picks", DEFAULT_LOOKS)
        why = "the answer is made of the frames that were looked at"
        if self.alpha:
            raise FrameSelectError(f"alpha={self.alpha}: must be 0 here: {why}")
        if self.empty != "wrong":
            raise FrameSelectError(f"empty={self.empty!r}: must be 'wrong' here: {why}")
        if self.preview is not None and self.mode != "looked":
            raise FrameSelectError(
                f"preview={self.preview!r}: observation={self.observation!r} does not show it; "
                "use observation='looked'"
            )


class GlanceEpisodes(PickEpisodes):
    """The dynamics: those of Pick with an action that stops; to look at a frame is to select it."""

    settings_class = GlanceSettings
    settings: GlanceSettings  # type: ignore[assignment]  # it has `picks` and `stop`, too

    def __init__(self, keywords: dict[str, Any], num_slots: int) -> None:
        super().__init__(keywords, num_slots)
        preview, cache = self.settings.preview, self.cache
        if preview is not None and set(cache.parts(preview)) & set(cache.parts(self.stream)):
            raise FrameSelectError(
                f"preview={preview!r}: shows the features that looking at {self.stream!r} pays "
                "for; name another stream"
            )

    def reward_spec(self) -> RewardSpec:
        """The reward of the settings; by default that of the answer, minus the price of looks."""
        if self.settings.reward is not None:
            return self.settings.reward
        paid = "correct" if self.cache.task == "classification" else "delta_error"
        return {paid: 1.0, "looks": -PRICE}

    def action_masks(self, slots: Slots = EVERY) -> np.ndarray:
        """Legal actions, [k, n] bool: frames not looked at yet; to answer after the first look."""
        legal = super().action_masks(slots)
        legal[:, -1] = self.kept[slots] > 0
        return legal

    def status(self, slot: int) -> str:
        """The number of frames looked at."""
        return f"looked at {self.kept[slot]} frames, {self.settings.picks} at most"


class GlanceEnv(MaskedEnv):
    """Look at one frame after another, each at a price, and answer when enough is known.

    ## Description
    In the other environments a backbone has already run on every frame, and frames are left out to
    predict better. Here a frame's features and prediction are unknown until it is looked at, and
    the answer is the mean prediction p1 of the frames looked at: what is saved is computing.

    >>> import gymnasium as gym, frame_select_env
    >>> env = gym.make("FrameSelect/Glance-v0", picks=6)
    >>> observation, info = env.reset(seed=0)
    >>> terminated, frames = False, [12, 4, 20, 8, 16, 0]
    >>> while not terminated:
    ...     looks = int(observation["selected"].sum())
    ...     sure = observation["p1"].max() > 0.5
    ...     action = 25 if looks and sure else frames[looks]  # answer, or look at another frame
    ...     observation, reward, terminated, truncated, info = env.step(action)
    >>> sorted(info["reward_terms"])
    ['correct', 'looks']

    ## Action Space
    `Discrete(T + 1)`: look at frame a < T; T answers. The mask forbids padding, frames that were
    looked at, and to answer before the first look. A forbidden look is a no-op that uses a step and
    costs no look; an answer without a look ends the episode and is wrong.

    ## Observation Space
    `observation="looked"`, a Dict:

    | key | space | meaning |
    |---|---|---|
    | `features` | Box [T, D] float32 | features; zeros where not looked at |
    | `predictions` | Box [T, C] float32 | predictions; zeros where not looked at |
    | `valid` | MultiBinary(T) | 0 at padding |
    | `time` | Box [T] float32 | seconds into the video, or the frame's number in it |
    | `p1` | Box [C] float32 | the mean prediction of `selected`; zeros while there is none |
    | `cursor` | Box [1] int32, 0 to T | the number of steps taken |
    | `selected` | MultiBinary(T) | the frames looked at |

    and with `preview="STREAM"` also `preview`, Box [T, Dp]: the features of all frames in another
    stream, a cheap one, its views side by side.

    `observation="index"`, a Dict without features: `cursor`, `selected` and `video` Box [1] int32
    (row in the cache). A policy that looks features up in a table of its own must read those of
    `selected` frames alone.

    `observation="flat"`: that of "looked" as one Box [n] float32, as in `FrameSelect/OneShot-v0`;
    "flat+mask" has the action mask behind it, as the part `action_mask` [T + 1].

    ## Rewards
    0 until the last step, unless `dense` is True or "best", as in `FrameSelect/Sequential-v0`. The
    default is `{"correct": 1, "looks": -0.01}`: 1 for a right answer, minus 0.01 for each frame
    looked at. For a regression it is `{"delta_error": 1, "looks": -0.01}`: the decrease of the
    absolute error against that of all frames, whatever the targets' units; choose the price by
    them.

    ## Starting State
    As in `FrameSelect/OneShot-v0`; nothing was looked at.

    ## Episode End
    The episode terminates upon answering, after `picks` steps, or when all valid frames were looked
    at; it answers by itself then.

    ## Information
    As in `FrameSelect/Pick-v0`; `selected` are the frames looked at.

    ## Arguments
    Those of `FrameSelect/OneShot-v0` except `action`; `alpha` and `empty` keep their defaults;
    `observation="looked"`, `reward=None` (the one above), `picks=12` (or T if that is less),
    `preview=None`, `dense=False`.

    ## Vectorized environment
    As in `FrameSelect/OneShot-v0`: `gym.make_vec("FrameSelect/Glance-v0", num_envs=256)`.

    ## Version History
    * v0: initial version.
    """

    process = GlanceEpisodes


class GlanceVectorEnv(MaskedVectorEnv):
    """The batched FrameSelect/Glance-v0; see `GlanceEnv` for the specification."""

    process = GlanceEpisodes
