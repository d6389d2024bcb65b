"""One task in a worker: its result, or in one line why it failed."""

import os
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from frame_select_env import FrameSelectError

POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Outcome:
    """What came of a task: its result, or the line that says why there is none."""

    task: Any
    result: Any = None
    error: str = ""


def attempt(function: Callable[[Any], Any], task: Any) -> Outcome:
    """Do a task; an error becomes part of the outcome, so that the other tasks go on."""
    try:
        return Outcome(task, function(task))
    except FrameSelectError as error:
        return Outcome(task, error=_line(str(error)))
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(place.filename).name}:{place.lineno}"
        return Outcome(task, error=_line(f"{type(error).__name__}: {error} ({where})"))


def attempt_in_child(function: Callable[[Any], Any], task: Any, parent: int) -> Outcome:
    """Do a task in a process that ends as soon as the process `parent`, which began it, is gone.

    Nobody would collect the result, and the same command, given again, would write to the same
    files.
    """
    _end_with(parent)
    return attempt(function, task)


_watching: set[int] = set()


def _end_with(parent: int) -> None:
    if parent in _watching:
        return
    _watching.add(parent)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(POLL_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _line(text: str) -> str:
    return " ".join(text.split())
