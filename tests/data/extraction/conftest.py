"""Extractions in this process."""

from collections.abc import Iterator

import pytest
from apart import videos_in_this_process


@pytest.fixture(scope="package", autouse=True)
def in_this_process() -> Iterator[None]:
    """See `videos_in_this_process`; a test of what needs a process restores `run_apart`."""
    with videos_in_this_process():
        yield
