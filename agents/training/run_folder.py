"""Run folders: config.json, metrics.csv, TensorBoard events, checkpoints and the final weights.

Everything is JSON, CSV or safetensors; nothing in a run folder is ever unpickled.
"""

import csv
import dataclasses
import io
import json
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors
from torch import nn

from agents.training.checkpoint import read_tensors, remove_checkpoint, write_tensors
from agents.training.task import with_defaults
from agents.training.tracking import Tracking, make_tracker
from frame_select_env import FeatureCache, FrameSelectError
from frame_select_env.storage import exclusive, visible, write_whole, writing

VERSION = 5
CONFIG, MODEL, METRICS = "config.json", "model.safetensors", "metrics.csv"
KINDS = {"agent": str, "data": str, "cache": dict, "task": dict, "hyper": dict}  # of config.json
SCORES = ("validation", "validation_p_c")  # columns of metrics.csv
START_AGAIN = "delete the folder to train from the beginning"


@dataclass(frozen=True)
class Epoch:
    """The metrics of one epoch of training."""

    number: int  # from 1
    episodes: int  # scored by the environment so far
    timesteps: int  # steps of the environment so far
    updates: int  # optimiser steps so far
    seconds: float  # wall time of training so far
    cpu_seconds: float  # CPU time of training so far
    # The score on the validation videos, and the one that breaks its ties, see `Validation`; None
    # without validation videos.
    validation: tuple[float, float] | None
    best_epoch: int  # with the best validation score so far; 0 without validation videos
    figures: dict[str, float] = field(default_factory=dict)  # other metrics, by name

    def row(self) -> dict[str, float]:
        """The epoch as a row of metrics.csv; without validation videos it has no score."""
        scores = dict(zip(SCORES, self.validation or (), strict=False))
        return {
            "epoch": self.number,
            "episodes": self.episodes,
            "timesteps": self.timesteps,
            "updates": self.updates,
            "seconds": round(self.seconds, 3),
            "cpu_seconds": round(self.cpu_seconds, 3),
            **scores,
            **self.figures,
        }


class CodeChangedError(FrameSelectError):
    """A folder holds the run, but of other code of the agent or reward; `names` says which."""

    def __init__(self, message: str, names: list[str]) -> None:
        super().__init__(message)
        self.names = names


def is_finished(folder: Path, config: dict[str, Any]) -> bool:
    """Whether the folder holds the finished run with this config; False if it is new or unfinished.

    Raises:
        CodeChangedError: if only the code of the agent or the reward has changed since.
        FrameSelectError: if it holds anything else: another config, cache or version.
    """
    # A run killed at its very beginning leaves a lock and a partial config.json.
    left = visible(folder) if folder.is_dir() else []
    if (folder.exists() and not folder.is_dir()) or (left and not (folder / CONFIG).is_file()):
        raise FrameSelectError(f"{folder}: is not an empty folder; choose another --out")
    if not left:
        return False
    finished = _is_whole(folder / MODEL)
    kind = "finished" if finished else "unfinished"
    remedy = "delete the folder or choose another --out"
    try:
        found = _read_json(folder / CONFIG)
    except FrameSelectError as error:
        raise FrameSelectError(f"{error}: {remedy}") from None
    config = as_written(config)
    if isinstance(found.get("task"), dict):
        found["task"] = with_defaults(found["task"])
    before = found["cache"].get("digest") if isinstance(found.get("cache"), dict) else None
    if before != config["cache"]["digest"] and found.get("data") == config["data"]:
        raise FrameSelectError(
            f"{folder}: {config['data']} has changed since this {kind} run began (digests differ); "
            f"{remedy}"
        )
    compared = [name for name in config if name != "versions"]  # a run may outlive an update
    differs = [name for name in compared if found.get(name) != config[name]]
    if differs == ["code"] and isinstance(found.get("code"), dict):
        names = [
            name for name, digest in config["code"].items() if found["code"].get(name) != digest
        ]
        raise CodeChangedError(
            f"{folder}: holds a {kind} run of other code: {', '.join(names)} changed; {remedy}",
            names,
        )
    if differs:
        raise FrameSelectError(
            f"{folder}: holds another {kind} run, whose {differs[0]} differs: "
            f"{_difference(found.get(differs[0]), config[differs[0]])}; {remedy}"
        )
    return finished


def as_written(config: dict[str, Any]) -> dict[str, Any]:
    """The content of config.json for a config, after a round trip through JSON."""
    return json.loads(json.dumps({"version": VERSION, **config}))


