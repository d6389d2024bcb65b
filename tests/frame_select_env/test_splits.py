"""Division of videos into parts."""

import numpy as np
import pytest

from frame_select_env import FrameSelectError
from frame_select_env.splits import divide_videos


@pytest.mark.parametrize("seed", range(5))
def test_parts_keep_groups_whole_and_cover_every_video_once(seed):
    rng = np.random.default_rng(seed)
    label, group = rng.integers(0, 3, 40), rng.integers(0, 7, 40)
    parts = divide_videos(label, group, 5, seed)
    inside = np.concatenate([part for _, part in parts])
    assert np.sort(inside).tolist() == list(range(40))
    for outside, part in parts:
        assert not set(group[outside]) & set(group[part])
        assert np.sort(np.concatenate([outside, part])).tolist() == list(range(40))


def test_parts_are_balanced_by_label_where_there_are_no_groups():
    label = np.repeat([0, 1], [40, 10])
    for _, part in divide_videos(label, None, 5, 0):
        assert np.bincount(label[part]).tolist() == [8, 2]


@pytest.mark.parametrize("label", [np.arange(6), np.zeros((6, 2)), np.array([0, 0, 1, 2, 3, 4])])
def test_parts_of_rare_classes_and_of_regressions(label):
    parts = divide_videos(label, None, 3, 0)
    assert [len(part) for _, part in parts] == [2, 2, 2]


def test_one_video_cannot_be_divided():
    with pytest.raises(FrameSelectError, match="at least 2"):
        divide_videos(np.array([0]), None)
