"""Which frames truly matter: those marked, or of graded importance a video's top share."""

import numpy as np
import pytest

from frame_select_env.key_frames import key_frames

EVERY = np.ones((1, 4), bool)


def test_zeros_and_ones_mark_them():
    assert key_frames(np.array([[0.0, 1, 0, 0]]), EVERY).tolist() == [[False, True, False, False]]
    assert key_frames(np.ones((1, 4)), EVERY).all()
    assert not key_frames(np.zeros((1, 4)), EVERY).any()


def test_graded_importance_is_above_the_median():
    """TVSum's is 1 to 5: nothing is 0."""
    scores = np.array([[1.0, 2.5, 4.0, 3.0]])
    assert key_frames(scores, EVERY).tolist() == [[False, False, True, True]]
    assert not key_frames(np.full((1, 4), 3.0), EVERY).any()


@pytest.mark.parametrize(("share", "count"), [(None, 50), (0.15, 15), (0.9, 90)])
def test_another_share(share, count):
    scores = np.random.default_rng(0).permutation(100)[None] / 20 + 0.5
    key = key_frames(scores, np.ones((1, 100), bool), share)
    assert key.sum() == count and scores[key].min() > scores[~key].max()


def test_padding_does_not_count_and_every_video_has_its_own_threshold():
    scores = np.array([[1.0, 2, 3, 4], [10.0, 30, 0, 0], [0.0, 1, 7, 7]])
    valid = np.array([[True] * 4, [True, True, False, False], [True, True, False, False]])
    expected = [[0, 0, 1, 1], [0, 1, 0, 0], [0, 1, 0, 0]]
    assert key_frames(scores, valid).astype(int).tolist() == expected
