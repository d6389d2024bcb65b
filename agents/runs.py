"""Run folders: config.json, model.safetensors, metrics.csv and TensorBoard events.

Nothing in a run folder is ever unpickled.
"""

import csv
import dataclasses
import io
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import safetensors
import safetensors.torch
from torch import nn
from torch.utils.tensorboard import SummaryWriter

from agents.checkpoint import CHECKPOINT
from frame_select_env import FeatureCache, FrameSelectError

VERSION = 2
CONFIG, MODEL, METRICS = "config.json", "model.safetensors", "metrics.csv"


@dataclass(frozen=True)
class Epoch:
    """The figures of one epoch of training.

    Attributes:
        number: From 1.
        episodes: Episodes that the environment has scored so far. updates: Steps of the optimiser.
        seconds: Of training so far, on the clock. cpu_seconds: The process's.
        validation: Accuracy at m on the validation videos, and the true class's mean probability
            (regression: minus the mean absolute error, twice).
        best_epoch: The epoch with the best validation score so far.
        figures: Means over the epoch, by name.
    """

    number: int
    episodes: int
    updates: int
    seconds: float
    cpu_seconds: float
    validation: tuple[float, float]
    best_epoch: int
    figures: dict[str, float] = field(default_factory=dict)

    def row(self) -> dict[str, float]:
        """The epoch as a row of metrics.csv."""
        return {
            "epoch": self.number,
            "episodes": self.episodes,
            "updates": self.updates,
            "seconds": round(self.seconds, 3),
            "cpu_seconds": round(self.cpu_seconds, 3),
            "validation": self.validation[0],
            "validation_p_c": self.validation[1],
            **self.figures,
        }


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
        _replace(folder / CONFIG, json.dumps(_as_written(config), indent=2) + "\n")
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
        _replace(file, text.getvalue())
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


def is_finished(folder: Path, config: dict[str, Any]) -> bool:
    """Whether the folder holds the run of this config, complete; False if it is not begun or done.

    Raises:
        FrameSelectError: if it holds anything else: another config, cache or version.
    """
    # A run killed at its very beginning leaves no more than config.json half written.
    left = [one for one in folder.iterdir() if one.name != f".{CONFIG}"] if folder.is_dir() else []
    if (folder.exists() and not folder.is_dir()) or (left and not (folder / CONFIG).is_file()):
        raise FrameSelectError(f"{folder}: is not an empty folder; choose another --out")
    if not left:
        return False
    finished = (folder / MODEL).is_file()
    kind, remedy = (
        "finished" if finished else "unfinished",
        "delete the folder or choose another --out",
    )
    try:
        found = _read_json(folder / CONFIG)
    except FrameSelectError as error:
        raise FrameSelectError(f"{error}: {remedy}") from None
    config = _as_written(config)
    if found.get("cache", {}).get("digest") != config["cache"]["digest"] and (
        found.get("data") == config["data"]
    ):
        raise FrameSelectError(
            f"{folder}: {config['data']} has changed since this {kind} run began (its digest is "
            f"another); {remedy}"
        )
    differs = [name for name in config if found.get(name) != config[name]]
    if differs:
        raise FrameSelectError(
            f"{folder}: holds another run, {kind}, which differs in {differs[0]}: "
            f"{_difference(found.get(differs[0]), config[differs[0]])}; {remedy}"
        )
    return finished


def _make_room(folder: Path, config: dict[str, Any]) -> None:
    """Make the folder, or see that what an unfinished run left in it is of the same run."""
    if is_finished(folder, config):
        raise FrameSelectError(f"{folder}: holds a finished run; choose another --out")
    folder.mkdir(parents=True, exist_ok=True)


def _as_written(config: dict[str, Any]) -> dict[str, Any]:
    """What config.json holds of a config, once it is read back."""
    return json.loads(json.dumps({"version": VERSION, **config}))


def _difference(found: Any, wanted: Any) -> str:
    """The first difference between two values of config.json."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        for name in [*wanted, *found]:
            if found.get(name) != wanted.get(name):
                return f"{name} was {found.get(name)!r} and is {wanted.get(name)!r}"
    return f"it was {found!r} and is {wanted!r}"


def read_config(folder: Path) -> dict[str, Any]:
    """What config.json says of a run.

    Raises:
        FrameSelectError: if the folder holds no complete run of this version.
    """
    file = folder / CONFIG
    if not file.is_file():
        raise FrameSelectError(f"{folder}: holds no run, {CONFIG} is missing")
    if not (folder / MODEL).is_file():
        raise FrameSelectError(f"{folder}: the run did not finish, {MODEL} is missing; train again")
    return _read_json(file)


def _read_json(file: Path) -> dict[str, Any]:
    try:
        config = json.loads(file.read_text())
    except json.JSONDecodeError as error:
        raise FrameSelectError(f"{file}: is not JSON: {error}") from None
    if not isinstance(config, dict) or config.get("version") != VERSION:
        found = config.get("version") if isinstance(config, dict) else None
        raise FrameSelectError(
            f"{file}: is of version {found}, which cannot be read here, only {VERSION}; train again"
        )
    return config


def load_weights(folder: Path, network: nn.Module, buffers_only: bool = False) -> None:
    """Load a run's weights into `network`, or only its buffers (the inputs' mean and scale).

    Raises:
        FrameSelectError: if the file is damaged or belongs to another network.
    """
    file = folder / MODEL
    try:
        weights = safetensors.torch.load_file(file)
        if buffers_only:
            names = dict(network.named_buffers())
            weights = {**network.state_dict(), **{n: weights[n] for n in names}}
        network.load_state_dict(weights)
    except (safetensors.SafetensorError, RuntimeError, KeyError) as error:
        raise FrameSelectError(f"{file}: does not fit this agent: {error}") from None


def cache_facts(cache: FeatureCache) -> dict[str, Any]:
    """What a run records about its cache, enough to see whether another one fits."""
    return {
        "name": cache.path.name,
        "digest": cache.digest,
        "videos": len(cache),
        "frames": int(cache.start[-1]),
        "classes": list(cache.classes),
        "feature_sizes": {name: cache.feature_size(name) for name in cache.streams},
        "provenance": cache.provenance,
    }


def as_json(config: Any) -> dict[str, Any]:
    """A dataclass of hyper-parameters as JSON types."""
    return json.loads(json.dumps(dataclasses.asdict(config)))


def _replace(file: Path, text: str) -> None:
    temporary = file.with_name(f".{file.name}")
    temporary.write_text(text)
    os.replace(temporary, file)
