"""results.csv: a row for every run and number of frames, and for every reference."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from agents.comparison.board import Board
from agents.comparison.grid import Cell, by_place
from agents.comparison.record import TRAINED, UNTRAINED, Record, Score
from agents.evaluation import FIGURES
from agents.evaluation.files import whole_file
from frame_select_env import open_cache


def columns(tasks: Sequence[str]) -> list[str]:
    """The columns, in order; the scores are those of the caches' tasks."""
    scores = dict.fromkeys(
        name for task in sorted(set(tasks)) for name in FIGURES[task] if "gain" not in name
    )
    return [
        *("data", "fold", "agent", "reward", "seed", "frames"),
        *scores,
        *("mean_frames", "episodes", "updates", "seconds", "select", "cpu_seconds"),
    ]


def write_results(
    path: Path,
    cells: Sequence[Cell],
    records: Mapping[Cell, Record],
    boards: Sequence[Board] = (),
) -> None:
    """Write results.csv whole: for every data and fold the runs, the untrained agents, references.

    The order is the grid's, whatever the order in which runs ended. A reference's figures are means
    over its draws; it has no seed. An untrained agent knows no reward and has trained for nothing.

    Args:
        path: The file.
        cells: The grid.
        records: Of the runs that are finished.
        boards: With the references, once there are any.

    Raises:
        FrameSelectError: if the file cannot be written.
    """
    tasks = [open_cache(data).task for data in dict.fromkeys(cell.data for cell in cells)]
    evaluated = {(board.data, board.fold): board for board in boards}
    rows: list[dict[str, object]] = []
    for place, group in by_place(cells).items():
        finished = {cell: records[cell] for cell in group if cell in records}
        rows += _run_rows(finished)
        rows += _untrained_rows(finished)
        if place in evaluated:
            rows += _reference_rows(evaluated[place])
    with whole_file(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns(tasks), restval="")
        writer.writeheader()
        writer.writerows(rows)


def _run_rows(records: Mapping[Cell, Record]) -> list[dict[str, object]]:
    return [
        {
            **_named(cell, cell.agent),
            "reward": cell.reward,
            **_scored(score),
            "episodes": record.episodes,
            "updates": record.updates,
            "seconds": f"{record.seconds:.3f}",
            "cpu_seconds": f"{record.cpu_seconds:.3f}",
        }
        for cell, record in records.items()
        for score in record.scores
        if score.network == TRAINED
    ]


def _untrained_rows(records: Mapping[Cell, Record]) -> list[dict[str, object]]:
    """Once for all rewards: they say nothing about the first weights."""
    nothing = {"episodes": 0, "updates": 0, "seconds": 0, "cpu_seconds": 0}
    rows: dict[tuple[object, ...], dict[str, object]] = {}
    for cell, record in records.items():
        for score in record.scores:
            if score.network == UNTRAINED:
                key = (cell.agent, cell.select, cell.seed, score.frames)
                named = _named(cell, f"{UNTRAINED} {cell.agent}")
                rows.setdefault(key, {**named, **_scored(score), **nothing})
    return list(rows.values())


def _reference_rows(board: Board) -> list[dict[str, object]]:
    return [
        {
            "data": board.data,
            "fold": board.fold,
            "agent": row.ranking,
            **_scored(
                Score(
                    row.ranking,
                    row.frames,
                    {name: one.value for name, one in row.figures.items() if "gain" not in name},
                    row.mean_frames,
                )
            ),
        }
        for row in board.evaluation.table
        if row.kind != "agent" and not row.ranking.startswith(f"{UNTRAINED} ")
    ]


def _named(cell: Cell, agent: str) -> dict[str, object]:
    return {
        "data": cell.data,
        "fold": cell.fold,
        "agent": agent,
        "seed": cell.seed,
        "select": cell.select,
    }


def _scored(score: Score) -> dict[str, object]:
    figures = {name: f"{value:.6f}" for name, value in score.figures.items()}
    return {"frames": score.frames, **figures, "mean_frames": f"{score.mean_frames:.6g}"}
