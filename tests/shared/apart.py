"""Videos are worked on in the process of the test: starting another takes longer than the work."""

import sys
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

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
    with ExitStack() as patches:
        for command in (extract, pick):
            module = sys.modules[command.__module__]
            patches.enter_context(mock.patch.object(module, "run_apart", attempt_all))
        yield
