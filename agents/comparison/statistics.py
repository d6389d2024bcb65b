"""What a comparison says in numbers: every label over all boards, and every two labels."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from agents.comparison.board import Board, labels_of, same_task, shared_frames
from agents.comparison.resampling import (
    Sample,
    pooled_difference,
    pooled_improvement,
    pooled_iqm,
    pooled_mean,
    sample,
)
from agents.evaluation import Interval, Resamples
from agents.evaluation.files import whole_file


@dataclass(frozen=True)
class Aggregate:
    """The figures of one label over the boards of one task.

    Attributes:
        task: "classification" or "regression".
        label: Whose.
        frames: "chosen", "free" or m.
        boards: How many boards have the label. runs: How many runs it has there in all.
        iqm: Interquartile mean of the runs' scores: accuracy (regression: minus the MAE).
        iqm_gain: The same of what each run's score is above keeping all frames of its board.
        gain: That gain's mean over runs, averaged over boards.
    """

    task: str
    label: str
    frames: str
    boards: int
    runs: int
    iqm: Interval
    iqm_gain: Interval
    gain: Interval


@dataclass(frozen=True)
class Pair:
    """Two labels at the same frames, on one board or averaged over boards.

    Attributes:
        board: None for the average over all boards of the task.
        task: "classification" or "regression".
        boards: How many boards were averaged.
        first: A label. second: Another.
        frames: "chosen", "free" or m.
        difference: The score of the first less that of the second, seeds and videos paired.
        improvement: The probability that a run of the first scores higher than one of the second.
    """

    board: Board | None
    task: str
    boards: int
    first: str
    second: str
    frames: str
    difference: Interval
    improvement: Interval

    @property
    def title(self) -> str:
        """Where the two are compared, in words."""
        return self.board.title if self.board else f"average of {self.boards} data sets"


def aggregates(boards: Sequence[Board]) -> list[Aggregate]:
    """Every label at every row that it has on all its boards, by task, in the grid's order.

    Args:
        boards: The strata of the bootstrap.
        count: S, the number of resamples.
    """
    found = []
    for task, alike in same_task(boards).items():
        scores = [board_samples(board, place) for place, board in enumerate(alike)]
        gains = [board_samples(board, place, gain=True) for place, board in enumerate(alike)]
        for label in labels_of(alike):
            for frames in shared_frames(alike, [label]):
                key = label, frames
                own = [one[key] for one in scores if key in one]
                above = [one[key] for one in gains if key in one]
                found.append(
                    Aggregate(
                        *(task, label, frames, len(own), sum(len(one.score) for one in own)),
                        iqm=pooled_iqm(own),
                        iqm_gain=pooled_iqm(above),
                        gain=pooled_mean(above),
                    )
                )
    return found


def board_pairs(board: Board) -> list[Pair]:
    """Every two labels of a board, each pair once, at every row that both have."""
    # Seed 0 is that of the evaluation's own table, whose intervals these then agree with.
    return _pairs(board, [board], [board_samples(board, 0)])


def pooled_pairs(boards: Sequence[Board]) -> list[Pair]:
    """Every two labels averaged over the boards that have both, task by task.

    A task with a single board has no average beside that board's own pairs.
    """
    found = []
    for alike in same_task(boards).values():
        if len(alike) > 1:
            # A seed each: boards of as many videos or runs must not have the same ones drawn.
            drawn = [board_samples(board, place) for place, board in enumerate(alike)]
            found += _pairs(None, alike, drawn)
    return found


def board_samples(board: Board, seed: int, gain: bool = False) -> dict[tuple[str, str], Sample]:
    """(label, frames) -> the scores, or the gains, of its runs in the order of their seeds."""
    groups = board.evaluation.setting.cache.groups
    rows = board.evaluation.rows
    drawn = Resamples(
        len(rows), None if groups is None else groups[rows], board.evaluation.resamples, seed
    )
    values = board.gain if gain else board.score
    return {
        (label, frames): sample(values(label, frames)[_by_seed(board, label)], drawn)
        for label in board.runs
        for frames in board.frames(label)
    }


def write_statistics(folder: str | Path, boards: Sequence[Board]) -> list[Path]:
    """Write aggregate.csv and pairs.csv; scores as fractions (regression: minus the MAE).

    In pairs.csv an empty `data` is the average over boards.

    Raises:
        FrameSelectError: if the folder does not exist or cannot be written to.
    """
    written = [Path(folder) / "aggregate.csv", Path(folder) / "pairs.csv"]
    found = aggregates(boards)
    names = ("iqm", "iqm_gain", "gain")
    _write(
        written[0],
        ["task", "label", "frames", "boards", "runs", *_columns(names)],
        (
            [one.task, one.label, one.frames, one.boards, one.runs]
            + _figures(getattr(one, name) for name in names)
            for one in found
        ),
    )
    pairs = [*pooled_pairs(boards), *(pair for board in boards for pair in board_pairs(board))]
    heading = ["data", "fold", "task", "boards", "first", "second", "frames"]
    _write(
        written[1],
        [*heading, *_columns(("difference", "improvement"))],
        (
            [pair.board.data if pair.board else "", pair.board.fold if pair.board else ""]
            + [pair.task, pair.boards, pair.first, pair.second, pair.frames]
            + _figures((pair.difference, pair.improvement))
            for pair in pairs
        ),
    )
    return written


def _pairs(
    board: Board | None,
    alike: Sequence[Board],
    drawn: Sequence[dict[tuple[str, str], Sample]],
) -> list[Pair]:
    found = []
    for first, second in combinations(labels_of(alike), 2):
        both = [
            (one, its)
            for one, its in zip(alike, drawn, strict=True)
            if first in one.runs and second in one.runs
        ]
        for frames in shared_frames([one for one, _ in both], [first, second]):
            paired = [(its[first, frames], its[second, frames]) for _, its in both]
            figures = pooled_difference(paired), pooled_improvement(paired)
            found.append(Pair(board, alike[0].task, len(both), first, second, frames, *figures))
    return found


def _by_seed(board: Board, label: str) -> np.ndarray:
    return np.argsort([run.seed for run in board.runs[label]], kind="stable")


def _columns(names: Iterable[str]) -> list[str]:
    return [column for name in names for column in (name, f"{name}_low", f"{name}_high")]


def _figures(intervals: Iterable[Interval]) -> list[str]:
    # Adding 0.0 turns a rounded -0.0 into 0.0.
    return [
        f"{round(number, 6) + 0.0:.6f}"
        for one in intervals
        for number in (one.value, one.low, one.high)
    ]


def _write(path: Path, heading: list[str], rows: Iterable[list[object]]) -> None:
    with whole_file(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(heading)
        writer.writerows(rows)
