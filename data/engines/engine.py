"""Engine: which of the engines does the tasks, and how many at a time."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from data.engines.attempt import Outcome
from data.engines.processes import in_processes
from frame_select_env import FrameSelectError
from frame_select_env.errors import known

ENGINES = ("joblib", "ray")


@dataclass(frozen=True)
class Engine:
    """Where tasks run.

    Attributes:
        name: "joblib", processes of this machine, or "ray".
        jobs: Tasks at a time; None is the number of CPUs.
        address: Of a Ray cluster; empty is a Ray on this machine.
        gpu: Whether tasks use a GPU.

    Raises:
        FrameSelectError: for an unknown engine, no jobs, or an address that is not used.
    """

    name: str = "joblib"
    jobs: int | None = None
    address: str = ""
    gpu: bool = False

    def __post_init__(self) -> None:
        if self.name not in ENGINES:
            raise FrameSelectError(known("engine", self.name, ENGINES))
        if self.jobs is not None and self.jobs < 1:
            raise FrameSelectError(f"jobs={self.jobs}: must be at least 1")
        if self.address and self.name != "ray":
            raise FrameSelectError("--ray-address: needs --engine ray")


def run_all(
    function: Callable[[Any], Any], tasks: Sequence[Any], engine: Engine
) -> Iterator[Outcome]:
    """The outcomes of all tasks as they end, in any order; Ray is started by the call itself.

    Args:
        function: Of one task; importable, as are its arguments and its result.
        tasks: What to do; a task that fails does not stop the others.
        engine: Where.

    Raises:
        FrameSelectError: if the engine cannot be started, or the others cannot go on.
    """
    if not tasks:
        return iter(())
    if engine.name == "ray":
        from data.engines.ray_tasks import on_ray  # Ray takes long to import

        return on_ray(function, tasks, engine.jobs, engine.address, engine.gpu)
    return in_processes(function, tasks, engine.jobs or os.cpu_count() or 1)
