"""Options that commands share, and how commands print and end."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import torch
import tyro
from rich.console import Console

from agents.registry import AgentChoice
from agents.training.tracking import Tracking
from agents.training.trainer import CHECKPOINT_SECONDS
from data.engine import Engine
from frame_select_env import FrameSelectError, open_cache
from frame_select_env.cache import View
from frame_select_env.command_line import program
from frame_select_env.consensus import MEAN

#: The type of --seeds, see `expand_seeds`.
SeedsOption: TypeAlias = int | tuple[int, ...]
SEEDS = tyro.conf.arg(metavar="N|SEED SEED ...")
CROSSFITTED = ("video", "group")  # what a cache's provenance calls predictions by other heads


@dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """Options of commands that train."""

    #: Number of episodes that the environment scores, after which the next update ends a run; 0:
    #: train for the agent's epochs. Agents that score none train for their epochs, too.
    budget: int = 0
    #: Number of updates (optimiser steps) per run, of every agent, also of those that score no
    #: episodes; 0: no such limit. Of several limits the first one that is reached ends a run.
    updates: int = 0
    #: CPU seconds per run, to the end of the epoch that reaches them; 0: no such limit. Other
    #: machines, and another load, train other numbers of epochs.
    cpu_seconds: float = 0.0
    #: The split to train on. Early stopping uses the fold's val split, or a fifth of this split if
    #: there is none; with holdout=False, as in the preset paper, all of this split is trained on.
    split: str = "train"
    #: Frames per video, T.
    num_frames: int = 25
    #: Device of the networks: cpu or cuda.
    device: str = "cpu"
    #: Minimum time between two checkpoints of a run, in seconds.
    checkpoint_seconds: float = CHECKPOINT_SECONDS

    def task_keywords(self) -> dict[str, Any]:
        """The keywords of a run's task among these options."""
        names = ["split", "stream", "view", "num_frames", "alpha", "aggregator"]
        names += ["budget", "device"]
        # Left out where they are not used: so a log of `search` from before they existed is valid.
        names += [name for name in ("updates", "cpu_seconds") if getattr(self, name)]
        return {name: getattr(self, name) for name in names if hasattr(self, name)}


@dataclass(frozen=True, kw_only=True)
class TrackOptions:
    """Options of commands that track what they train."""

    #: Send what TensorBoard shows to Weights & Biases too, as one run for each that is trained;
    #: with WANDB_MODE=offline it is kept in the run folder, for `wandb sync`.
    track: Tracking | None = None


@dataclass(frozen=True, kw_only=True)
class StreamOptions:
    """Options of commands that train on one stream."""

    #: The stream of features; required only if a cache has several.
    stream: str | None = None
    #: View of a stream that has several of each frame: a number, or random for another one at every
    #: visit of a video. By default the views' features are side by side, predictions averaged.
    view: View = None
    #: Weight of the frames not selected (AS Eq. 10).
    alpha: float = 0.0
    #: What predicts a video from the frames: mean, max, or a judge's file or bundled name.
    aggregator: str = MEAN


@dataclass(frozen=True, kw_only=True)
class OneRunOptions(TrackOptions, StreamOptions, TrainingOptions):
    """Options of commands that train one run."""


@dataclass(frozen=True, kw_only=True)
class ManyRunsOptions(TrainingOptions):
    """Options of commands that train many runs."""

    #: Number of parallel runs, one thread each. Default: the number of CPUs.
    jobs: int | None = None
    #: What executes the runs: processes on this machine (joblib), or Ray.
    engine: Literal["joblib", "ray"] = "joblib"
    #: Address of a Ray cluster whose nodes share this folder. Default: start Ray on this machine.
    ray_address: str = ""

    def make_engine(self) -> Engine:
        """The engine that executes the runs."""
        return Engine(self.engine, self.jobs, self.ray_address, self.device != "cpu")


def set_threads(threads: int) -> None:
    """Set the number of PyTorch's threads."""
    if threads < 1:
        raise FrameSelectError(f"threads={threads}: must be at least 1")
    torch.set_num_threads(threads)


def print_line(text: str) -> None:
    """Print a line as it is, however long."""
    Console().print(text, highlight=False, soft_wrap=True, markup=False)


def note_crossfit(choice: AgentChoice, data: str) -> None:
    """Print a line if the preset `paper` meets a cache unlike the paper's."""
    crossfit = open_cache(data).provenance.get("crossfit")
    if (choice.design.name, choice.preset) == ("reinforce", "paper") and crossfit in CROSSFITTED:
        print_line(
            "note: the paper trains on in-sample predictions, but those of the training videos of "
            f"{data} are cross-fitted by {crossfit}; frame-select import SOURCE OUT.h5 --crossfit "
            "none makes a cache like the paper's"
        )


def fail_if_any(command: str, failed: Sequence[str]) -> None:
    """Print a line for every run that failed, and exit with 2 if there is one."""
    for line in failed:
        print(f"{program(command)}: {line}", file=sys.stderr)
    if failed:
        raise SystemExit(2)
