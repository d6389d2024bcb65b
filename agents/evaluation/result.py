"""Evaluation: the results of every ranking on one split, and the rows of its table."""

from dataclasses import dataclass

import numpy as np

from agents.evaluation.intervals import Interval, Resamples
from agents.evaluation.scoring import EvaluationSettings, FrameCount, VideoResults
from frame_select_env.errors import FrameSelectError

# The figures of a row, in the order of the columns. A gain is over keeping all frames: in accuracy,
# or as the fall of the MAE; `pcc_gain` is the rise of the correlation.
FIGURES = {
    "classification": ("accuracy", "gain"),
    "regression": ("pcc", "mae", "gain", "pcc_gain"),
}
# The same without the gains: the levels.
LEVELS = {"classification": ("accuracy",), "regression": ("pcc", "mae")}


@dataclass(frozen=True)
class TableRow:
    """The figures of one ranking at one number of frames.

    Attributes:
        ranking: The ranking's name.
        frames: m, "all", "free" or "chosen".
        figures: By the names in `FIGURES`.
        mean_frames: Frames kept, averaged over runs and videos.
        runs: R, the number of runs (seeds, draws) averaged.
        average_precision: Of the scores against the true importance; None if it is unknown.
        kind: "reference", "oracle" (it sees the label) or "agent".
        spearman: Rank correlation of the scores with the true importance; None if it is unknown.
        regret: The oracle's accuracy at the same m minus this one (regression: this MAE minus the
            oracle's); None without an m or an oracle.
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


@dataclass(frozen=True)
class Evaluation:
    """The results of every ranking on one split, as `evaluate` returns them.

    Attributes:
        settings: Cache, fold, number of frames, alpha and stream.
        split: The split that was scored.
        rows: [n] int64, its labelled videos, rows in the cache.
        label: [n] int64 or [n, K] float32.
        table: The rows: references, then the oracle, then the agents.
        results: (ranking, frames) -> the results of every video, with a first axis of runs;
            ("all", "all") keeps every frame.
        scores: Ranking -> importance scores [R, n, T]; absent if they depend on m.
        chosen: Ranking -> the m (or "all") of every run in its row `chosen`.
        agents: The names of the agents, without references and controls, in their order.
        notes: What was left out, and why.
        resamples: Number of bootstrap resamples.
    """

    settings: EvaluationSettings
    split: str
    rows: np.ndarray
    label: np.ndarray
    table: tuple[TableRow, ...]
    results: dict[tuple[str, str], VideoResults]
    scores: dict[str, np.ndarray]
    chosen: dict[str, tuple[FrameCount, ...]]
    agents: tuple[str, ...]
    notes: tuple[str, ...]
    resamples: int

    @property
    def task(self) -> str:
        """The cache's task, "classification" or "regression"."""
        return self.settings.cache.task

    @property
    def valid(self) -> np.ndarray:
        """[n, T] bool, False at padding."""
        return self.results["all", "all"].selected[0]

    def frames(self, ranking: str) -> list[str]:
        """The rows of a ranking, of "chosen", "free", each m and "all", in this order."""
        return [frames for name, frames in self.results if name == ranking]

    def row(self, ranking: str, frames: str | int) -> TableRow:
        """The row of a ranking at `frames`."""
        for row in self.table:
            if (row.ranking, row.frames) == (ranking, str(frames)):
                return row
        raise FrameSelectError(f"the table has no row {ranking!r} at frames {frames}")


def figure_intervals(
    results: VideoResults, reference: VideoResults, label: np.ndarray, resamples: Resamples
) -> dict[str, Interval]:
    """The figures in `FIGURES` with their intervals.

    `results` are of R runs, and `reference`, of keeping all frames, is one run without the axis R.
    """
    gain = resamples.mean(reference.error - results.error)
    if label.ndim == 1:
        return {"accuracy": resamples.mean(1 - results.error), "gain": gain}
    return {
        "pcc": resamples.correlation(results.predicted, label),
        "mae": resamples.mean(results.error),
        "gain": gain,
        "pcc_gain": resamples.correlation_gain(results.predicted, reference.predicted, label),
    }
