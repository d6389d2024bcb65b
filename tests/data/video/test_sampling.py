"""Sampling: T frames as the design says, or all at a rate."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.video.timeline import Sampling, Timeline


def timeline(seconds):
    return Timeline(np.array(seconds, float), None, np.zeros(len(seconds), np.int64))


def test_each_frame_is_the_middle_of_its_share():
    numbers = Sampling(num_frames=4).numbers(timeline(np.arange(10) / 10))
    assert numbers.tolist() == [1, 3, 6, 8]  # floor((t + 1/2) 10 / 4)


def test_a_shorter_video_gives_all_its_frames():
    assert Sampling(num_frames=25).numbers(timeline([0, 1, 2])).tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("seconds", "fps", "numbers"),
    [
        (np.arange(50) / 25, 5, list(range(0, 50, 5))),
        (np.arange(10) / 5, 25, list(range(10))),  # no frame twice
        (np.arange(30) / 30, 12, [0, 2, 5, 7, 10, 12, 15, 17, 20, 22, 25, 27]),
        ([0, 0.04, 0.08, 1.0, 2.5], 2, [0, 2, 3, 4]),  # a variable rate: what is on the screen
        ([7.0], 5, [0]),
        (3 + np.arange(50) / 25, 1, [0, 25]),  # the first frame, whenever it is shown
    ],
)
def test_frames_at_a_rate_are_those_on_the_screen(seconds, fps, numbers):
    assert Sampling(fps=fps).numbers(timeline(seconds)).tolist() == numbers


@pytest.mark.parametrize(
    ("frames", "every", "numbers"),
    [(10, 4, [0, 4, 8]), (9, 4, [0, 4, 8]), (8, 4, [0, 4]), (3, 1, [0, 1, 2]), (3, 5, [0])],
)
def test_every_nth_frame_from_the_first(frames, every, numbers):
    assert Sampling(every=every).numbers(timeline(np.arange(frames) / 7)).tolist() == numbers


@given(
    st.lists(st.floats(0.01, 3), min_size=1, max_size=40),
    st.one_of(
        st.builds(Sampling, st.integers(1, 50)),
        st.builds(Sampling, fps=st.floats(0.1, 60)),
        st.builds(Sampling, every=st.integers(1, 50)),
    ),
)
def test_numbers_increase_and_exist(steps, sampling):
    numbers = sampling.numbers(timeline(np.cumsum(steps)))
    assert len(numbers) >= 1
    assert (np.diff(numbers) > 0).all()
    assert numbers[0] >= 0 and numbers[-1] < len(steps)
