"""Run folders as they are read: what they say of their run, and whether it is complete.

Nothing in a run folder is ever unpickled.
"""

import dataclasses
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
from torch import nn

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
    config = as_written(config)
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


def as_written(config: dict[str, Any]) -> dict[str, Any]:
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
        raise FrameSelectError(
            f"{folder}: the run did not finish, {MODEL} is missing; the command "
            "that began it goes on with it"
        )
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


def replace_text(file: Path, text: str) -> None:
    """Write a file whole, or leave the one before."""
    temporary = file.with_name(f".{file.name}")
    temporary.write_text(text)
    os.replace(temporary, file)
