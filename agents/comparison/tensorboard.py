"""TensorBoard's page of hyper-parameters: one entry for every run of a comparison."""

import re
from collections.abc import Sequence
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter

from agents.comparison.board import Board, headline


def write_hparams(folder: str | Path, boards: Sequence[Board]) -> list[Path]:
    """Write what every run was given and what came of it, for TensorBoard's tab HPARAMS.

    The metrics are the test score at the row that is looked at first (accuracy; regression: the
    mean absolute error), the episodes scored and the seconds of training.

    Args:
        folder: Where the entries go, a folder each; events of an earlier call are replaced.
        boards: Whose runs.

    Returns:
        The entries' folders.
    """
    folder = Path(folder)
    entries: list[Path] = []
    for place, board in enumerate(boards):
        at = headline([board], board.runs)
        metric = "test/accuracy" if board.task == "classification" else "test/mae"
        for label, runs in board.runs.items():
            error = board.verdict(label, at).error.mean(axis=1)
            for index, run in enumerate(runs):
                name = re.sub(r"[^A-Za-z0-9.=_-]+", "-", f"{board.title}-{label}-{run.seed}")
                # The numbers keep apart what has lost the characters that told it apart.
                entry = folder / f"{place + 1}.{len(entries) + 1}-{name}"
                _clear(entry)
                given = {
                    "data": board.data,
                    "fold": board.fold,
                    "label": label,
                    "agent": run.agent,
                    "reward": run.reward,
                    "m": run.select,
                    "seed": run.seed,
                }
                found = {
                    metric: float(
                        1 - error[index] if board.task == "classification" else error[index]
                    ),
                    "train/episodes": float(run.episodes),
                    "train/seconds": float(run.seconds),
                }
                with SummaryWriter(str(entry)) as writer:
                    writer.add_hparams(given, found, run_name=".")
                entries.append(entry)
    return entries


def _clear(entry: Path) -> None:
    for events in entry.glob("events.out.*"):
        events.unlink()
