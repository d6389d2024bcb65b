"""Shares of variance by hand, and how far rankings agree."""

import numpy as np
import pytest

from agents.reproduction.interaction import kendalls_w, mean_tau, variance_shares

RUNS = np.array([-1.0, 1.0])


def test_effects_add_up_to_the_shares_by_hand():
    learner, design = np.array([-2.0, 2.0]), np.array([-3.0, 0.0, 3.0])
    both = np.array([[1.0, -2.0, 1.0], [-1.0, 2.0, -1.0]])  # rows and columns add up to 0
    scores = 50 + learner[:, None] + design + both
    found = variance_shares(scores[..., None] + RUNS)
    # Of 2 x 3 x 2 scores: 12 x 4, 4 x 18, 2 x 12 and 12 x 1.
    total = 48 + 72 + 24 + 12
    shares = found.learner, found.design, found.interaction, found.residual
    assert shares == pytest.approx([48 / total, 72 / total, 24 / total, 12 / total])


def test_a_single_run_has_no_residual_and_equal_scores_no_shares():
    found = variance_shares(np.array([[[1.0], [2.0]], [[1.0], [4.0]]]))
    assert np.isnan(found.residual)
    assert found.learner + found.design + found.interaction == pytest.approx(1)
    assert np.isnan(variance_shares(np.full((2, 3, 2), 0.3)).design)


def test_agreement_of_rankings():
    same = np.array([[1.0, 2.0, 3.0], [10.0, 20.0, 21.0], [0.0, 0.1, 0.2]])
    assert kendalls_w(same) == pytest.approx(1) and mean_tau(same) == pytest.approx(1)
    # Two rankings the other way round: rank sums are all 4, W is 0.
    opposite = np.array([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]])
    assert kendalls_w(opposite) == pytest.approx(0, abs=1e-12)
    assert mean_tau(opposite) == pytest.approx(-1)
    # Ranks 123, 123, 213: sums 4, 5, 9; S = 14, W = 12 S / (m^2 (n^3 - n)) = 168 / 216.
    mixed = np.array([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0], [2.0, 1.0, 3.0]])
    assert kendalls_w(mixed) == pytest.approx(168 / 216)
    assert mean_tau(mixed) == pytest.approx((1 + 1 / 3 + 1 / 3) / 3)


def test_who_tells_nothing_apart_agrees_with_nobody():
    flat = np.array([[1.0, 1.0, 1.0], [1.0, 2.0, 3.0]])
    assert np.isnan(mean_tau(flat))
    assert np.isnan(kendalls_w(flat[:1])) and np.isnan(kendalls_w(flat[:, :2]))
