"""One row of the table: the figures of one ranking at one number of frames."""

from dataclasses import dataclass

import numpy as np

from agents.evaluation.intervals import Interval, Resamples
from agents.evaluation.rank_quality import average_precision
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
    """

    ranking: str
    frames: str
    figures: dict[str, Interval]
    mean_frames: float
    runs: int
    average_precision: float | None
    kind: str


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


def mean_average_precision(
    scores: np.ndarray, importance: np.ndarray | None, valid: np.ndarray
) -> float | None:
    """The average precision over runs and videos; None if no video has frames that do not matter.

    Args:
        scores: [R, n, T].
        importance: [n, T], above 0 where a frame matters; None if the cache does not tell.
        valid: [n, T] bool.
    """
    if importance is None:
        return None
    precision = np.stack([average_precision(run, importance > 0, valid) for run in scores])
    scored = np.isfinite(precision[0])
    return float(precision[:, scored].mean()) if scored.any() else None
