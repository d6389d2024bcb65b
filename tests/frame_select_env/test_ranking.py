"""The top m frames, and m evenly spaced ones."""

import numpy as np
import pytest

from frame_select_env import top_frames
from frame_select_env.ranking import best_if_none, evenly_spaced_frames


def test_the_earlier_of_equal_frames_wins():
    scores = np.array([[1.0, 2.0, 2.0, 2.0]])
    assert top_frames(scores, np.ones((1, 4), bool), 2).tolist() == [[False, True, True, False]]


def test_fewer_valid_frames_than_m_keeps_them_all_and_never_padding():
    scores = np.array([[0.0, -5.0, 9.0, 9.0]])
    valid = np.array([[True, True, False, False]])
    assert top_frames(scores, valid, 3).tolist() == valid.tolist()


def test_infinitely_bad_frames_are_kept_when_they_are_needed():
    scores = np.array([[-np.inf, 1.0, -np.inf]])
    assert top_frames(scores, np.ones((1, 3), bool), 2).tolist() == [[True, True, False]]


def test_m_may_differ_by_video():
    scores = np.tile([3.0, 1.0, 2.0], (3, 1))
    kept = top_frames(scores, np.ones((3, 3), bool), np.array([1, 2, 0]))
    assert kept.tolist() == [[True, False, False], [True, False, True], [False] * 3]


def test_an_empty_choice_becomes_the_best_valid_frame():
    selected = np.array([[True, False, True], [False, False, False], [False, False, False]])
    scores = np.array([[0.0, 9.0, 1.0], [1.0, 3.0, 9.0], [2.0, 2.0, 2.0]])
    valid = np.array([[True, True, True], [True, True, False], [True, True, True]])
    expected = [[True, False, True], [False, True, False], [True, False, False]]
    assert best_if_none(selected, scores, valid).tolist() == expected


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        # floor((t + 1/2) 6 / m)
        *((1, [3]), (2, [1, 4]), (3, [1, 3, 5]), (4, [0, 2, 3, 5])),
        *((0, []), (6, range(6)), (9, range(6))),
    ],
)
def test_the_middles_of_m_equal_parts_by_hand(frames, expected):
    chosen = evenly_spaced_frames(np.ones((1, 6), bool), frames)
    assert chosen.dtype == bool and np.flatnonzero(chosen[0]).tolist() == list(expected)


def test_evenly_spaced_frames_are_of_the_valid_ones_and_m_may_differ_by_video():
    valid = np.arange(6) < np.array([[3], [5], [2]])
    chosen = evenly_spaced_frames(valid, np.array([2, 3, 4]))
    # floor((t + 1/2) 3 / 2), floor((t + 1/2) 5 / 3), and both of two.
    assert [np.flatnonzero(row).tolist() for row in chosen] == [[0, 2], [0, 2, 4], [0, 1]]
