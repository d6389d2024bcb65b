"""The bootstrap: hand-worked cases, what it resamples, and how often it covers the truth."""

from dataclasses import FrozenInstanceError, astuple

import numpy as np
import pytest
from scipy.stats import pearsonr

from agents.evaluation.intervals import (
    Resamples,
    correlation,
    interval_columns,
    percentiles,
    weighted_correlation,
)


def test_one_video_has_an_interval_of_no_width():
    interval = Resamples(1).mean(np.array([[1.0], [1.0]]))
    assert (interval.value, interval.low, interval.high) == (1.0, 1.0, 1.0)


def test_all_correct():
    interval = Resamples(50).mean(np.ones((3, 50)))
    assert (interval.value, interval.low, interval.high) == (1.0, 1.0, 1.0)


def test_two_videos_by_hand():
    # Of two videos, one right: a resample's accuracy is 0, 1/2 or 1 with odds 1 : 2 : 1.
    resamples = Resamples(2, count=4000, seed=1)
    interval = resamples.mean(np.array([[1.0, 0.0]]))
    assert (interval.value, interval.low, interval.high) == (0.5, 0.0, 1.0)
    shares = (resamples.weight[:, 0] / 2 == np.array([[0.0], [0.5], [1.0]])).mean(axis=1)
    np.testing.assert_allclose(shares, [0.25, 0.5, 0.25], atol=0.03)


def test_equal_outcomes_gain_exactly_nothing():
    rng = np.random.default_rng(0)
    resamples = Resamples(40)
    error = rng.random(40)
    gain = resamples.mean(error - np.stack([error, error]))
    assert (gain.value, gain.low, gain.high) == (0.0, 0.0, 0.0)
    predicted, label = rng.normal(size=(40, 2)), rng.normal(size=(40, 2))
    gain = resamples.correlation_gain(np.stack([predicted] * 3), predicted, label)
    assert (gain.value, gain.low, gain.high) == (0.0, 0.0, 0.0)


def test_a_paired_difference_is_narrower_than_its_parts():
    rng = np.random.default_rng(0)
    before = (rng.random(200) < 0.5).astype(float)
    after = before.copy()
    after[:10] = 1.0  # only ten videos could change
    resamples = Resamples(200)
    gain = resamples.mean((after - before)[None])
    single = resamples.mean(after[None])
    assert gain.high - gain.low < (single.high - single.low) / 2


def test_the_interval_matches_theory_for_videos_alone():
    values = (np.arange(400) < 280).astype(float)[None]
    interval = Resamples(400, count=20000, seed=3).mean(values)
    half = 1.96 * np.sqrt(0.7 * 0.3 / 400)
    np.testing.assert_allclose([interval.low, interval.high], [0.7 - half, 0.7 + half], atol=0.004)


def test_runs_that_differ_widen_the_interval():
    alike = np.tile((np.arange(100) < 50).astype(float), (4, 1))
    unlike = np.repeat([[0.2], [0.4], [0.6], [0.8]], 100, axis=1)
    resamples = Resamples(100)
    interval = resamples.mean(unlike)
    # Means of 4 draws from 0.2, 0.4, 0.6, 0.8: standard deviation sqrt(0.05 / 4) = 0.112.
    np.testing.assert_allclose(interval.high - interval.low, 2 * 1.96 * 0.112, rtol=0.1)
    assert resamples.mean(alike).low > interval.low


def test_groups_are_drawn_whole():
    group = np.repeat(["a", "b", "c"], [5, 10, 20])
    resamples = Resamples(35, group, count=50)
    for members in (slice(0, 5), slice(5, 15), slice(15, 35)):
        part = resamples.weight[:, members]
        assert (part == part[:, :1]).all()
    assert (resamples.weight[:, [0, 5, 15]].sum(axis=1) == 3).all()
    # Videos that fail or succeed as a group tell far less than as many independent ones.
    values = (group == "c").astype(float)[None]
    grouped = Resamples(35, group).mean(values)
    single = Resamples(35).mean(values)
    assert grouped.high - grouped.low > 1.5 * (single.high - single.low)


def test_seeds():
    values = (np.arange(60) % 3 == 0).astype(float)[None]
    one, same, other = (Resamples(60, seed=s, count=200).mean(values) for s in (0, 0, 1))
    assert one == same
    assert (one.low, one.high) != (other.low, other.high)


def test_coverage_of_the_truth_over_runs_and_videos():
    """With 20 runs and 80 videos, 95 % intervals hold the true accuracy about 95 times of 100."""
    rng = np.random.default_rng(0)
    covered, trials = 0, 200
    for trial in range(trials):
        run_effect = rng.normal(0, 0.5, (20, 1))
        video_effect = rng.normal(0, 1.5, (1, 80))
        right = (run_effect + video_effect + rng.logistic(size=(20, 80)) > 0).astype(float)
        interval = Resamples(80, count=400, seed=trial).mean(right)
        covered += interval.low <= 0.5 <= interval.high  # symmetric effects: the truth is 1/2
    assert 0.91 <= covered / trials <= 0.99


