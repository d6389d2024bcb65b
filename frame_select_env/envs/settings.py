"""The keyword arguments of the environments, checked in one place."""

import inspect
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, Literal

from frame_select_env.cache import View
from frame_select_env.consensus import MAX_FRAMES, MEAN, check_alpha
from frame_select_env.errors import FrameSelectError, UnknownKeywordError, did_you_mean
from frame_select_env.rewards import RewardSpec

DEFAULT_FRAMES = 8
FLAT, FLAT_MASK = "flat", "flat+mask"  # the default mode as one box; the action mask behind it


@dataclass(frozen=True)
class Settings:
    """The arguments that every environment takes; a decision process adds its own in a subclass."""

    data: str | Path = "cues"  # name of a bundled cache, or a path
    split: str = "train"  # that videos are drawn from
    fold: str = "default"  # defines the splits and the predictions
    num_frames: int = 25  # T, frames per video
    observation: str = "video"  # one of `observations`
    # of observed features; "float16" halves them where the cache stores that
    dtype: Literal["float32", "float16"] = "float32"
    # in which videos come: drawn with replacement, or each of the split once, in the file's order
    order: Literal["random", "once"] = "random"
    # None: sign_omega where there are labels, diversity_representativeness where there are none
    reward: RewardSpec | None = None
    alpha: float = 0.0  # weight in p1 of the frames that are not selected (AS Eq. 10), 0 to 1
    # With alpha = 0, p1 of an empty selection: zeros, or p0.
    empty: Literal["wrong", "baseline"] = "wrong"
    stream: str | None = None  # name of the feature stream; None for the only one
    # What an episode is about, of a stream with several views of each frame: None, all of them
    # together (features flattened, predictions averaged); one by its number; or "random", another
    # one in every episode.
    view: View = None
    # What makes p0 and p1 of the frames: "mean", "max", or the file or bundled name of a judge.
    aggregator: str | Path = MEAN
    # m, for rewards with a budget; by default 8, or T if that is less
    target_frames: int = None  # type: ignore[assignment]

    # The modes that the process offers; see `envs/observations.py`.
    observations: ClassVar[tuple[str, ...]] = ("video", "index", FLAT)

    def __post_init__(self) -> None:
        self._integer("num_frames", 1, MAX_FRAMES)
        self._at_most_num_frames("target_frames")
        self._one_of("observation", self.observations)
        self._one_of("dtype", ("float32", "float16"))
        self._one_of("order", ("random", "once"))
        self._one_of("empty", ("wrong", "baseline"))
        check_alpha(self.alpha, self.aggregator)
        if self.dtype != "float32" and self.flat:
            raise FrameSelectError(
                f"dtype={self.dtype!r}: observation={self.observation!r} is one float32 box; "
                "leave dtype out"
            )

    @property
    def flat(self) -> bool:
        """Whether the observation is one box."""
        return self.observation in (FLAT, FLAT_MASK)

    @property
    def mode(self) -> str:
        """The observation mode; of a flat one, the mode that is flattened: the default."""
        return type(self).observation if self.flat else self.observation

    def _integer(self, name: str, low: int, high: int) -> None:
        value = getattr(self, name)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise FrameSelectError(f"{name}={value!r}: must be an integer from {low} to {high}")

    def _at_most_num_frames(self, name: str, default: int = DEFAULT_FRAMES) -> None:
        """Check a number of frames, 1 to T; None becomes the default, or T if that is less."""
        if getattr(self, name) is None:
            object.__setattr__(self, name, min(default, self.num_frames))
        self._integer(name, 1, self.num_frames)

    def _one_of(self, name: str, allowed: tuple[str | bool, ...]) -> None:
        if getattr(self, name) not in allowed:
            listed = ", ".join(map(repr, allowed))
            raise FrameSelectError(f"{name}={getattr(self, name)!r}: must be one of {listed}")


@dataclass(frozen=True)
class MultiStepSettings(Settings):
    """What the processes with more than one step add."""

    # True: each step pays the change of the reward that the selection so far would earn. "best":
    # only the increase over the highest value so far, starting from 0, that of an empty selection.
    dense: bool | Literal["best"] = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self._one_of("dense", (False, True, "best"))


def check_keywords(environment: type[Any], kind: type[Settings], keywords: dict[str, Any]) -> None:
    """Refuse a keyword that neither `environment` nor its settings have, in Python's own words.

    Raises:
        UnknownKeywordError: with the most similar keyword and all that are known.
    """
    names = [field.name for field in fields(kind)]
    for name in keywords:
        if name not in names:
            own = inspect.signature(environment).parameters.values()
            names += [one.name for one in own if one.kind is not one.VAR_KEYWORD]
            hint = did_you_mean(name, names)
            raise UnknownKeywordError(
                f"{environment.__name__}.__init__() got an unexpected keyword argument {name!r};"
                f"{hint} known: {', '.join(sorted(names))}"
            )
