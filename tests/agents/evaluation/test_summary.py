"""The summary's protocol by hand, and the knapsack against every subset."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.evaluation.summary import Shots, human_f_score, joined, knapsack
from frame_select_env.cache import Summaries


def test_a_knapsack_by_hand():
    """The two light items are worth 7 together, the heavy one alone 6; all three weigh too much."""
    assert knapsack(np.array([6.0, 3, 4]), np.array([5, 2, 3]), 5).tolist() == [False, True, True]
    assert knapsack(np.array([8.0, 3, 4]), np.array([5, 2, 3]), 5).tolist() == [True, False, False]
    assert knapsack(np.array([8.0, 3, 4]), np.array([5, 2, 3]), 10).all()
    assert not knapsack(np.array([8.0, 3, 4]), np.array([5, 2, 3]), 1).any()


def test_of_equal_totals_the_earlier_items_stay():
    assert knapsack(np.ones(3), np.array([2, 2, 2]), 4).tolist() == [True, True, False]


@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 10**6), count=st.integers(1, 8), capacity=st.integers(0, 30))
def test_no_subset_that_fits_is_worth_more(seed, count, capacity):
    rng = np.random.default_rng(seed)
    values, weights = rng.random(count).round(2), rng.integers(1, 12, count)
    chosen = knapsack(values, weights, capacity)
    assert weights[chosen].sum() <= capacity
    every = np.array(list(product((False, True), repeat=count)))
    best = (every @ values)[every @ weights <= capacity].max()
    np.testing.assert_allclose(values[chosen].sum(), best)


# Ten cached frames stand for two original ones each; shots of 3, 5 and 12 frames. The first rater
# keeps the first shot, the second the first two frames of the second.
SHOT = np.repeat([0, 1, 2], [3, 5, 12]).astype(np.int32)
KEPT = np.column_stack([SHOT == 0, (np.arange(20) >= 3) & (np.arange(20) < 5)]).astype(np.uint8)
SHOTS = Shots.of(Summaries(np.arange(20, dtype=np.int32) // 2, SHOT, KEPT), 10)


def test_a_shot_is_worth_the_mean_of_its_frames():
    """15 % of 20 frames are 3: the first shot alone fits, if it is worth anything."""
    scores = np.zeros(10)
    assert not SHOTS.best(scores).any()
    scores[0] = 0.1
    assert SHOTS.best(scores).tolist() == [True, False, False]
    # Frame 2 of the original video is of the first shot, and frame 3 of the second.
    assert SHOTS.stood_for[:, 1].tolist() == [1, 1, 0]
    assert SHOTS.lengths.tolist() == [3, 5, 12]


def test_f_scores_by_hand():
    first, second = np.array([True, False, False]), np.array([False, True, False])
    np.testing.assert_allclose(SHOTS.f_scores(first), [1, 0])
    # Precision 2 / 5 and recall 1.
    np.testing.assert_allclose(SHOTS.f_scores(second), [0, 2 * 0.4 / 1.4])
    np.testing.assert_allclose(SHOTS.f_scores(~first), [0, 2 * (2 / 17) / (2 / 17 + 1)])
    assert SHOTS.f_scores(np.zeros(3, bool)).tolist() == [0, 0]


def test_several_raters_as_one():
    assert joined(np.array([0.2, 0.6]), "mean") == pytest.approx(0.4)
    assert joined(np.array([0.2, 0.6]), "max") == 0.6


def test_frames_in_no_shot_cannot_be_kept_but_count():
    """The video's 15 % are of all its frames; a rater's frames outside shots lower the recall."""
    outside = SHOT.copy()
    outside[:2] = -1
    outside[2] = 0
    shots = Shots.of(Summaries(np.arange(20, dtype=np.int32) // 2, outside, KEPT), 10)
    assert shots.lengths.tolist() == [1, 5, 12] and shots.frames == 20
    np.testing.assert_allclose(shots.f_scores(np.array([True, False, False]))[0], 2 * 1 / (1 + 3))


def test_people_among_themselves_by_hand():
    """Two agree, 2 * 2 / (2 + 2) = 1, and the third has one frame with each: 2 * 1 / (2 + 2)."""
    raters = np.array([[1, 1, 0], [1, 1, 1], [0, 0, 1]], bool)
    assert human_f_score(raters, "mean") == pytest.approx((0.75 + 0.75 + 0.5) / 3)
    assert human_f_score(raters, "max") == pytest.approx((1 + 1 + 0.5) / 3)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_f_is_the_harmonic_mean_of_precision_and_recall_frame_by_frame(seed):
    rng = np.random.default_rng(seed)
    shot = np.sort(rng.integers(0, 6, 40))
    shot = np.unique(shot, return_inverse=True)[1].astype(np.int32)
    kept = (rng.random((40, 3)) < 0.4).astype(np.uint8)
    shots = Shots.of(Summaries(np.arange(40, dtype=np.int32), shot, kept), 40)
    chosen = rng.random(shot.max() + 1) < 0.5
    mine = chosen[shot]
    for rater, found in enumerate(shots.f_scores(chosen)):
        both = (mine & (kept[:, rater] == 1)).sum()
        if not both:
            assert found == 0
            continue
        precision, recall = both / mine.sum(), both / kept[:, rater].sum()
        np.testing.assert_allclose(found, 2 * precision * recall / (precision + recall))
