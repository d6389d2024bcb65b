"""p values, their correction, and the seeds that an effect needs, by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from agents.comparison.significance import holm, least_p_value, p_value, seeds_needed


def test_p_values_by_hand():
    # Of 9 resamples one is at or below zero: 2 (1 + 1) / 10; the sign does not matter.
    resampled = np.array([-0.1, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8])
    assert p_value(resampled) == p_value(-resampled) == 0.4
    assert p_value(resampled + 1) == least_p_value(9) == 0.2
    assert p_value(np.zeros(9)) == 1  # equal agents


def test_the_p_value_of_normal_resamples_is_that_of_the_normal_distribution():
    drawn = norm.ppf((np.arange(20000) + 0.5) / 20000)
    for shift in (0.5, 1.0, 1.96, 2.5):
        assert p_value(drawn + shift) == pytest.approx(2 * norm.sf(shift), abs=2e-4)


def test_holm_by_hand():
    """The example of Holm's procedure: .01, .04, .03, .005 of four tests."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == [1, 1] and holm([0.04]) == [0.04] and holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_lies_between_no_correction_and_that_of_bonferroni(values):
    adjusted = np.array(holm(values))
    assert (adjusted >= values).all()
    assert (adjusted <= np.minimum(len(values) * np.array(values), 1)).all()
    order = np.argsort(values, kind="stable")
    assert (np.diff(adjusted[order]) >= 0).all()


@pytest.mark.parametrize(
    ("effect", "seeds"), [(0.5, 34), (0.8, 15), (1.0, 10), (-1.0, 10), (2.0, 5), (100.0, 2)]
)
def test_seeds_needed_of_known_effects(effect, seeds):
    """The sample sizes of a paired t-test (5 %, power .8) that tables of statistics print."""
    spread = np.array([-1.0, 0.0, 1.0])  # its standard deviation is 1
    assert seeds_needed(spread + effect, 1000) == seeds


def test_seeds_needed_where_there_is_no_answer():
    assert seeds_needed(np.array([0.2]), 1000) is None  # one run says nothing of the spread
    assert seeds_needed(np.array([-0.3, 0.3]), 1000) is None  # no effect
    assert seeds_needed(np.array([-1.0, 1.1]), 1000) is None  # too small for 1,000 seeds
    assert seeds_needed(np.array([0.3, 0.3, 0.3]), 1000) == 2  # no spread