def test_correlation_is_pearsons_averaged_over_runs_and_targets():
    rng = np.random.default_rng(0)
    predicted, label = rng.normal(5, 2, (2, 30, 2)), rng.normal(3, 1, (30, 2))
    expected = np.mean([pearsonr(run[:, k], label[:, k])[0] for run in predicted for k in (0, 1)])
    np.testing.assert_allclose(correlation(predicted, label), expected, rtol=1e-10)


def test_correlations_by_target_have_the_mean_as_their_figure():
    rng = np.random.default_rng(2)
    label = rng.normal(size=(30, 2))
    predicted = np.stack([label * [1.0, -1.0], label]) + rng.normal(size=(2, 30, 2))
    resamples = Resamples(30, count=50)
    first, second = resamples.correlations(predicted, label)
    own = resamples.correlation(predicted[:, :, :1], label[:, :1])
    np.testing.assert_allclose(astuple(first), astuple(own))
    mean = resamples.correlation(predicted, label).value
    assert (first.value + second.value) / 2 == pytest.approx(mean) and first.value > second.value


def test_weights_count_videos_several_times():
    rng = np.random.default_rng(1)
    predicted, label = rng.normal(size=(12, 1)), rng.normal(size=(12, 1))
    weight = rng.integers(0, 3, (1, 12)).astype(float)
    repeats = weight[0].astype(int)
    expected = pearsonr(np.repeat(predicted[:, 0], repeats), np.repeat(label[:, 0], repeats))[0]
    np.testing.assert_allclose(weighted_correlation(predicted, label, weight), [[expected]])


@pytest.mark.parametrize("constant", [0.1, 1e6 / 3])
def test_a_constant_correlates_with_nothing(constant):
    predicted = np.full((7, 1), constant)
    label = np.arange(7.0)[:, None]
    assert correlation(predicted[None], label) == 0
    interval = Resamples(7).correlation(predicted[None], label)
    assert (interval.low, interval.high) == (0, 0)


def test_one_video_correlates_with_nothing():
    interval = Resamples(1).correlation(np.array([[[2.0]]]), np.array([[1.0]]))
    assert (interval.value, interval.low, interval.high) == (0, 0, 0)


def test_the_ends_of_an_interval_leave_a_fortieth_on_each_side():
    found = percentiles(7.0, np.random.default_rng(0).permutation(1001))
    assert (found.value, found.low, found.high) == pytest.approx((7.0, 25.0, 975.0))


def test_the_columns_of_figures():
    names = ["mae", "mae_low", "mae_high", "gain", "gain_low", "gain_high"]
    assert interval_columns(["mae", "gain"]) == names


def test_runs_are_drawn_for_a_correlation_too():
    # Of two runs one is right and one is the opposite: of their means -1, 0 and 1 have odds 1:2:1.
    label = np.arange(5.0)[:, None] * [1.0, -3.0]
    resamples = Resamples(5, count=1000)
    found = resamples.correlation(np.stack([label, -label]), label)
    assert (found.value, found.low, found.high) == pytest.approx((0, -1, 1))
    # Compared with the right one each is worse by 0 or 2.
    gain = resamples.correlation_gain(np.stack([label, -label]), label, label)
    assert (gain.value, gain.low, gain.high) == pytest.approx((-1, -2, 0))


def test_a_target_that_is_constant_counts_as_none_in_the_average():
    label = np.column_stack([np.arange(6.0), np.arange(6.0)])
    predicted = np.column_stack([2 * np.arange(6.0) + 1, np.ones(6)])
    assert correlation(predicted[None], label) == pytest.approx(0.5)
    assert correlation(label[None], predicted) == pytest.approx(0.5)
    # However small its variation, what varies is no constant.
    assert correlation(1e-9 * label[None] + 1, label) == pytest.approx(1, abs=1e-4)


def test_an_interval_is_of_2000_resamples_and_cannot_be_changed():
    assert Resamples(2).weight.shape == (2000, 2)
    found = Resamples(2).mean(np.ones((1, 2)))
    with pytest.raises(FrozenInstanceError):
        found.value = 0.0


def test_a_resample_draws_as_many_videos_and_runs_as_there_are():
    resamples = Resamples(7, count=30, seed=2)
    assert resamples.weight.shape == (30, 7) and (resamples.size == 7).all()
    share = resamples.run_weight(4)
    assert share.shape == (30, 4) and (share.sum(axis=1) == 1).all()
    assert set(np.unique(share)) <= {0, 0.25, 0.5, 0.75, 1}
    # Each is drawn once on average, and other seeds and numbers of runs draw others.
    assert abs(Resamples(7, count=5000).weight.mean(axis=0) - 1).max() < 0.1
    assert abs(Resamples(7, count=5000).run_weight(3).mean(axis=0) - 1 / 3).max() < 0.03
    assert not np.array_equal(share, Resamples(7, count=30, seed=3).run_weight(4))
    assert not np.array_equal(4 * share, Resamples(4, count=30, seed=2).weight)
