"""RunWriter: writes a run folder while training goes on.

config.json, metrics.csv and TensorBoard events as it goes; model.safetensors when it is complete.
"""

import csv
import io
import json
import os
from pathlib import Path
from typing import IO, Any

import safetensors.torch
from torch import nn
from torch.utils.tensorboard import SummaryWriter

from agents.checkpoint import CHECKPOINT
from agents.runs import CONFIG, METRICS, MODEL, Epoch, as_written, is_finished, replace_text
from frame_select_env import FrameSelectError


class RunWriter:
    """Writes a run folder while training goes on.

    Args:
        folder: The run folder: new, empty, or left unfinished by a run with the same config.
        config: What config.json says of the run.

    Raises:
        FrameSelectError: if the folder holds a finished run, one with another config, or anything
            else, or is a file.
    """

    def __init__(self, folder: Path, config: dict[str, Any]) -> None:
        _make_room(folder, config)
        self.folder = folder
        replace_text(folder / CONFIG, json.dumps(as_written(config), indent=2) + "\n")
        self._metrics: IO[str] | None = None

    def _open(self, epoch: Epoch) -> None:
        """Open the files before the first epoch; drop what was written of it and later ones."""
        before = self._rows_before(epoch)
        for events in self.folder.glob("events.out.*"):
            if not before:
                events.unlink()
        self._begin(before, epoch)
        done = int(before[-1]["episodes"]) if before else 0
        self._events = SummaryWriter(str(self.folder), purge_step=done + 1 if done else None)

    def _rows_before(self, epoch: Epoch) -> list[dict[str, str]]:
        """What metrics.csv holds of the epochs before this one."""
        file = self.folder / METRICS
        if not file.is_file() or epoch.number == 1:
            return []
        with file.open(newline="") as old:
            return [row for row in csv.DictReader(old) if int(row["epoch"]) < epoch.number]

    def _begin(self, before: list[dict[str, str]], epoch: Epoch) -> None:
        """Begin metrics.csv anew with these rows, and columns for them and for this epoch."""
        if self._metrics is not None:
            self._metrics.close()
        columns = list(dict.fromkeys([*(before[0] if before else ()), *epoch.row()]))
        text = io.StringIO(newline="")
        rows = csv.DictWriter(text, columns)
        rows.writeheader()
        rows.writerows(before)
        file = self.folder / METRICS
        replace_text(file, text.getvalue())
        self._metrics = file.open("a", newline="")
        self._rows = csv.DictWriter(self._metrics, columns)

    def epoch(self, epoch: Epoch) -> None:
        """Append an epoch to metrics.csv and to the TensorBoard events."""
        row = epoch.row()
        if self._metrics is None:
            self._open(epoch)
        elif not set(row) <= set(self._rows.fieldnames):
            # Epochs in which nothing is learnt yet have no loss.
            self._begin(self._rows_before(epoch), epoch)
        assert self._metrics is not None
        self._rows.writerow(row)
        self._metrics.flush()
        for name, value in row.items():
            if name not in ("epoch", "episodes"):
                step = epoch.episodes or epoch.updates
                group = "validation" if name.startswith("validation") else "train"
                self._events.add_scalar(f"{group}/{name}", value, step)

    def finish(self, network: nn.Module) -> None:
        """Save the weights; the run is complete once they are there."""
        temporary = self.folder / f".{MODEL}"
        safetensors.torch.save_file(
            {name: value.contiguous() for name, value in network.state_dict().items()}, temporary
        )
        os.replace(temporary, self.folder / MODEL)
        (self.folder / CHECKPOINT).unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        """Close the files."""
        if self._metrics is not None:
            self._metrics.close()
            self._events.close()


def _make_room(folder: Path, config: dict[str, Any]) -> None:
    """Make the folder, or see that what an unfinished run left in it is of the same run."""
    if is_finished(folder, config):
        raise FrameSelectError(f"{folder}: holds a finished run; choose another --out")
    folder.mkdir(parents=True, exist_ok=True)
