"""The top m frames."""

import numpy as np

from frame_select_env import top_frames
from frame_select_env.ranking import best_if_none


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
