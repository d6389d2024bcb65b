"""Videos are worked on in the process of the test: starting another takes longer than the work."""

import sys
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from agents.commands.pick import pick
from data.engine import Outcome, attempt
from data.extraction.pipeline import extract


def attempt_all(work: Callable[[Any], Any], tasks: Iterable[Any]) -> Generator[Outcome]:
    """As `data.engine.run_apart`, in this process."""
    for task in tasks:
        yield attempt(work, task)


@contextmanager
def videos_in_this_process() -> Iterator[None]:
    """`extract` and `pick` do so."""
    with pytest.MonkeyPatch.context() as patch:
        for command in (extract, pick):
            patch.setattr(sys.modules[command.__module__], "run_apart", attempt_all)
        yield
