"""Which rows of a video a head trains on, and what it sees of a middle axis."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.head.linear import head_input, training_rows
from frame_select_env.cache import frame_index

LENGTHS, VIEWS, MOST = st.integers(1, 60), st.integers(1, 12), st.integers(0, 200)


@given(LENGTHS, VIEWS, MOST)
def test_rows_are_distinct_pairs_within_the_video(length: int, views: int, most: int) -> None:
    frame, view = training_rows(length, views, most)
    everything = length * views
    assert len(frame) == len(view) == min(most or everything, everything)
    assert len(set(zip(frame.tolist(), view.tolist(), strict=True))) == len(frame)
    assert (frame >= 0).all() and (frame < length).all()
    assert (view >= 0).all() and (view < views).all()


@given(LENGTHS, VIEWS, MOST)
def test_rows_spread_over_frames_and_views(length: int, views: int, most: int) -> None:
    frame, view = training_rows(length, views, most)
    for count, size in ((np.bincount(frame), length), (np.bincount(view), views)):
        full = np.pad(count, (0, size - len(count)))
        assert full.max() - full.min() <= 1


@given(LENGTHS, VIEWS)
def test_no_limit_takes_everything(length: int, views: int) -> None:
    frame, view = training_rows(length, views, most=0)
    assert (np.bincount(frame, minlength=length) == views).all()
    assert (np.bincount(view, minlength=views) == length).all()


@given(LENGTHS, st.integers(1, 200))
def test_one_view_takes_the_frames_of_a_clip(length: int, most: int) -> None:
    frame, view = training_rows(length, views=1, most=most)
    index, valid = frame_index(np.array([length]), most)
    np.testing.assert_array_equal(frame, index[valid])
    assert not view.any()


@pytest.mark.parametrize(("axis", "shape"), [("view", (2, 3, 4)), ("object", (2, 12))])
def test_objects_lie_side_by_side_and_views_do_not(axis: str, shape: tuple[int, ...]) -> None:
    features = np.arange(24.0).reshape(2, 3, 4)
    seen = head_input(features, axis)
    assert seen.shape == shape
    np.testing.assert_array_equal(seen.ravel(), features.ravel())
