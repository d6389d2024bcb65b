"""The planned tests of a suite, on scores by hand."""

import csv
from pathlib import Path

import numpy as np
import pytest

from agents.comparison.finished import FinishedRun
from agents.comparison.grid import RunSpec
from agents.comparison.samples import Sample
from agents.suite import pairs
from agents.suite.anchors import Anchors
from agents.suite.pairs import (
    ALL_TASKS,
    pair_tables,
    pairs_markdown,
    planned_pairs,
    score_samples,
    write_pairs,
)


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
        ["context", "+0.30 [+0.30, +0.30]", "0.89", "0.667", "1.000", "3", "4"],
        ["needle", "-0.50 [-0.50, -0.50]", "0.00", "0.667", "1.000", "1", ""],
        [ALL_TASKS, "-0.10 [-0.10, -0.10]", "0.44", "0.667", "0.667", "4", ""],
    ]
    assert "### q − other" in pairs_markdown(found)


def test_single_tasks_and_all_tasks_are_two_families_of_tests(tmp_path) -> None:
    """Three tests on single tasks, two on all tasks: Holm by hand."""

    def pair(share: float) -> tuple[Sample, Sample]:
        # Of 999 resamples this share is below zero, the others above.
        signs = np.where(np.arange(999) < 999 * share, -1.0, 1.0)[:, None]
        return Sample(np.ones(1), signs), Sample(np.zeros(1), np.zeros((999, 1)))

    samples = {
        "context": {("q", "pg"): pair(0.0), ("q", "other"): pair(0.01)},
        "needle": {("q", "pg"): pair(0.1)},
    }
    found = planned_pairs(samples, [("q", "pg"), ("q", "other")])
    single = [one for one in found if one.task != ALL_TASKS]
    assert [one.p for one in single] == pytest.approx([0.002, 0.202, 0.022])
    assert [one.p_holm for one in single] == pytest.approx([0.006, 0.202, 0.044])
    (whole,) = (one for one in found if one.task == ALL_TASKS)
    assert whole.p_holm == whole.p
    write_pairs(tmp_path / "pairs.csv", found)
    with (tmp_path / "pairs.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row, one in zip(rows, found, strict=True):
        assert (row["p"], row["p_holm"]) == (f"{one.p:.6f}", f"{one.p_holm:.6f}")


def test_pairs_that_are_not_compared(planted) -> None:
    """Agents that are the same runs on a task, and agents that do not fit it."""
    agents = {"dqn": "dqn-glance", "dqn-pick": "dqn-glance"}
    tests = [("dqn", "dqn-pick"), ("dqn", "soft-attention")]
    anchors = object()
    assert score_samples("glance", planted, [], agents, tests, anchors) == {}  # type: ignore[arg-type]


def test_after_failed_runs_the_seeds_that_both_have_are_paired(planted, monkeypatch) -> None:
    seeds = {"dqn": (4, 1, 0, 3), "ppo": (0, 1, 2, 4), "reinforce": (2,)}
    runs = [
        FinishedRun(
            RunSpec("needle", "default", agent, "margin", 4, seed),
            *(Path(f"{agent}-{seed}"), 1, 1, 1, 1.0, 1.0),
        )
        for agent, own in seeds.items()
        for seed in own
    ]
    monkeypatch.setattr(pairs, "_samples", lambda name, task, cache, folders, anchors: folders)
    found = score_samples(
        *("needle", planted, runs, {agent: agent for agent in seeds}),
        *([("dqn", "ppo"), ("dqn", "reinforce")], Anchors(0.0, 1.0)),
    )
    assert found == {
        ("dqn", "ppo"): {
            agent: [Path(f"{agent}-{seed}") for seed in (0, 1, 4)] for agent in ("dqn", "ppo")
        }
    }
