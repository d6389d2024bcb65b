"""Board: the finished runs of a comparison on one fold of one cache, and their evaluation."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from agents.evaluation import Evaluation, Verdict
from frame_select_env.errors import FrameSelectError

# What a gain or a difference is told in.
UNITS = {"classification": "points of accuracy", "regression": "fall of the MAE"}


@dataclass(frozen=True)
class RunFacts:
    """One finished run.

    Attributes:
        label: Its row in the evaluation, say "dqn", or "dqn, margin, m=4" where a comparison has
            several rewards or numbers of frames.
        agent: The agent's name. reward: Its reward. select: m, what it was trained for.
        seed: Of every random draw.
        folder: The run folder, which holds metrics.csv.
        episodes: That the environment scored. updates: Steps of the optimiser.
        seconds: Of training, by the clock. cpu_seconds: The same of processor time.
    """

    label: str
    agent: str
    reward: str
    select: int
    seed: int
    folder: Path
    episodes: int
    updates: int
    seconds: float
    cpu_seconds: float


@dataclass(frozen=True)
class Board:
    """All runs on one fold of one cache.

    Attributes:
        data: The cache as it was asked for. fold: Its fold.
        evaluation: What was found; its rows are the labels, the untrained agents and the
            references.
        runs: Label -> its runs, in the order of the evaluation's first axis.
    """

    data: str
    fold: str
    evaluation: Evaluation
    runs: dict[str, tuple[RunFacts, ...]]

    @property
    def shown(self) -> Evaluation:
        """The evaluation without the rows that only stand beside an agent's free choice.

        Every agent with a free choice has such a row of `uniform` and of `random`, more than a
        table of many agents can bear; evaluation.csv has them.
        """
        rows = self.evaluation.table
        kept = {row.ranking for row in rows if row.frames != "free"} | set(self.runs)
        table = tuple(row for row in rows if row.ranking in kept)
        return replace(self.evaluation, table=table)

    @property
    def task(self) -> str:
        """The cache's task, "classification" or "regression"."""
        return self.evaluation.setting.cache.task

    @property
    def title(self) -> str:
        """The cache's name, and the fold's where that says something."""
        name = self.evaluation.setting.cache.path.stem
        return name if self.fold == "default" else f"{name}, fold {self.fold}"

    def verdict(self, label: str, frames: str) -> Verdict:
        """What became of every video, with a first axis of runs."""
        return self.evaluation.verdicts[label, frames]

    def frames(self, label: str) -> list[str]:
        """The rows that a label has, of "chosen", "free" and the m, in this order."""
        have = [frames for name, frames in self.evaluation.verdicts if name == label]
        return sorted(have, key=_order)

    def score(self, label: str, frames: str) -> np.ndarray:
        """1 if a video is right and 0 if not (regression: minus the absolute error), [R, n]."""
        error = self.verdict(label, frames).error
        return 1 - error if self.task == "classification" else -error

    def gain(self, label: str, frames: str) -> np.ndarray:
        """How much higher the score is than that of keeping all frames, [R, n]."""
        return self.verdict("all", "all").error - self.verdict(label, frames).error


def labels_of(boards: Iterable[Board]) -> list[str]:
    """Every label once, in the order of the grid."""
    return list(dict.fromkeys(label for board in boards for label in board.runs))


def shared_frames(boards: Iterable[Board], labels: Iterable[str]) -> list[str]:
    """The rows ("chosen", "free", each m) that all `labels` have on all boards that have them."""
    named = list(labels)
    have = [board.frames(label) for board in boards for label in named if label in board.runs]
    return [frames for frames in have[0] if all(frames in other for other in have)] if have else []


def headline(boards: Iterable[Board], labels: Iterable[str]) -> str:
    """The row to look at first: "chosen", or where a label lacks it the least m that all have.

    Raises:
        FrameSelectError: if the labels have no row in common.
    """
    shared = shared_frames(boards, labels)
    if not shared:
        raise FrameSelectError("the runs have no number of frames in common")
    fixed = [frames for frames in shared if frames.isdigit()]
    return "chosen" if "chosen" in shared else (fixed or shared)[0]


def same_task(boards: Sequence[Board]) -> dict[str, list[Board]]:
    """The boards by task: an accuracy and a mean absolute error cannot be averaged."""
    tasks = dict.fromkeys(board.task for board in boards)
    return {task: [board for board in boards if board.task == task] for task in tasks}


def _order(frames: str) -> int:
    return int(frames) if frames.isdigit() else {"chosen": -2, "free": -1}.get(frames, 10**6)
