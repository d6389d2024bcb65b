"""The reward of examples/corpus_reward.py, worked by hand."""

import numpy as np
import pytest
from example_scripts import load_example

from frame_select_env import Outcome


@pytest.fixture(scope="module")
def example():
    return load_example("corpus_reward")


def outcome(before, after, label):
    """Answers of class 0 or 1; -1 selects nothing."""
    p0, p1 = (np.array([[[0, 0], [1, 0], [0, 1]][a + 1] for a in one]) for one in (before, after))
    return Outcome({"p0": p0, "p1": p1, "label": np.array(label)})


@pytest.mark.parametrize(
    ("before", "after", "label", "rewards"),
    [
        # Both classes had an F1 of 2/3 and have 1 now; three videos.
        ([0, 1, 1], [0, 0, 1], [0, 0, 1], [0, 1, 0]),
        # No answer: class 0 has 2/3, class 1 has 1; before, both had 1.
        ([0, 0, 1], [0, -1, 1], [0, 0, 1], [0, -0.5, 0]),
        # The only video of its class: class 0 rises from 6/7 to 1 and class 1 from 0 to 1.
        ([0, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 4 * (1 - 3 / 7)]),
    ],
)
def test_an_answer_is_paid_what_it_adds(example, before, after, label, rewards):
    np.testing.assert_allclose(example.added_f1(outcome(before, after, label)), rewards)
