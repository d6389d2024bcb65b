"""Outcome: the facts about a batch of selections that a reward design may read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from frame_select_env.errors import FrameSelectError

# Every design may read these; the rest must be declared, which proves claims like "needs no label".
OPEN = frozenset({"p0", "p1", "unanswered", "selected", "looked", "valid", "target_frames"})
LABELLED = frozenset({"label", "correct_before", "correct_after"})
LOOKED_UP = frozenset({"predictions", "features", "importance", "time", "video", "statistics"})
FACTS = OPEN | LABELLED | LOOKED_UP


@dataclass(frozen=True)
class Statistics:
    """What is known of a regression's training videos, [K] float64 each.

    Deviations have the divisor n; one of 0 counts as 1. The correlation of a constant is 0.
    """

    label_mean: np.ndarray
    label_sd: np.ndarray
    p0_mean: np.ndarray
    p0_sd: np.ndarray
    correlation: np.ndarray  # of label and p0

    @classmethod
    def of(cls, label: np.ndarray, p0: np.ndarray) -> "Statistics":
        """The statistics of labels [n, K] and mean predictions [n, K]."""
        label, p0 = np.asarray(label, np.float64), np.asarray(p0, np.float64)
        sd, spread = (np.where(one.std(axis=0) > 0, one.std(axis=0), 1.0) for one in (label, p0))
        both = (label - label.mean(axis=0)) * (p0 - p0.mean(axis=0))
        return cls(label.mean(axis=0), sd, p0.mean(axis=0), spread, both.mean(axis=0) / sd / spread)


class Outcome:
    """The facts about B selections, the argument of every reward design; arrays are read-only.

    Use `correct_before` and `correct_after`, never the argmax of p1: where nothing is selected p1
    is zeros, and its argmax would be class 0.

    Attributes:
        label: [B] int64 (regression: [B, K] float).
        correct_before: [B] bool, whether all frames together predict the label.
        correct_after: [B] bool, whether the selected frames together do.
        p0: [B, C] float64, prediction of all valid frames: their mean, or what the environment's
            `aggregator` makes of them.
        p1: [B, C] float64, the same of the selected frames.
        unanswered: [B] bool, where nothing is selected and p1 is therefore zeros: no answer.
        video: [B] int64, row of the video in the cache.
        selected: [B, T] bool. valid: [B, T] bool.
        looked: [B, T] bool, the frames that were looked at: the selected ones, unless the process
            distinguishes looking from selecting.
        target_frames: m, the number of frames that a budget aims at.
        predictions: [B, T, C]. features: [B, T, D]. importance: [B, T]. time: [B, T] seconds.
            These are read from the cache on demand.
        statistics: `Statistics` of the training videos of a regression.

    Args:
        facts: The facts that are known already.
        look_up: Reads one of the others.
        allowed: The facts that may be read; None for all.
        reader: Name of the design that reads, for messages.
    """

    video: np.ndarray
    label: np.ndarray
    correct_before: np.ndarray
    correct_after: np.ndarray
    p0: np.ndarray
    p1: np.ndarray
    unanswered: np.ndarray
    selected: np.ndarray
    looked: np.ndarray
    valid: np.ndarray
    target_frames: int
    predictions: np.ndarray
    features: np.ndarray
    importance: np.ndarray
    time: np.ndarray
    statistics: Statistics

    def __init__(
        self,
        facts: Mapping[str, np.ndarray | int],
        look_up: Callable[[str], np.ndarray] | None = None,
        allowed: frozenset[str] | None = None,
        reader: str = "",
    ) -> None:
        shared = {name: _read_only(one) for name, one in facts.items()}
        if "unanswered" not in facts:
            shared["unanswered"] = _read_only(~np.any(facts["p1"], axis=1))
        if "looked" not in facts and "selected" in facts:
            shared["looked"] = shared["selected"]
        self._hand_out(shared, look_up, allowed, reader)

    def _hand_out(
        self,
        facts: Mapping[str, Any],
        look_up: Callable[[str], np.ndarray] | None,
        allowed: frozenset[str] | None,
        reader: str,
    ) -> None:
        self._facts, self._look_up = facts, look_up
        self._allowed, self._reader = allowed, reader
        # Known facts that may be read become plain attributes; __getattr__ handles the rest.
        readable = FACTS if allowed is None else allowed
        vars(self).update({name: facts[name] for name in facts if name in readable})

    def __len__(self) -> int:
        return len(self._facts["p1"])

    def __getattr__(self, name: str) -> np.ndarray:
        if name not in FACTS:
            raise AttributeError(f"Outcome has no {name!r}; it has {', '.join(sorted(FACTS))}")
        if self._allowed is not None and name not in self._allowed:
            raise FrameSelectError(
                f"reward {self._reader!r} reads outcome.{name} without declaring it; "
                f"register it with needs=({name!r},)"
            )
        if name in LABELLED:
            raise FrameSelectError(
                f"reward {self._reader!r} reads outcome.{name}, which a regression cache does not "
                "have; use a reward for regression such as delta_error"
            )
        if self._look_up is None:
            raise FrameSelectError(
                f"reward {self._reader!r} reads outcome.{name}, which is not available here"
            )
        return _read_only(self._look_up(name))

    def only(self, allowed: frozenset[str] | None, reader: str) -> "Outcome":
        """The same facts, of which `reader` may read only those in `allowed`."""
        outcome = Outcome.__new__(Outcome)
        outcome._hand_out(self._facts, self._look_up, allowed, reader)
        return outcome


def _read_only(value: Any) -> Any:
    """A view that cannot be written to: designs of one sum share the facts."""
    if isinstance(value, np.ndarray) and value.flags.writeable:
        value = value.view()
        value.flags.writeable = False
    return value
