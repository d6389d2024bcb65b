"""Evaluation: the results of every ranking on one split, and the rows of its table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from agents.evaluation.intervals import Interval, Resamples, resampled_groups
from agents.evaluation.references import CHOSEN
from agents.evaluation.scoring import EvaluationSettings, FrameCount, VideoResults
from frame_select_env.errors import FrameSelectError

# The figures of a row, in the order of the columns. A gain is over keeping all frames: in accuracy,
# or as the fall of the MAE; `pcc_gain` is the rise of the correlation.
FIGURES = {"classification": ("accuracy", "gain"), "regression": ("pcc", "mae", "gain", "pcc_gain")}
# The same without the gains: the levels.
LEVELS = {"classification": ("accuracy",), "regression": ("pcc", "mae")}


# How a ranking agrees with raters; the F-score in a cache with summaries.
AGREEMENT = TAU, RHO, F_SCORE = "tau", "rho", "f_score"


@dataclass(frozen=True)
class Agreement:
    """How well a ranking agrees with the raters.

    Attributes:
        values: By the names in `AGREEMENT`, [R, n] by run and video.
        figures: By the same names, the mean with its interval.
    """

    values: Mapping[str, np.ndarray]
    figures: Mapping[str, Interval]

    @classmethod
    def of(cls, values: Mapping[str, np.ndarray], drawn: Resamples) -> "Agreement":
        """Of values [R, n], with intervals."""
        return cls(values, {name: drawn.mean(own) for name, own in values.items()})


@dataclass(frozen=True)
class TableRow:
    """The figures of one ranking at one number of frames."""

    ranking: str
    # m, "all", "free", "chosen" or the rule that stands beside it, "one-se" or "best"; empty in the
    # row of the raters among themselves, which has an agreement alone
    frames: str
    figures: dict[str, Interval]  # by the names in `FIGURES`
    mean_frames: float  # frames kept, averaged over runs and videos; NaN in that row
    runs: int  # R, the number of runs (seeds, draws) averaged
    average_precision: float | None  # of the scores against the true importance, if it is known
    kind: str  # "reference", "oracle" (it sees the label) or "agent"
    spearman: float | None = None  # rank correlation with the true importance, if it is known
    # The oracle's accuracy at the same m minus this one (regression: this MAE minus the oracle's);
    # None without an m or an oracle.
    regret: float | None = None
    # The correlation by target, of a regression with several; their mean is the figure `pcc`.
    targets: Mapping[str, Interval] = field(default_factory=dict)
    # The ranking's agreement with raters, by the names in `AGREEMENT`, in a cache that has some.
    agreement: Mapping[str, Interval] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """Whether selection helps on the scored videos."""

    text: str  # a sentence
    agent: str  # the best one, which it is about
    formula: str  # the best one; empty without a formula
    formula_row: str  # its row that counts, "free" or its headline


@dataclass(frozen=True)
class Evaluation:
    """The results of every ranking on one split, as `evaluate` returns them."""

    settings: EvaluationSettings  # cache, fold, number of frames, alpha and stream
    split: str  # the split that was scored
    rows: np.ndarray  # [n] int64, its labelled videos, rows in the cache
    label: np.ndarray  # [n] int64 or [n, K] float32
    table: tuple[TableRow, ...]  # references, then the oracle, then the agents
    # (ranking, frames) -> every video's results, with a first axis of runs; ("all", "all") keeps
    # every frame
    results: dict[tuple[str, str], VideoResults]
    scores: dict[str, np.ndarray]  # by ranking, importance [R, n, U, T]; absent if it depends on m
    # (ranking, frames) -> m (or "all") of each run, for `chosen` and the row of the rule beside it
    choices: dict[tuple[str, str], tuple[FrameCount, ...]]
    agents: tuple[str, ...]  # their names, without references and controls, in their order
    omissions: tuple[str, ...]  # what was left out, and why
    # how m was chosen, by row: `chosen`, and the rule beside it; empty where nothing was chosen
    rules: Mapping[str, str]
    resamples: int  # number of bootstrap resamples
    levels: tuple[str, ...] = ()  # the formulas that the best agent is not certainly above
    cautions: tuple[str, ...] = ()  # what its intervals and choices cannot tell
    verdict: Verdict | None = None  # whether selection helps; None without an agent
    # by ranking: the m that it was trained for, where that is known
    target_frames: Mapping[str, int] = field(default_factory=dict)
    # by ranking: its agreement with raters, in a cache that has some
    agreement: Mapping[str, Agreement] = field(default_factory=dict)
    # by (ranking, frames): the mean reward, where neither labels nor raters judge; see `paid`
    rewards: Mapping[tuple[str, str], float] = field(default_factory=dict)

    @property
    def task(self) -> str:
        """The cache's task, "classification" or "regression"."""
        return self.settings.cache.task

    @property
    def notes(self) -> tuple[str, ...]:
        """Every line below the table but its cautions and what its words mean."""
        return *self.omissions, *(self.rule(row) for row in self.rules), *self.levels

    def rule(self, row: str) -> str:
        """A line that says how m was chosen in a row of `rules`."""
        return f"{row}: {self.rules[row]}"

    @property
    def rated_alone(self) -> bool:
        """Whether rankings are judged by raters alone: every answer is right."""
        return bool(self.agreement) and self.settings.cache.single_class

    @property
    def chosen(self) -> dict[str, tuple[FrameCount, ...]]:
        """By ranking: m (or "all") of each run in `chosen`."""
        return {name: own for (name, row), own in self.choices.items() if row == CHOSEN}

    @property
    def targets(self) -> tuple[str, ...]:
        """The names of the targets of a regression with several; else none."""
        classes = self.settings.cache.classes
        return tuple(classes) if self.task == "regression" and len(classes) > 1 else ()

    @property
    def valid(self) -> np.ndarray:
        """[n, T] bool, False at padding."""
        return self.results["all", "all"].selected[0][:, 0]

    @property
    def group(self) -> np.ndarray | None:
        """The group of each video, [n] str; None where there are no groups."""
        groups = self.settings.cache.groups
        return None if groups is None else groups[self.rows]

    def draw(self, seed: int) -> Resamples:
        """Bootstrap resamples of its videos, of whole groups where there are enough of them."""
        drawn = resampled_groups(self.group)[0]
        return Resamples(len(self.rows), drawn, self.resamples, seed)

    def frames(self, ranking: str) -> list[str]:
        """The rows of a ranking: "chosen", the rule beside it, "free", each m and "all"."""
        return [frames for name, frames in self.results if name == ranking]

    def headline(self, ranking: str) -> str:
        """The row to report first: `chosen`, or where nothing was chosen a row at a fixed m.

        That m is the one that the ranking was trained for (a reference: the first ranking that was
        trained), if it was scored there, else the least. A predictor has the row `all` alone.
        """
        have = self.frames(ranking)
        if CHOSEN in have:
            return CHOSEN
        fixed = [frames for frames in have if frames.isdigit()]
        first = next(iter(self.target_frames.values()), 0)
        trained = str(self.target_frames.get(ranking, first))
        return trained if trained in fixed else min(fixed, key=int, default="all")

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


def target_intervals(
    results: VideoResults, label: np.ndarray, targets: Sequence[str], resamples: Resamples
) -> dict[str, Interval]:
    """The correlation of each of `targets` with its interval; empty without targets."""
    if not targets:
        return {}
    return dict(zip(targets, resamples.correlations(results.predicted, label), strict=True))
