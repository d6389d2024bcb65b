"""Two tasks of 70 short videos in place of the suite's."""

from dataclasses import replace

import pytest

from agents.suite import caches, tasks
from agents.suite.tasks import Corpus
from data.synthetic.cues import Recipe

RECIPE = Recipe(runs=2, lengths=(10, 12), videos=(40, 10, 20))


@pytest.fixture(scope="module")
def small_suite():
    """The tasks "context" and "glance" on videos that take no time; their digest is unknown."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(caches, "BUNDLED", "")
        patch.setitem(tasks.CORPORA, "cues", Corpus(RECIPE, None))
        for name in ("context", "glance"):
            small = replace(tasks.TASKS[name], num_frames=14, frames=(1, 3))
            patch.setitem(tasks.TASKS, name, small)
        yield
