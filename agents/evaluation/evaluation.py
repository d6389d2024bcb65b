"""Evaluation: what was found about every ranking on one split."""

from dataclasses import dataclass

import numpy as np

from agents.evaluation.judging import Frames
from agents.evaluation.rows import Row
from agents.evaluation.verdicts import Setting, Verdict
from frame_select_env.errors import FrameSelectError


@dataclass(frozen=True)
class Evaluation:
    """What `evaluate` found.

    Attributes:
        setting: Cache, fold, number of frames, alpha and stream.
        split: The split that was scored.
        rows: [n] int64, its labelled videos, rows in the cache.
        label: [n] int64 or [n, K] float32.
        table: The rows: references, then the oracle, then the agents.
        verdicts: (ranking, frames) -> what became of every video, with a first axis of runs;
            ("all", "all") is keeping every frame.
        scores: Ranking -> importance scores [R, n, T]; not where they depend on m.
        chosen: Ranking -> the m (or "all") of every run in its row `chosen`.
        agents: The names of the rankings that were asked for, without controls, in their order.
        notes: What was left out, and why.
        resamples: How many the intervals are of.
    """

    setting: Setting
    split: str
    rows: np.ndarray
    label: np.ndarray
    table: tuple[Row, ...]
    verdicts: dict[tuple[str, str], Verdict]
    scores: dict[str, np.ndarray]
    chosen: dict[str, tuple[Frames, ...]]
    agents: tuple[str, ...]
    notes: tuple[str, ...]
    resamples: int

    @property
    def valid(self) -> np.ndarray:
        """[n, T] bool, the frames that are no padding."""
        return self.verdicts["all", "all"].selected[0]

    def row(self, ranking: str, frames: str | int) -> Row:
        """The row of a ranking at `frames`.

        Raises:
            FrameSelectError: if the table has no such row.
        """
        for row in self.table:
            if (row.ranking, row.frames) == (ranking, str(frames)):
                return row
        raise FrameSelectError(f"the table has no row {ranking!r} at frames {frames}")
