"""One row of the table: the figures of one ranking at one number of frames."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from agents.evaluation.intervals import Interval, Resamples
from agents.evaluation.verdicts import Verdict

# The figures of a row, in the order of the columns. A gain is what was won over all frames: in
# accuracy, or as the fall of the MAE; `pcc_gain` is the rise of the correlation.
FIGURES = {
    "classification": ("accuracy", "gain"),
    "regression": ("pcc", "mae", "gain", "pcc_gain"),
}


@dataclass(frozen=True)
class Row:
    """The figures of one ranking at one number of frames.

    Attributes:
        ranking: The ranking's name.
        frames: m, "all", "free" or "chosen".
        figures: By the names in `FIGURES`.
        mean_frames: Frames kept, averaged over runs and videos.
        runs: R, the number of runs (seeds, draws) averaged.
        average_precision: Of the scores against the true importance; None if there is none.
        kind: "reference", "oracle" (it saw the label) or "agent".
        spearman: Rank correlation of the scores with the true importance; None if there is none.
        regret: The oracle's accuracy at the same m minus this one (regression: this MAE minus the
            oracle's); None where there is no m or no oracle.
    """

    ranking: str
    frames: str
    figures: dict[str, Interval]
    mean_frames: float
    runs: int
    average_precision: float | None
    kind: str
    spearman: float | None = None
    regret: float | None = None


def make_figures(
    verdict: Verdict, reference: Verdict, label: np.ndarray, resamples: Resamples
) -> dict[str, Interval]:
    """The figures of an verdict, with intervals.

    Args:
        verdict: Of R runs.
        reference: Of keeping all frames, one run without the axis R.
        label: [n] int, or [n, K] float.
        resamples: Of the n videos.
    """
    gain = resamples.mean(reference.error - verdict.error)
    if label.ndim == 1:
        return {"accuracy": resamples.mean(1 - verdict.error), "gain": gain}
    return {
        "pcc": resamples.correlation(verdict.predicted, label),
        "mae": resamples.mean(verdict.error),
        "gain": gain,
        "pcc_gain": resamples.correlation_gain(verdict.predicted, reference.predicted, label),
    }


def mean_rank_quality(
    measure: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray],
    scores: np.ndarray,
    importance: np.ndarray | None,
    valid: np.ndarray,
) -> float | None:
    """A measure of rankings over runs and videos; None if it can be taken of no video.

    Args:
        measure: Scores, importance and validity, [n, T] each, -> [n], NaN where a video's
            importance allows no measure.
        scores: [R, n, T].
        importance: [n, T], above 0 where a frame matters; None if the cache does not tell.
        valid: [n, T] bool.
    """
    if importance is None:
        return None
    quality = np.stack([measure(run, importance, valid) for run in scores])
    measured = np.isfinite(quality[0])
    return float(quality[:, measured].mean()) if measured.any() else None
