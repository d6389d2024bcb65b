"""Tasks in processes of this machine, by joblib."""

import os
import signal
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from joblib import Parallel, delayed
from joblib.externals.loky import BrokenProcessPool

from data.engines.attempt import Outcome, attempt, attempt_in_child
from frame_select_env import FrameSelectError


def in_processes(
    function: Callable[[Any], Any], tasks: Sequence[Any], jobs: int
) -> Iterator[Outcome]:
    """Yield the outcomes as the tasks end, in any order.

    Args:
        function: Of one task; importable, as are its arguments and its result.
        tasks: What to do.
        jobs: How many at a time; one runs in this process.

    Raises:
        FrameSelectError: if a worker is killed.
    """
    if min(jobs, len(tasks)) <= 1:
        for task in tasks:
            yield attempt(function, task)
        return
    calls = (delayed(attempt_in_child)(function, task, os.getpid()) for task in tasks)
    parallel = Parallel(min(jobs, len(tasks)), return_as="generator_unordered", batch_size=1)
    with _keyboard_is_ours():
        outcomes = parallel(calls)
    try:
        yield from outcomes
    except BrokenProcessPool:
        raise FrameSelectError(
            "a worker process was killed, perhaps for want of memory; what is finished is kept: "
            "give the command again, if memory is short with fewer tasks at a time"
        ) from None
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # joblib's, that not all results were asked for
            outcomes.close()


@contextmanager
def _keyboard_is_ours() -> Iterator[None]:
    """Processes begun here do not see Ctrl-C: this one does, and ends them without a traceback."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
