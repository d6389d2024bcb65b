"""Engine: run independent tasks in processes of this machine (joblib) or on a Ray cluster.

A task that fails becomes an `Outcome` with an error message; the other tasks continue.
"""

import importlib
import os
import pickle
import re
import signal
import socket
import sys
import threading
import time
import traceback
import warnings
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from joblib import Parallel, cpu_count, delayed
from joblib.externals.loky import BrokenProcessPool, ProcessPoolExecutor
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from data.progress import LoggedProgress
from frame_select_env.errors import FrameSelectError, UnwritableError, known

ENGINES = ("joblib", "ray")
POLL_SECONDS = 0.2
RAY_RETRIES = 3  # times Ray restarts a task whose worker was killed
RAY_CONNECT_SECONDS = 5.0
RAY_STORE_BYTES = 128 * 2**20  # results are small

Function = Callable[[Any], Any]


@dataclass(frozen=True)
class Engine:
    """Where tasks run; FrameSelectError for an unknown engine, jobs < 1, or a needless address."""

    name: str = "joblib"  # processes of this machine; or "ray"
    # number of tasks that run at once; None: the CPUs that this process may use
    jobs: int | None = None
    address: str = ""  # of a Ray cluster; empty: start Ray on this machine
    gpu: bool = False  # whether each task needs a GPU

    def __post_init__(self) -> None:
        if self.name not in ENGINES:
            raise FrameSelectError(known("engine", self.name, ENGINES))
        if self.jobs is not None and self.jobs < 1:
            raise FrameSelectError(f"jobs={self.jobs}: must be at least 1")
        if self.address and self.name != "ray":
            raise FrameSelectError("--ray-address: requires --engine ray")


@dataclass(frozen=True)
class Outcome:
    """A finished task with its result, or with a one-line error message."""

    task: Any
    result: Any = None
    error: str = ""
    unwritable: bool = False  # the error is that of a full disk, which other tasks will meet too


class WorkerKilledError(FrameSelectError):
    """A worker process of this machine was killed; the tasks that were not yielded are not done."""


def run_all(function: Function, tasks: Sequence[Any], engine: Engine) -> Iterator[Outcome]:
    """Run `function` on all tasks and yield the outcomes as they finish, in any order.

    Workers must be able to import the function, its argument and its result. Ray is started by this
    call, not by the first iteration; its workers run in the current folder, which must exist there.
    Raises FrameSelectError if the engine cannot start, or WorkerKilledError.
    """
    if not tasks:
        return iter(())
    if engine.name == "ray":
        ray, started = _start_ray(engine)
        return _run_on_ray(ray, started, function, tasks, engine)
    return _run_in_processes(function, tasks, engine.jobs or cpu_count())


def outcomes_bar(outcomes: Iterable[Outcome], unit: str, total: int) -> Iterator[Outcome]:
    """Yield the outcomes while showing progress on standard error; none if total is 0.

    Raises:
        UnwritableError: if a task could not write.
    """
    if not total:
        yield from outcomes
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[failed]}"),
    )
    with LoggedProgress(*columns, console=Console(stderr=True)) as progress:
        bar = progress.add_task(unit, total=total, failed="")
        failed = 0
        for outcome in outcomes:
            if outcome.unwritable:
                if isinstance(outcomes, Generator):
                    outcomes.close()  # ends the other tasks
                raise UnwritableError(f"{outcome.error}; rerun the command when it can be")
            failed += bool(outcome.error)
            progress.update(bar, advance=1, failed=f"{failed} failed" if failed else "")
            yield outcome


def attempt(function: Function, task: Any) -> Outcome:
    """Run one task; an exception becomes part of the outcome."""
    unwritable = False
    try:
        return Outcome(task, function(task))
    except FrameSelectError as error:
        message, unwritable = str(error), isinstance(error, UnwritableError)
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        message = f"{type(error).__name__}: {error} ({Path(place.filename).name}:{place.lineno})"
    return Outcome(task, error=" ".join(message.split()), unwritable=unwritable)


# --- joblib


def _run_in_processes(function: Function, tasks: Sequence[Any], jobs: int) -> Iterator[Outcome]:
    """One job runs in this process."""
    if min(jobs, len(tasks)) <= 1:
        for task in tasks:
            yield attempt(function, task)
        return
    calls = (delayed(attempt_in_child)(function, task, os.getpid()) for task in tasks)
    parallel = Parallel(min(jobs, len(tasks)), return_as="generator_unordered", batch_size=1)
    with _interrupts_blocked():
        outcomes = parallel(calls)
    # joblib warns if not all results are consumed, if need be as late as when Python ends.
    warnings.filterwarnings("ignore", r"\d+ tasks (have been|which were)", UserWarning, "joblib")
    try:
        yield from outcomes
    except BrokenProcessPool:
        raise WorkerKilledError(
            "a worker process was killed, probably because memory ran out; finished work is kept: "
            "rerun the command, with fewer jobs if memory is short"
        ) from None
    finally:
        outcomes.close()


