"""Options that commands share."""

from dataclasses import dataclass
from typing import Literal

from rich.console import Console

from agents.training.trainer import CHECKPOINT_SECONDS
from data.engine import Engine


@dataclass(frozen=True, kw_only=True)
class ManyRunsOptions:
    """Options of commands that train many runs."""

    #: Maximum number of episodes per run that the environment scores; 0: train for the agent's
    #: epochs.
    budget: int = 0
    #: The split to train on.
    split: str = "train"
    #: The stream of features; required only if a cache has several.
    stream: str | None = None
    #: Frames per video, T.
    num_frames: int = 25
    #: Weight of the frames not selected (AS Eq. 10).
    alpha: float = 0.0
    #: Device of the networks: cpu or cuda.
    device: str = "cpu"
    #: Number of parallel runs, one thread each. Default: the number of CPUs.
    jobs: int | None = None
    #: What executes the runs: processes on this machine (joblib), or Ray.
    engine: Literal["joblib", "ray"] = "joblib"
    #: Address of a Ray cluster whose nodes share this folder. Default: start Ray on this machine.
    ray_address: str = ""
    #: Minimum time between two checkpoints of a run, in seconds.
    checkpoint_seconds: float = CHECKPOINT_SECONDS

    def make_engine(self) -> Engine:
        """The engine that executes the runs."""
        return Engine(self.engine, self.jobs, self.ray_address, self.device != "cpu")

    def task_keywords(self) -> dict[str, object]:
        """The keywords of a run's task among these options."""
        names = ("split", "stream", "num_frames", "alpha", "budget", "device")
        return {name: getattr(self, name) for name in names}


def print_line(text: str) -> None:
    """Print a line as it is, however long."""
    Console().print(text, highlight=False, soft_wrap=True, markup=False)
