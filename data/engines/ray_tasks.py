"""Tasks on Ray: on this machine, or on the nodes of a cluster.

Remote tasks and not joblib's Ray backend: that one yields no results before all are there, and a
killed worker ends it, whereas Ray gives a task whose worker was killed to another one.
"""

import importlib
import os
import pickle
import socket
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from data.engines.attempt import Outcome
from frame_select_env import FrameSelectError

RETRIES = 3  # workers that a task may lose
CONNECT_SECONDS = 5.0
STORE_BYTES = 128 * 2**20  # results are a few numbers


def on_ray(
    function: Callable[[Any], Any],
    tasks: Sequence[Any],
    jobs: int | None,
    address: str,
    gpu: bool,
) -> Iterator[Outcome]:
    """The outcomes as the tasks end, in any order; a task whose worker is killed is repeated.

    Args:
        function: Of one task; importable on the nodes, where the working folder must exist too.
        tasks: What to do.
        jobs: How many at a time; None is as many as there are CPUs.
        address: Of a cluster, "auto", or empty for one on this machine alone.
        gpu: Whether every task needs a share of a GPU.

    Raises:
        FrameSelectError: if Ray is not installed, the address does not answer or there is no GPU.
    """
    ray, ours = _start(jobs, address)
    return _outcomes(ray, ours, function, tasks, jobs, gpu)


def _outcomes(
    ray: Any,
    ours: bool,
    function: Callable[[Any], Any],
    tasks: Sequence[Any],
    jobs: int | None,
    gpu: bool,
) -> Iterator[Outcome]:
    try:
        cpus = int(ray.cluster_resources().get("CPU", 1))
        width = min(jobs or cpus, cpus, len(tasks))
        options = {"num_cpus": 1, "max_retries": RETRIES, **_gpu_share(ray, gpu, width)}
        remote = ray.remote(**options)(_in_folder())
        waiting = list(reversed(tasks))
        running: dict[Any, Any] = {}
        while waiting or running:
            while waiting and len(running) < width:
                task = waiting.pop()
                call = pickle.dumps((function, task))
                running[remote.remote(call, os.getcwd())] = task
            for ended in ray.wait(list(running))[0]:
                yield _outcome(ray, ended, running.pop(ended))
    finally:
        if ours:
            ray.shutdown()


def _start(jobs: int | None, address: str) -> tuple[Any, bool]:
    """Ray, connected, and whether it was this that connected it."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        ray: Any = importlib.import_module("ray")
    except ImportError:
        raise FrameSelectError('--engine ray: install it: pip install "ray>=2.40,<3"') from None
    if ray.is_initialized():
        return ray, False
    quiet = {"log_to_driver": False, "logging_level": "error"}
    if not address:
        room = {"num_cpus": jobs, "object_store_memory": STORE_BYTES, "include_dashboard": False}
        ray.init(address="local", **room, **quiet)
        return ray, True
    _knock(address)
    try:
        ray.init(address=address, **quiet)
    # An address that answers but is no Ray makes ray.init exit.
    except (Exception, SystemExit) as error:
        raise FrameSelectError(f"--ray-address {address}: cannot connect: {error}") from None
    return ray, True


def _knock(address: str) -> None:
    """See that something answers: ray.init itself would try for two minutes.

    Raises:
        FrameSelectError: if nothing does.
    """
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not (colon and port.isdigit()):
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise FrameSelectError(
            f"--ray-address {address}: nothing answers there: {error}; start Ray with "
            "ray start --head, or leave --ray-address away for one on this machine"
        ) from None


def _gpu_share(ray: Any, gpu: bool, width: int) -> dict[str, float]:
    """What a task asks for; without asking it would see no GPU."""
    if not gpu:
        return {}
    count = ray.cluster_resources().get("GPU", 0)
    if not count:
        raise FrameSelectError("--engine ray --device cuda: no node of this Ray has a GPU")
    return {"num_gpus": min(1.0, count / width)}


def _in_folder() -> Callable[[bytes, str], Outcome]:
    """The function that workers run.

    Ray puts the current folder first in a worker's sys.path, where a user's own `data.py` would
    shadow ours. So this function is a nested one, which Ray pickles by value, and it unpickles its
    task only when the folder is last. Nothing of ours may appear in its annotations.
    """

    def run(call: bytes, folder: str) -> Any:
        import os
        import pickle
        import sys

        sys.path[:] = [path for path in sys.path if os.path.abspath(path) != folder]
        sys.path.append(folder)
        if os.path.isdir(folder):
            os.chdir(folder)
        function, task = pickle.loads(call)
        from data.engines.attempt import attempt

        return attempt(function, task)

    return run


def _outcome(ray: Any, ended: Any, task: Any) -> Outcome:
    try:
        return ray.get(ended)
    except ray.exceptions.RayError as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        return Outcome(task, error=f"Ray gave it up after {RETRIES} more tries: {first}")