def run_apart(function: Function, tasks: Iterable[Any]) -> Generator[Outcome]:
    """Run the tasks in order, in another process; one that kills it costs no other task.

    Its outcome says so, and a new process goes on with the next task.
    """
    left = deque(tasks)
    while left:
        pool = ProcessPoolExecutor(max_workers=1)
        try:
            while left:
                with _interrupts_blocked():
                    future = pool.submit(attempt_in_child, function, left[0], os.getpid())
                outcome = future.result()
                left.popleft()
                yield outcome
        except BrokenProcessPool as error:
            found = re.search(r"SIG[A-Z]+", str(error))
            died = f"its process died{f' ({found[0]})' if found else ''}"
            yield Outcome(left.popleft(), error=died)
        finally:
            pool.shutdown(kill_workers=True)


def attempt_in_child(function: Function, task: Any, parent: int) -> Outcome:
    """Run one task in a process that exits as soon as the process `parent` is gone.

    An orphan would write to the same files as a rerun of the command.
    """
    _watch(parent)
    return attempt(function, task)


@lru_cache  # one thread, however many tasks
def _watch(parent: int) -> None:
    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(POLL_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Processes started here ignore Ctrl-C: this process handles it and stops them cleanly."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


# --- Ray. Remote tasks rather than joblib's Ray backend: that backend returns no result before all
# are done and stops when a worker is killed, whereas Ray itself retries the task elsewhere.


def _start_ray(engine: Engine) -> tuple[Any, bool]:
    """The connected module `ray`, and whether this call connected it."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if not engine.address:  # no other machine connects: bind to 127.0.0.1, not to all interfaces
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    try:
        ray: Any = importlib.import_module("ray")
    except ImportError:
        raise FrameSelectError('--engine ray: install it: pip install "ray>=2.40,<3"') from None
    if ray.is_initialized():
        return ray, False
    quiet = {"log_to_driver": False, "logging_level": "error"}
    if not engine.address:
        ray.init(
            address="local",
            num_cpus=engine.jobs,
            object_store_memory=RAY_STORE_BYTES,
            include_dashboard=False,
            **quiet,
        )
        return ray, True
    # If nothing listens at the address, fail at once: ray.init would retry for two minutes.
    host, colon, port = engine.address.removeprefix("ray://").rpartition(":")
    if colon and port.isdigit():
        try:
            socket.create_connection((host.strip("[]"), int(port)), RAY_CONNECT_SECONDS).close()
        except (OSError, OverflowError) as error:
            raise FrameSelectError(
                f"--ray-address {engine.address}: no answer: {error}; start Ray with `ray start "
                "--head`, or omit --ray-address to run Ray on this machine"
            ) from None
    try:
        ray.init(address=engine.address, **quiet)
    # If the address answers but is not a Ray cluster, ray.init calls sys.exit.
    except (Exception, SystemExit) as error:
        raise FrameSelectError(f"--ray-address {engine.address}: cannot connect: {error}") from None
    return ray, True


def _run_on_ray(
    ray: Any, started: bool, function: Function, tasks: Sequence[Any], engine: Engine
) -> Iterator[Outcome]:
    try:
        cpus = int(ray.cluster_resources().get("CPU", 1))
        width = min(engine.jobs or cpus, cpus, len(tasks))
        options: dict[str, Any] = {"num_cpus": 1, "max_retries": RAY_RETRIES}
        if engine.gpu:  # a task that requests no GPU sees none
            gpus = ray.cluster_resources().get("GPU", 0)
            if not gpus:
                raise FrameSelectError("--engine ray --device cuda: the Ray cluster has no GPU")
            options["num_gpus"] = min(1.0, gpus / width)
        remote = ray.remote(**options)(_in_folder())
        waiting = list(reversed(tasks))
        running: dict[Any, Any] = {}
        while waiting or running:
            while waiting and len(running) < width:
                task = waiting.pop()
                running[remote.remote(pickle.dumps((function, task)), os.getcwd())] = task
            for finished in ray.wait(list(running))[0]:
                task = running.pop(finished)
                try:
                    yield ray.get(finished)
                except ray.exceptions.RayError as error:
                    first = (str(error).strip().splitlines() or [type(error).__name__])[0]
                    yield Outcome(task, error=f"Ray gave up after {RAY_RETRIES} retries: {first}")
    finally:
        if started:
            ray.shutdown()


def _in_folder() -> Callable[[bytes, str], Outcome]:
    """The function that Ray workers run: one task in the driver's folder.

    Ray puts the current folder first in a worker's sys.path, where a user's own `data.py` would
    shadow ours. So this function is a nested one, which Ray pickles by value, and it unpickles its
    task only once the folder is last. Nothing of ours may appear in its annotations.
    """

    def run(call: bytes, folder: str) -> Any:
        import os
        import pickle

        sys.path[:] = [path for path in sys.path if os.path.abspath(path) != folder]
        sys.path.append(folder)
        if os.path.isdir(folder):
            os.chdir(folder)
        function, task = pickle.loads(call)
        from data.engine import attempt

        return attempt(function, task)

    return run
