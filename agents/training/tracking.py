"""--track: what TensorBoard shows of a run, in a tracking service too."""

import importlib
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias

from frame_select_env import FrameSelectError
from frame_select_env.storage import write_whole

Tracking: TypeAlias = Literal["wandb"]
PROJECT = "frame-select-env"
RUN_ID = "wandb-id.txt"  # in the run folder: a run that is resumed goes on under its id


class Tracker(Protocol):
    """Where the metrics of a run go, beside the run folder."""

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        """Add metrics by name at a step."""

    def close(self) -> None:
        """Send what is left."""


class WandbTracker:
    """A run of Weights & Biases, with its files in the run folder.

    The variables of wandb count: WANDB_MODE=offline sends nothing, WANDB_PROJECT is the project.

    Raises:
        FrameSelectError: if the run cannot be started, say because nobody is logged in.
    """

    def __init__(self, folder: Path, config: Mapping[str, Any]) -> None:
        import wandb

        file = folder / RUN_ID
        if not file.is_file():
            write_whole(file, secrets.token_hex(8))
        try:
            self._run = wandb.init(
                project=os.environ.get("WANDB_PROJECT", PROJECT),
                id=file.read_text(encoding="utf-8"),
                resume="allow",
                name=f"{config['agent']}, {config['cache']['name']}, seed {config['task']['seed']}",
                group=folder.resolve().parent.name,  # of a comparison: runs that differ in the seed
                dir=folder,
                config=dict(config),
                settings=wandb.Settings(quiet=True, console="off"),
            )
        except wandb.Error as error:
            raise FrameSelectError(
                f"--track wandb: {error}; run `wandb login`, or set WANDB_MODE=offline"
            ) from None

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        """Add metrics by name at a step; those of epochs that are trained again are there."""
        if step >= self._run.step:
            self._run.log(dict(metrics), step=step)

    def close(self) -> None:
        """Send what is left."""
        self._run.finish()


def check_tracking(name: Tracking | None) -> None:
    """Import what tracking needs, before anything is trained.

    Raises:
        ModuleNotFoundError: if it is not installed, which commands turn into a line.
    """
    if name is not None:
        importlib.import_module(name)


def make_tracker(name: Tracking | None, folder: Path, config: Mapping[str, Any]) -> Tracker | None:
    """The tracker of a run; None for none."""
    return None if name is None else WandbTracker(folder, config)
