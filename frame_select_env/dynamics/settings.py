"""The keyword arguments of the environments: one dataclass an id, checked in one place."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, Literal

from frame_select_env.consensus import MAX_FRAMES
from frame_select_env.errors import FrameSelectError, known
from frame_select_env.rewards import RewardSpec

DEFAULT_TARGET_FRAMES = 8
DEFAULT_PICKS = 8


@dataclass(frozen=True)
class Settings:
    """What every environment takes.

    Attributes:
        data: A bundled cache's name or a path.
        split: Which split's videos are drawn.
        fold: Which fold's split and predictions are used.
        num_frames: T, frames per video.
        observation: "video", "frame" (Sequential only) or "index".
        reward: A name, {name: weight}, [name, arguments], "module:function" or a function.
        alpha: Weight in p1 of the frames that are not selected (AS Eq. 10), 0 to 1.
        empty: With alpha = 0 an empty selection "wrong"-ly answers nothing (p1 is zeros), or falls
            back on the "baseline" (p1 is p0).
        stream: Which stream of features; None means the only one.
        target_frames: m, for rewards that ask for a budget; by default 8, or T if that is less.
    """

    data: str | Path = "digits"
    split: str = "train"
    fold: str = "default"
    num_frames: int = 25
    observation: Literal["video", "frame", "index"] = "video"
    reward: RewardSpec = "sign_omega"
    alpha: float = 0.0
    empty: Literal["wrong", "baseline"] = "wrong"
    stream: str | None = None
    target_frames: int = DEFAULT_TARGET_FRAMES

    observations: ClassVar[tuple[str, ...]] = ("video", "index")

    def __post_init__(self) -> None:
        self._whole("num_frames", 1, MAX_FRAMES)
        if self.target_frames == DEFAULT_TARGET_FRAMES:
            object.__setattr__(self, "target_frames", min(self.target_frames, self.num_frames))
        self._whole("target_frames", 1, self.num_frames)
        self._one_of("observation", self.observations)
        self._one_of("empty", ("wrong", "baseline"))
        if not isinstance(self.alpha, int | float) or not 0 <= self.alpha <= 1:
            raise FrameSelectError(f"alpha={self.alpha!r}: must be a number from 0 to 1")

    def _whole(self, name: str, low: int, high: int) -> None:
        value = getattr(self, name)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise FrameSelectError(f"{name}={value!r}: must be a whole number from {low} to {high}")

    def _one_of(self, name: str, allowed: tuple[str | bool, ...]) -> None:
        if getattr(self, name) not in allowed:
            listed = ", ".join(map(repr, allowed))
            raise FrameSelectError(f"{name}={getattr(self, name)!r}: must be one of {listed}")


@dataclass(frozen=True)
class OneShotSettings(Settings):
    """The keyword arguments of FrameSelect/OneShot-v0."""


@dataclass(frozen=True)
class SequentialSettings(Settings):
    """The keyword arguments of FrameSelect/Sequential-v0.

    Attributes:
        chunk: Number of contiguous frames that one decision keeps or discards.
        dense: True: each step pays the change of the reward that the selection so far would earn.
            "best": only its rise above the best so far, first above 0, which no frames earn.
    """

    chunk: int = 1
    dense: bool | Literal["best"] = False

    observations: ClassVar[tuple[str, ...]] = ("video", "frame", "index")

    def __post_init__(self) -> None:
        super().__post_init__()
        self._whole("chunk", 1, self.num_frames)
        self._one_of("dense", (False, True, "best"))


@dataclass(frozen=True)
class PickSettings(Settings):
    """The keyword arguments of FrameSelect/Pick-v0.

    Attributes:
        picks: Steps of an episode, at most; by default 8, or T if that is less.
        stop: Whether there is one more action, T, that ends the episode.
        dense: True: each step pays the change of the reward that the selection so far would earn.
            "best": only its rise above the best so far, first above 0, which no frames earn.
    """

    picks: int = DEFAULT_PICKS
    stop: bool = False
    dense: bool | Literal["best"] = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.picks == DEFAULT_PICKS:
            object.__setattr__(self, "picks", min(self.picks, self.num_frames))
        self._whole("picks", 1, self.num_frames)
        self._one_of("stop", (False, True))
        self._one_of("dense", (False, True, "best"))


def make_settings(kind: type[Settings], keywords: dict[str, Any]) -> Settings:
    """Settings of an id from keyword arguments.

    Raises:
        FrameSelectError: naming the keyword and what is allowed.
    """
    names = [field.name for field in fields(kind)]
    for name in keywords:
        if name not in names:
            raise FrameSelectError(known("keyword argument", name, names))
    return kind(**keywords)
