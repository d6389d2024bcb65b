"""Regret against the oracle: by hand, run by run, and where there is none."""

import numpy as np
import pytest

from agents.evaluation import VideoResults, evaluate
from agents.evaluation.rank_quality import regrets


def results(*errors):
    """Runs of errors on videos."""
    error = np.array(errors, float)
    return VideoResults(np.zeros((*error.shape, 1), bool), np.zeros(error.shape), error, error)


RESULTS = {
    ("all", "all"): results([1, 1, 0, 0]),
    ("oracle", "2"): results([0, 0, 0, 0]),
    ("oracle", "4"): results([1, 0, 0, 0]),
    ("mine", "2"): results([1, 1, 1, 0], [1, 0, 0, 0]),
    ("mine", "4"): results([0, 0, 0, 0], [1, 1, 0, 0]),
    ("mine", "chosen"): results([1, 1, 1, 0], [1, 1, 0, 0]),
    ("mine", "free"): results([1, 1, 1, 0], [1, 0, 0, 0]),
}


def test_by_hand():
    # At 2: 4 errors of 8 against none; at 4: 2 of 8 against 1 of 4. The runs chose 2 and all:
    # 5 of 8 against the mean of none and 2 of 4.
    assert regrets(RESULTS, {("mine", "chosen"): (2, "all")}) == {
        ("oracle", "2"): 0,
        ("oracle", "4"): 0,
        ("mine", "2"): 0.5,
        ("mine", "4"): 0,
        ("mine", "chosen"): 0.625 - 0.25,
    }


def test_it_may_be_negative_since_the_oracle_is_greedy():
    changed = {**RESULTS, ("mine", "4"): results([0, 0, 0, 0])}
    assert regrets(changed, {("mine", "chosen"): (2, 4)})["mine", "4"] == -0.25


def test_without_the_oracle_there_is_none():
    changed = {key: value for key, value in RESULTS.items() if key[0] != "oracle"}
    assert regrets(changed, {("mine", "chosen"): (2, 4)}) == {}


def test_in_the_table(plant, telling_free):
    found = evaluate(plant(), {"mine": [telling_free()]}, frames=(2, 4), resamples=20)
    for m in (2, 4):
        oracle = found.row("oracle", m).figures["accuracy"].value
        for name in ("mine", "random", "oracle"):
            row = found.row(name, m)
            assert row.regret == pytest.approx(oracle - row.figures["accuracy"].value)
    assert found.row("random", 2).regret > found.row("mine", 2).regret
    assert found.row("mine", "free").regret is None
    assert found.row("all", "all").regret is None
    assert found.row("random", "chosen").regret is not None


def test_of_a_regression_it_is_how_much_larger_the_error_is(plant, telling):
    found = evaluate(plant(regression=True), {"mine": [telling()]}, frames=(3,), resamples=20)
    own, best = (found.row(name, 3).figures["mae"].value for name in ("random", "oracle"))
    assert found.row("random", 3).regret == pytest.approx(own - best) and own > best


def test_rankings_on_request_stand_in_the_table_by_name(plant):
    names = ["diversity", "hill-climb", "exact-oracle", "oracle"]
    lengths = np.full(100, 9)
    found = evaluate(plant(lengths=lengths), {}, frames=(3,), references=names, resamples=20)
    accuracy = {
        row.ranking: row.figures["accuracy"].value for row in found.table if row.frames == "3"
    }
    assert set(accuracy) == set(names)
    assert accuracy["exact-oracle"] >= accuracy["hill-climb"] >= accuracy["oracle"]
    assert found.row("exact-oracle", 3).kind == "oracle"
