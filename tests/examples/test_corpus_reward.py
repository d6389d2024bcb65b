"""The reward of examples/corpus_reward.py, worked by hand."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from frame_select_env import Outcome

PATH = Path(__file__).parents[2] / "examples" / "corpus_reward.py"


@pytest.fixture(scope="module")
def example():
    specification = importlib.util.spec_from_file_location("corpus_reward", PATH)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


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
