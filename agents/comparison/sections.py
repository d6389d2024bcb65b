"""What both the summary and the page tell, section by section, and the notes that go with it."""

from collections.abc import Sequence
from dataclasses import dataclass

from agents.comparison.board import UNITS, Board, headline, labels_of, same_task, shared_frames
from agents.comparison.cells import (
    LISTED,
    Cells,
    aggregate_cells,
    difference_cells,
    pair_cells,
    probability_cells,
)
from agents.comparison.statistics import Aggregate, Pair, board_pairs, pooled_pairs

HOW_TO_READ = (
    "An agent ranks the frames of a test video, the best are averaged, and the score is how often "
    "that prediction is right (regression: minus its mean absolute error); `chosen` is at the "
    "number of frames, or all of them, that won on validation videos.",
    "Brackets are 95 % intervals that resample seeds and videos (whole groups where there are "
    "groups); a gain is over keeping all frames, and a difference of two agents is paired by seed "
    "and video, so that it can be sure even where the two agents' own intervals overlap.",
    "Before believing in an agent, look whether it beats what needs no reinforcement learning and "
    "stands beside it (`pooled`, `window-confidence`, `soft-attention`), and how far the oracle, "
    "which sees the label, leaves it behind.",
)
IQM = (
    "IQM: the mean of the runs of all data sets without the lowest and the highest quarter, of "
    "fewer than four runs simply their mean (Agarwal et al., NeurIPS 2021); intervals resample "
    "runs and videos data set by data set"
)
PAIRS = (
    "P(first > second): the probability that a run of the first scores above a run of the second, "
    "ties counting half; resampling videos adds noise to the runs' scores, which draws the "
    "interval towards a half"
)
MATRIX = (
    "row less column, * where the 95 % interval leaves zero out; columns have the rows' numbers; "
    "pairs.csv has every interval"
)


@dataclass(frozen=True)
class Comparisons:
    """The pairs of one board, or of the average over boards, as one or two tables.

    Attributes:
        title: What is compared. board: Where; None for the average.
        frames: The row that is looked at.
        tables: Title and table, one list or two matrices.
    """

    title: str
    board: Board | None
    frames: str
    tables: tuple[tuple[str, Cells], ...]


def aggregate_tables(
    found: Sequence[Aggregate], boards: Sequence[Board]
) -> list[tuple[str, str, Cells]]:
    """Task, the row that is looked at and the table, for every task that has a row in common."""
    made = []
    for task, alike in same_task(boards).items():
        if not shared_frames(alike, labels_of(alike)):
            continue
        own = [one for one in found if one.task == task]
        made.append((task, headline(alike, labels_of(alike)), aggregate_cells(own, alike)))
    return made


def comparisons(boards: Sequence[Board]) -> list[Comparisons]:
    """The pairs at the row that is looked at first: averages over boards, then board by board."""
    groups = pair_groups(boards)
    return [
        Comparisons(pairs[0].title, pairs[0].board, pairs[0].frames, _tables(pairs))
        for pairs in groups
    ]


def pair_groups(boards: Sequence[Board]) -> list[list[Pair]]:
    """Pairs at the row that is looked at first, averages over the boards of a task in front.

    The other rows are in pairs.csv. Where there is one label there are no pairs.
    """
    pooled = pooled_pairs(boards)
    groups = [
        _looked_at([pair for pair in pooled if pair.task == task], alike)
        for task, alike in same_task(boards).items()
    ]
    groups += [_looked_at(board_pairs(board), [board]) for board in boards]
    return [group for group in groups if group]


def all_notes(boards: Sequence[Board], notes: Sequence[str] = ()) -> list[str]:
    """The notes of the comparison, of its boards, and what its size calls for."""
    told = list(notes)
    told += [f"{board.title}: {note}" for board in boards for note in board.evaluation.notes]
    labels = labels_of(boards)
    pairs = len(labels) * (len(labels) - 1) // 2
    if pairs > 1:
        told.append(
            f"{pairs} pairs are compared at 95 % each, without correction: of as many pairs of "
            f"equals about {pairs / 20:.2g} would leave zero out by chance"
        )
    counts = {len(runs) for board in boards for runs in board.runs.values()}
    if 1 in counts:
        told.append(
            "where a label has one seed its intervals are over videos alone, and do not say how "
            "another seed would do"
        )
    elif counts and min(counts) < 5:
        told.append("with fewer than five seeds the intervals are too narrow")
    if len({board.evaluation.setting.cache.path for board in boards}) < len(boards):
        told.append("folds of one cache are resampled as if they shared no videos")
    if len(same_task(boards).get("regression", [])) > 1:
        told.append("errors are averaged over data sets as they are, whatever their units")
    return list(dict.fromkeys(told))


def _looked_at(pairs: Sequence[Pair], boards: Sequence[Board]) -> list[Pair]:
    labels = labels_of(boards)
    if not shared_frames(boards, labels):
        return []
    at = headline(boards, labels)
    return [pair for pair in pairs if pair.frames == at]


def _tables(pairs: Sequence[Pair]) -> tuple[tuple[str, Cells], ...]:
    labels = {name for pair in pairs for name in (pair.first, pair.second)}
    if len(labels) <= LISTED:
        return (("", pair_cells(pairs)),)
    return (
        (f"Difference, {UNITS[pairs[0].task]}", difference_cells(pairs)),
        (
            "Probability that a run of the row scores above one of the column",
            probability_cells(pairs),
        ),
    )
