"""The planned tests of a suite, on scores by hand."""

import numpy as np
import pytest

from agents.comparison.statistics import Sample
from agents.suite.pairs import ALL_TASKS, pair_tables, pairs_markdown, planned_pairs, score_samples


def drawn(*scores: float) -> Sample:
    """Runs of these scores; two resamples draw each run once."""
    return Sample(np.array(scores), np.array([scores, scores]))


SAMPLES = {
    "context": {("q", "pg"): (drawn(0.3, 0.5, 0.7), drawn(0.1, 0.1, 0.4))},
    "needle": {("q", "pg"): (drawn(1.0), drawn(1.5)), ("q", "other"): (drawn(1.0), drawn(1.0))},
}


def test_differences_by_task_and_over_all() -> None:
    context, needle, both, other = planned_pairs(SAMPLES, [("q", "pg"), ("q", "other")])
    assert (context.task, context.seeds, needle.seeds) == ("context", 3, 1)
    assert context.difference.value == pytest.approx(0.3)
    assert context.improvement == pytest.approx(8 / 9)
    # Differences .2, .4 and .3: their mean is three standard deviations.
    assert context.needed == 4
    assert needle.difference.value == pytest.approx(-0.5) and needle.needed is None
    assert (both.task, both.seeds, both.needed) == (ALL_TASKS, 4, None)
    assert both.difference.value == pytest.approx((0.3 - 0.5) / 2)  # tasks count alike
    assert (other.second, other.task, other.difference.value) == ("other", "needle", 0.0)


def test_the_tables() -> None:
    found = planned_pairs(SAMPLES, [("q", "pg"), ("q", "other")])
    tables = pair_tables(found)
    assert list(tables) == ["q − pg", "q − other"]
    assert tables["q − pg"].rows == [
        ["context", "+0.30 [+0.30, +0.30]", "0.89", "3", "4"],
        ["needle", "-0.50 [-0.50, -0.50]", "0.00", "1", ""],
        [ALL_TASKS, "-0.10 [-0.10, -0.10]", "0.44", "4", ""],
    ]
    assert "### q − other" in pairs_markdown(found)


def test_pairs_that_are_not_compared(planted) -> None:
    """Agents that are the same runs on a task, and agents that do not fit it."""
    agents = {"dqn": "dqn-glance", "dqn-pick": "dqn-glance"}
    tests = [("dqn", "dqn-pick"), ("dqn", "soft-attention")]
    anchors = object()
    assert score_samples("glance", planted, [], agents, tests, anchors) == {}  # type: ignore[arg-type]
