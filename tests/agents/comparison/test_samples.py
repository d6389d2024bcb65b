"""Samples of runs: hand-worked figures, and intervals that hold what they should."""

from types import SimpleNamespace

import numpy as np
import pytest

from agents.comparison.samples import (
    Sample,
    improvement,
    interquartile_mean,
    optimality_gap,
    performance_profile,
    pooled_difference,
    pooled_gap,
    pooled_improvement,
    pooled_iqm,
    pooled_mean,
    sample,
)
from agents.evaluation import Resamples


def still(*scores):
    """A sample whose resamples are the scores themselves."""
    return Sample(np.array(scores, float), np.array([scores, scores], float))


def test_interquartile_mean_by_hand():
    # Of 8 numbers the 2 lowest and the 2 highest go: (3 + 4 + 5 + 6) / 4.
    assert interquartile_mean(np.array([8, 1, 7, 2, 6, 3, 5, 4])) == 4.5
    assert interquartile_mean(np.array([100, 3, 4, 5, 6, -100, 7, 2])) == 4.5
    # Of 5 one each, of fewer than 4 none.
    assert interquartile_mean(np.array([0, 1, 2, 3, 99])) == 2
    np.testing.assert_allclose(interquartile_mean(np.array([[0, 1, 5], [1, 1, 1]])), [2, 1])


def test_interquartile_mean_is_over_the_runs_of_all_data_sets():
    found = pooled_iqm([still(1, 8, 3, 4), still(2, 5, 6, 7)])
    assert (found.value, found.low, found.high) == (4.5, 4.5, 4.5)


def test_pooled_mean_weighs_data_sets_alike():
    assert pooled_mean([still(0, 0, 0, 0), still(1)]).value == 0.5


def test_improvement_by_hand():
    # 1 beats nothing; 2 ties twice; 3 beats two: (0 + 1 + 2) / 9.
    assert improvement(np.array([1, 2, 3]), np.array([2, 2, 4])) == pytest.approx(1 / 3)
    assert improvement(np.array([2, 2, 4]), np.array([1, 2, 3])) == pytest.approx(2 / 3)
    assert improvement(np.array([5]), np.array([1, 2])) == 1
    found = pooled_improvement([(still(1, 2, 3), still(2, 2, 4)), (still(1), still(0))])
    assert found.value == pytest.approx((1 / 3 + 1) / 2)


def test_optimality_gap_by_hand():
    # Short of 1 by .75, .25, 0 and 0: what is above 1 does not make up for what is below.
    assert optimality_gap(np.array([0.25, 0.75, 1.0, 3.0])) == 0.25
    found = pooled_gap([still(0.25, 0.75, 1.0, 3.0), still(-0.5)])
    assert (found.value, found.low, found.high) == (0.875, 0.875, 0.875)  # of .25 and 1.5


def test_a_performance_profile_by_hand():
    """Shares above, not at, a threshold; data sets count alike whatever their runs."""
    found = performance_profile(
        [still(0.0, 0.5, 1.0, 1.0), still(0.5)], np.array([-1, 0.5, 0.9, 1])
    )
    assert found.share.tolist() == [1, 0.25, 0.25, 0]
    assert (found.low == found.share).all() and (found.high == found.share).all()
    # One resample of two draws the first run twice.
    drawn = Sample(np.array([0.0, 1.0]), np.array([[0.0, 0.0], [0.0, 1.0]]))
    found = performance_profile([drawn], np.array([0.5]))
    assert found.share == 0.5 and 0 <= found.low[0] < found.high[0] <= 0.5


@pytest.mark.parametrize("runs", [1, 2, 5, 9])
def test_the_area_under_a_profile_is_the_mean(runs):
    scores = np.random.default_rng(runs).uniform(-1, 2, runs)
    # In the middle of 60 bins of .05: each score is off by half a bin at most.
    found = performance_profile([still(*scores)], np.arange(-0.975, 2, 0.05))
    assert (np.diff(found.share) <= 0).all()
    assert -1 + found.share.mean() * 3 == pytest.approx(np.mean(scores), abs=0.0251)


def test_a_sample_by_hand():
    # Two resamples: the first video twice and the first run twice; then each once.
    drawn = SimpleNamespace(
        count=2,
        weight=np.array([[2.0, 0.0], [1.0, 1.0]]),
        size=np.array([2.0, 2.0]),
        run_weight=lambda runs: np.array([[1.0, 0.0], [0.5, 0.5]]),
    )
    found = sample(np.array([[1.0, 0.0], [0.0, 0.5]]), drawn)
    assert found.score.tolist() == [0.5, 0.25]
    assert found.resampled.tolist() == [[1.0, 1.0], [0.5, 0.25]]


def test_scores_that_differ_by_rounding_are_ties():
    values = np.random.default_rng(0).random((1, 30))
    drawn = Resamples(30, count=50)
    one, turned = sample(values, drawn), sample(values + 1e-14, drawn)
    assert pooled_improvement([(one, turned)]).value == 0.5
    assert np.array_equal(one.resampled, turned.resampled)
    found = pooled_difference([(still(0.1 + 0.2), still(0.3))])
    assert (found.value, found.low, found.high) == (0, 0, 0)


def test_differences_are_averaged_over_data_sets():
    found = pooled_difference([(still(1, 3), still(1)), (still(5), still(0, 2, 4))])
    assert (found.value, found.low, found.high) == (2.0, 2.0, 2.0)  # of 1 and 3


def test_a_sample_agrees_with_the_intervals_of_the_evaluation():
    values = np.random.default_rng(0).random((3, 20))
    drawn = Resamples(20, np.arange(20) // 4, count=300, seed=5)
    mean, usual = pooled_mean([sample(values, drawn)]), drawn.mean(values)
    assert (mean.value, mean.low, mean.high) == pytest.approx((usual.value, usual.low, usual.high))


def test_runs_and_videos_are_paired():
    values = np.random.default_rng(0).random((4, 30))
    drawn = Resamples(30, count=200)
    # The second is the first and 0.1: so it is in every resample.
    lower, higher = sample(values, drawn), sample(values + 0.1, drawn)
    found = pooled_difference([(higher, lower)])
    assert (found.value, found.low, found.high) == pytest.approx((0.1, 0.1, 0.1))


def test_the_interval_of_a_difference_covers_the_truth():
    rng = np.random.default_rng(1)
    covered = []
    for _ in range(150):
        easy = rng.normal(scale=0.15, size=40)  # shared by both, as videos are
        first, second = (
            rng.random((5, 40)) < 0.5 + above + easy + rng.normal(scale=0.05, size=(5, 1))
            for above in (0.1, 0.0)
        )
        drawn = Resamples(40, count=200, seed=int(rng.integers(1 << 30)))
        samples = [(sample(one.astype(float), drawn)) for one in (first, second)]
        found = pooled_difference([(samples[0], samples[1])])
        covered.append(found.low <= 0.1 <= found.high)
    assert 0.9 <= np.mean(covered) <= 1
