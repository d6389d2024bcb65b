"""One cell of a comparison, trained and scored; what is done already is not done again."""

from dataclasses import dataclass
from pathlib import Path

import torch

from agents.comparison.grid import Cell
from agents.comparison.record import Record, make_record, read_record
from agents.training.run_folder import is_finished
from agents.training.trainer import run_config, train_run
from frame_select_env import open_cache


@dataclass(frozen=True)
class Work:
    """A cell to train and to score.

    Attributes:
        cell: Which run.
        folder: Its run folder.
        frames: The m of its scores.
        checkpoint_seconds: Time between two checkpoints, at least.
    """

    cell: Cell
    folder: Path
    frames: tuple[int, ...]
    checkpoint_seconds: float


def do_work(work: Work) -> Record:
    """Train a cell, or finish what was begun of it, and score it on the test split.

    Raises:
        FrameSelectError: if the run cannot be trained, or its folder holds something else.
    """
    torch.set_num_threads(1)  # the workers are as many as the CPUs
    if not was_trained(work.cell, work.folder):
        train_run(work.folder, work.cell.run(), checkpoint_seconds=work.checkpoint_seconds)
    found = read_record(work.folder, work.frames)
    return found or make_record(work.folder, open_cache(work.cell.data), work.frames)


def was_trained(cell: Cell, folder: Path) -> bool:
    """Whether the folder holds this very run, complete.

    Raises:
        FrameSelectError: if it holds another one, or one of another cache or version.
    """
    run, cache = cell.run(), open_cache(cell.data)
    return is_finished(folder, run_config(run, cache, run.task(cache)))


def done_before(work: Work) -> Record | None:
    """The record of a cell that is trained and scored, None if something of it is left to do.

    Raises:
        FrameSelectError: as `was_trained`.
    """
    trained = was_trained(work.cell, work.folder)
    return read_record(work.folder, work.frames) if trained else None
