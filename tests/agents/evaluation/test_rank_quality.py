"""Average precision and rank correlation by hand, against other libraries', and without meaning."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr
from sklearn.metrics import average_precision_score

from agents.evaluation.rank_quality import average_precision, spearman


def test_by_hand():
    # Hits at ranks 1 and 3: (1/1 + 2/3) / 2. The padded hit does not count.
    scores = np.array([[0.9, 0.5, 0.7, 9.0]])
    relevant = np.array([[True, True, False, True]])
    valid = np.array([[True, True, True, False]])
    np.testing.assert_allclose(average_precision(scores, relevant, valid), [(1 + 2 / 3) / 2])


def test_nothing_or_everything_relevant_says_nothing():
    valid = np.array([[True, True, False]] * 2)
    relevant = np.array([[False, False, True], [True, True, False]])
    assert np.isnan(average_precision(np.zeros((2, 3)), relevant, valid)).all()


@settings(max_examples=60)
@given(seed=st.integers(0, 10**6), pad=st.integers(0, 3))
def test_against_scikit_learn_with_ties_and_padding(seed, pad):
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 4, (6, 9)).astype(float)
    scores[rng.random(scores.shape) < 0.1] = -np.inf
    relevant = rng.random((6, 9)) < 0.4
    valid = np.arange(9)[None] < rng.integers(1, 10, (6, 1))
    padding = ((0, 0), (0, pad))
    found = average_precision(
        np.pad(scores, padding, constant_values=99.0),
        np.pad(relevant, padding, constant_values=True),
        np.pad(valid, padding),
    )
    for row in range(6):
        truth = relevant[row, valid[row]]
        if truth.all() or not truth.any():
            assert np.isnan(found[row])
        else:
            finite = np.nan_to_num(scores[row, valid[row]], neginf=-1.0)
            np.testing.assert_allclose(found[row], average_precision_score(truth, finite))


def test_spearman_by_hand():
    # Ranks 1, 2, 3, 4 against 1, 3, 2, 4: 1 - 6 * (0 + 1 + 1 + 0) / (4 * 15). Padding has no rank.
    scores = np.array([[0.1, 0.2, 0.3, 0.4, 9.0]])
    importance = np.array([[0.0, 5.0, 2.0, 7.0, 1.0]])
    valid = np.array([[True] * 4 + [False]])
    np.testing.assert_allclose(spearman(scores, importance, valid), [1 - 12 / 60])


def test_spearman_of_equal_scores_is_0_and_of_equal_importance_nothing():
    valid = np.array([[True, True, False]] * 2)
    found = spearman(np.array([[1.0, 1, 2], [1, 2, 0]]), np.array([[0.0, 1, 5], [3, 3, 4]]), valid)
    np.testing.assert_array_equal(found, [0, np.nan])


@settings(max_examples=60)
@given(seed=st.integers(0, 10**6))
def test_spearman_against_scipy_with_ties_and_padding(seed):
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 4, (6, 9)).astype(float)
    scores[rng.random(scores.shape) < 0.1] = -np.inf
    importance = rng.integers(0, 3, (6, 9)).astype(float)
    valid = np.arange(9)[None] < rng.integers(2, 10, (6, 1))
    found = spearman(scores, importance, valid)
    for row in range(6):
        here = valid[row]
        ranked, truth = np.nan_to_num(scores[row, here], neginf=-1.0), importance[row, here]
        if len(set(truth)) == 1:
            assert np.isnan(found[row])
        elif len(set(ranked)) == 1:
            assert found[row] == 0
        else:
            expected = spearmanr(ranked, truth).statistic
            np.testing.assert_allclose(found[row], expected, atol=1e-12)
