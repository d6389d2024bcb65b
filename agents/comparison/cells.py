"""The tables of a comparison as text, cell by cell, for Markdown and for the page alike."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from agents.comparison.board import Board, headline, labels_of, shared_frames
from agents.comparison.statistics import Aggregate, Pair
from agents.evaluation import Interval
from agents.evaluation.tables import interval_text, number_text, table_cells

LISTED = 6  # labels whose pairs are listed; of more there is a matrix
SCORES = {"classification": "accuracy, %", "regression": "minus MAE"}
GAINS = {"classification": "gain, points", "regression": "fall of the MAE"}


@dataclass(frozen=True)
class Cells:
    """A table.

    Attributes:
        heading: The columns' names.
        rows: As many cells each.
        kinds: What each row is: "agent", "reference", "oracle"; empty if all are alike.
        shades: Of each row's cells, from -1 to 1, how far left or right of zero; empty for a table
            without shades.
    """

    heading: Sequence[str]
    rows: Sequence[Sequence[str]]
    kinds: Sequence[str] = ()
    shades: Sequence[Sequence[float]] = ()


def board_cells(board: Board) -> Cells:
    """The evaluation's own table, the compared agents on top."""
    heading, *rows = table_cells(board.shown)
    kinds = list({row.ranking: row.kind for row in board.shown.table}.values())
    order = sorted(range(len(rows)), key=lambda place: kinds[place] != "agent")
    return Cells(heading, [rows[place] for place in order], [kinds[place] for place in order])


def run_cells(boards: Sequence[Board]) -> Cells:
    """What was trained: every label with its agent, reward, m and seeds."""
    rows = []
    for label in labels_of(boards):
        runs = [run for board in boards for run in board.runs.get(label, ())]
        told = (
            _listed(run.agent for run in runs),
            _listed(run.reward for run in runs),
            _listed(str(run.select) for run in sorted(runs, key=lambda run: run.select)),
            _listed(str(run.seed) for run in sorted(runs, key=lambda run: run.seed)),
        )
        rows.append([label, *told, str(len(runs))])
    return Cells(["label", "agent", "reward", "m", "seeds", "runs"], rows)


def data_cells(boards: Sequence[Board]) -> Cells:
    """What was trained and scored on: every cache and fold."""
    rows = []
    for board in boards:
        setting, scored = board.evaluation.setting, board.evaluation.rows
        groups = setting.cache.groups
        videos = f"{len(scored)} ({board.evaluation.split})"
        if groups is not None:
            videos += f", in {len(np.unique(groups[scored]))} groups"
        task = board.task
        if board.task == "classification":
            task += f", {len(setting.cache.classes)} classes"
        rows.append([board.data, board.fold, task, str(setting.num_frames), videos])
    return Cells(["data", "fold", "task", "frames, T", "videos scored"], rows)


def aggregate_cells(found: Sequence[Aggregate], boards: Sequence[Board]) -> Cells:
    """The aggregates of one task, at the row that is looked at first.

    Args:
        found: All aggregates of that task.
        boards: The task's boards.
    """
    task, labels = boards[0].task, labels_of(boards)
    at = headline(boards, labels) if shared_frames(boards, labels) else ""
    percent = task == "classification"
    rows = [
        [one.label, str(one.boards), str(one.runs)]
        + [interval_text(one.iqm, "", percent)]
        + [interval_text(figure, "gain", percent) for figure in (one.iqm_gain, one.gain)]
        for one in found
        if one.frames == at
    ]
    names = [f"IQM of {SCORES[task]}", f"IQM of {GAINS[task]}", f"mean {GAINS[task]}"]
    return Cells(["label", "data sets", "runs", *names], rows)


def pair_cells(pairs: Sequence[Pair]) -> Cells:
    """The pairs as a list, a row each."""
    rows = [
        [pair.first, pair.second, difference_text(pair), probability_text(pair.improvement)]
        for pair in pairs
    ]
    return Cells(["first", "second", "first − second", "P(first > second)"], rows)


def difference_cells(pairs: Sequence[Pair]) -> Cells:
    """The differences of many labels as a matrix, row less column, `*` where zero is left out."""
    largest = max(abs(pair.difference.value) for pair in pairs) or 1.0
    entries: dict[tuple[str, str], tuple[str, float]] = {}
    for pair in pairs:
        percent = pair.task == "classification"
        mark = "*" if pair.difference.low > 0 or pair.difference.high < 0 else ""
        for sign, key in ((1, (pair.first, pair.second)), (-1, (pair.second, pair.first))):
            value = sign * pair.difference.value
            entries[key] = number_text(value, percent, signed=True) + mark, value / largest
    return _matrix(pairs, entries)


def probability_cells(pairs: Sequence[Pair]) -> Cells:
    """The probabilities of many labels as a matrix, of the row above the column."""
    entries: dict[tuple[str, str], tuple[str, float]] = {}
    for pair in pairs:
        for value, key in (
            (pair.improvement.value, (pair.first, pair.second)),
            (1 - pair.improvement.value, (pair.second, pair.first)),
        ):
            entries[key] = f"{value:.2f}", 2 * value - 1
    return _matrix(pairs, entries)


def time_cells(board: Board) -> Cells:
    """What training took, a label a row: means over its runs."""
    rows = []
    for label, runs in board.runs.items():
        counts = [
            f"{np.mean([getattr(run, name) for run in runs]):.0f}"
            for name in ("episodes", "updates")
        ]
        seconds = [
            f"{np.mean([getattr(run, name) for run in runs]):.1f}"
            for name in ("seconds", "cpu_seconds")
        ]
        rows.append([label, str(len(runs)), *counts, *seconds])
    return Cells(["label", "runs", "episodes", "updates", "seconds", "CPU seconds"], rows)


def difference_text(pair: Pair) -> str:
    """The difference of a pair with its interval: points of accuracy (regression: of MAE)."""
    return interval_text(pair.difference, "gain", pair.task == "classification")


def probability_text(figure: Interval) -> str:
    """A probability with its interval."""
    return f"{figure.value:.2f} [{figure.low:.2f}, {figure.high:.2f}]"


def _matrix(pairs: Sequence[Pair], entries: dict[tuple[str, str], tuple[str, float]]) -> Cells:
    labels = list(dict.fromkeys(name for pair in pairs for name in (pair.first, pair.second)))
    numbered = [f"{place}" for place in range(1, len(labels) + 1)]
    filled = [[entries.get((row, column), ("", 0.0)) for column in labels] for row in labels]
    return Cells(
        # The columns by number: their names side by side would make the table too wide.
        ["", *numbered],
        [
            [f"{number} {label}", *(text for text, _ in row)]
            for number, label, row in zip(numbered, labels, filled, strict=True)
        ],
        shades=[[0.0, *(shade for _, shade in row)] for row in filled],
    )


def _listed(things: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(things))
