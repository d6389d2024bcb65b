"""From the finished run folders of a comparison to its boards."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from agents.comparison.board import Board, RunFacts
from agents.comparison.grid import Cell, by_place, make_labels
from agents.comparison.record import UNTRAINED, Record
from agents.evaluation.entries import reference_names
from agents.run_evaluation import evaluate_runs
from agents.training.load import LoadedRun, load_run
from frame_select_env import open_cache


def gather(
    out: Path,
    cells: Sequence[Cell],
    records: Mapping[Cell, Record],
    frames: Sequence[int],
    also: Sequence[str] = (),
    resamples: int = 2000,
) -> list[Board]:
    """Evaluate the finished runs, board by board, in the grid's order.

    Args:
        out: The comparison's folder.
        cells: The grid.
        records: Of the runs that are finished; others are left out, as are boards without any.
        frames: The m.
        also: References beside the usual ones.
        resamples: Of the bootstrap.

    Raises:
        FrameSelectError: if a run does not load.
    """
    labels = make_labels(cells)
    several = len({cell.select for cell in cells}) > 1
    boards = []
    for (data, fold), group in by_place(cells).items():
        cache = open_cache(data)
        rows: dict[str, list[LoadedRun]] = {}
        controls: dict[str, dict[int, LoadedRun]] = {}
        facts: dict[str, list[RunFacts]] = {}
        for cell in group:
            if cell not in records:
                continue
            folder, label = cell.folder(out), labels[cell]
            loaded = load_run(folder, cache)
            rows.setdefault(label, []).append(loaded)
            controls.setdefault(_control(cell, several), {}).setdefault(cell.seed, loaded)
            facts.setdefault(label, []).append(_facts(cell, label, folder, records[cell]))
        if not rows:
            continue
        evaluation = evaluate_runs(
            cache,
            rows,
            {name: list(runs.values()) for name, runs in controls.items()},
            select=frames,
            references=[*reference_names(True, cache.task), *also],
            resamples=resamples,
            progress=True,
        )
        boards.append(
            Board(data, fold, evaluation, {name: tuple(runs) for name, runs in facts.items()})
        )
    return boards


def _control(cell: Cell, several: bool) -> str:
    """The row of a cell's untrained network, which knows of no reward: one for all rewards."""
    return f"{UNTRAINED} {cell.agent}" + (f", m={cell.select}" if several else "")


def _facts(cell: Cell, label: str, folder: Path, record: Record) -> RunFacts:
    return RunFacts(
        label=label,
        agent=cell.agent,
        reward=cell.reward,
        select=cell.select,
        seed=cell.seed,
        folder=folder,
        episodes=record.episodes,
        updates=record.updates,
        seconds=record.seconds,
        cpu_seconds=record.cpu_seconds,
    )