def _difference(found: Any, wanted: Any) -> str:
    """The first difference between two values of config.json."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        for name in [*wanted, *found]:
            if found.get(name) != wanted.get(name):
                return f"{name} was {found.get(name)!r} and is now {wanted.get(name)!r}"
    return f"was {found!r} and is now {wanted!r}"


def read_config(folder: Path) -> dict[str, Any]:
    """The config.json of a finished run.

    Raises:
        FrameSelectError: if the folder holds no finished run of this version.
    """
    file = folder / CONFIG
    if not file.is_file():
        raise FrameSelectError(f"{folder}: is not a run folder: {CONFIG} is missing")
    missing = not (folder / MODEL).is_file()
    config = {} if missing else _read_json(file)
    if missing or not _is_whole(folder / MODEL):
        wrong = f"{MODEL} is {'missing' if missing else 'cut off'}"
        raise FrameSelectError(
            f"{folder}: the run did not finish: {wrong}; rerun the command to resume"
        )
    for name, kind in KINDS.items():
        if not isinstance(config.get(name), kind):
            wrong = f"{name} is missing or not a {kind.__name__}"
            raise FrameSelectError(f"{file}: {wrong}; train again")
    return config


def _is_whole(model: Path) -> bool:
    """Whether a file of weights is there and not cut off."""
    try:
        with safetensors.safe_open(model, "pt"):
            return True
    except (OSError, safetensors.SafetensorError):
        return False


def _read_json(file: Path) -> dict[str, Any]:
    try:
        config = json.loads(file.read_bytes().decode())
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise FrameSelectError(f"{file}: is not valid JSON: {error}") from None
    version = config.get("version") if isinstance(config, dict) else None
    if version != VERSION:
        raise FrameSelectError(
            f"{file}: has version {version}, but only version {VERSION} can be read; train again"
        )
    return config


def load_weights(folder: Path, network: nn.Module, buffers_only: bool = False) -> None:
    """Load a run's weights into `network`, or only its buffers (the inputs' mean and scale).

    Raises:
        FrameSelectError: if the file is damaged or belongs to another network.
    """
    file = folder / MODEL
    try:
        weights, _ = read_tensors(file, "train again")
        if buffers_only:
            names = dict(network.named_buffers())
            weights = {**network.state_dict(), **{name: weights[name] for name in names}}
        network.load_state_dict(weights)
    except (RuntimeError, KeyError) as error:
        raise FrameSelectError(f"{file}: does not fit this agent: {error}") from None


def cache_facts(cache: FeatureCache) -> dict[str, Any]:
    """What config.json records about a cache, to tell whether another one fits the run."""
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


class RunWriter:
    """Writes a run folder during training; the run is finished once model.safetensors is there.

    The folder is new, empty, or left unfinished by a run with the same config; another is refused.
    """

    def __init__(self, folder: Path, config: dict[str, Any], track: Tracking | None = None) -> None:
        is_finished(folder, config)  # refuse another run's folder before anything is written
        self.folder = folder
        self._lock = ExitStack()
        self._lock.enter_context(exclusive(folder))
        if is_finished(folder, config):
            remove_checkpoint(folder)
            self._lock.close()
            raise FrameSelectError(f"{folder}: holds a finished run; choose another --out")
        write_whole(folder / CONFIG, json.dumps(as_written(config), indent=2) + "\n")
        self._rows: list[dict[str, Any]] | None = None  # of metrics.csv
        self._events: Any = None
        try:
            self._tracker = make_tracker(track, folder, config)
        except BaseException:
            self._lock.close()
            raise

    def epoch(self, epoch: Epoch) -> None:
        """Add an epoch to metrics.csv and to the TensorBoard events."""
        if self._rows is None:
            self._rows = self._rows_before(epoch)
            self._open_events(self._rows)
        row = epoch.row()
        self._rows.append(row)
        # The first epochs of DQN have no loss, so later rows may have more columns.
        columns = dict.fromkeys(name for one in self._rows for name in one)
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, columns)
        writer.writeheader()
        writer.writerows(self._rows)
        write_whole(self.folder / METRICS, text.getvalue())
        step = epoch.episodes or epoch.updates
        scalars = {
            f"{'validation' if name.startswith('validation') else 'train'}/{name}": value
            for name, value in row.items()
            if name not in ("epoch", "episodes")
        }
        with writing(self.folder):
            for name, value in scalars.items():
                self._events.add_scalar(name, value, step)
        if self._tracker is not None:
            self._tracker.log(scalars, step)

    def _rows_before(self, epoch: Epoch) -> list[dict[str, Any]]:
        """The rows of metrics.csv of the epochs before this one; later ones are trained again."""
        file = self.folder / METRICS
        if not file.is_file():
            return []
        try:
            rows = list(csv.DictReader(io.StringIO(file.read_bytes().decode(), newline="")))
            before = [row for row in rows if int(row["epoch"]) < epoch.number]
            whole = [int(row["epoch"]) for row in before] == list(range(1, epoch.number))
            for row in before:
                for name, value in epoch.row().items():
                    if name not in epoch.figures:  # of which an epoch may lack some
                        type(value)(row[name])
        except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
            raise FrameSelectError(f"{file}: cannot be read: {error}; {START_AGAIN}") from None
        if not whole:
            raise FrameSelectError(f"{file}: lacks epochs before {epoch.number}; {START_AGAIN}")
        return [{name: value for name, value in row.items() if value != ""} for row in before]

    def _open_events(self, before: list[dict[str, Any]]) -> None:
        """Open the TensorBoard events; those after the epochs `before` become invisible."""
        from torch.utils.tensorboard import SummaryWriter  # slow to import

        if not before:
            for events in self.folder.glob("events.out.*"):
                events.unlink()
        done = int(before[-1]["episodes"]) if before else 0
        self._events = SummaryWriter(str(self.folder), purge_step=done + 1 if done else None)

    def finish(self, network: nn.Module) -> None:
        """Save the weights, which completes the run."""
        weights = {name: value.contiguous() for name, value in network.state_dict().items()}
        write_tensors(self.folder / MODEL, weights)
        remove_checkpoint(self.folder)
        self.close()

    def close(self) -> None:
        """Close the TensorBoard events, and let other commands use the folder."""
        try:
            if self._events is not None:
                with writing(self.folder):
                    self._events.close()
            if self._tracker is not None:
                self._tracker.close()
                self._tracker = None
        finally:
            self._lock.close()
