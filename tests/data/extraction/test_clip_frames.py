"""Windows: which frames a clip is made of, and clips out of one pass."""

import weakref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.extraction.one_video import clip_frames, collect
from data.video.timeline import Timeline


def timeline(seconds):
    return Timeline(np.array(seconds, float), None, np.zeros(len(seconds), np.int64))


CONSTANT = timeline(np.arange(100) / 25)


@pytest.mark.parametrize(
    ("frames", "fps", "clip"),
    [
        (1, 0.0, [50]),
        (6, 0.0, [48, 49, 50, 51, 52, 53]),  # five flows: two before the frame, three after
        (1, 15.0, [50]),
        (4, 12.5, [47, 49, 51, 53]),  # every second frame of 25 a second, evenly to both sides
        (5, 5.0, [40, 45, 50, 55, 60]),
        (3, 50.0, [49, 50, 50]),  # faster than the video: what is on the screen
    ],
)
def test_frames_of_the_clip_around_frame_50(frames, fps, clip):
    assert clip_frames(CONSTANT, np.array([50]), frames, fps).tolist() == [clip]


def test_at_the_ends_the_first_and_last_frame_repeat():
    assert clip_frames(CONSTANT, np.array([0, 99]), 4, 0.0).tolist() == [
        [0, 0, 1, 2],
        [98, 99, 99, 99],
    ]
    assert clip_frames(CONSTANT, np.array([0, 99]), 3, 12.5).tolist() == [[0, 0, 2], [97, 99, 99]]


def test_a_clip_of_a_variable_rate_is_even_in_time():
    uneven = timeline([0, 0.1, 0.2, 1.0, 2.0])
    assert clip_frames(uneven, np.array([3]), 5, 2.0).tolist() == [[0, 2, 3, 3, 4]]


@given(
    sampled=st.sets(st.integers(0, 29), min_size=1, max_size=12).map(sorted),
    clips=st.lists(st.tuples(st.integers(1, 7), st.sampled_from([0.0, 3.0, 25.0])), min_size=1),
    batch=st.integers(1, 5),
)
def test_collected_clips_are_the_frames_of_their_windows(sampled, clips, batch):
    timeline_ = timeline(np.arange(30) / 25)
    windows = {
        str(place): clip_frames(timeline_, np.array(sampled), *clip)
        for place, clip in enumerate(clips)
    }
    for window in windows.values():
        assert (np.diff(window, axis=0) >= 0).all() and (np.diff(window, axis=1) >= 0).all()
    wanted = np.unique(np.concatenate([window.ravel() for window in windows.values()]))
    given_ = (
        (n, [np.full((2, 2, 3), n, np.uint8), np.full((1, 1, 3), n + 100, np.uint8)])
        for n in wanted.tolist()
    )
    sizes = {consumer: int(consumer) % 2 for consumer in windows}
    got = {consumer: [] for consumer in windows}
    for consumer, made in collect(given_, windows, sizes, batch):
        size = sizes[consumer]
        assert 1 <= len(made) <= batch and made.shape[2:] == ((2, 2, 3), (1, 1, 3))[size]
        got[consumer].append(made[..., 0, 0, 0] - 100 * size)
    for consumer, window in windows.items():
        np.testing.assert_array_equal(np.concatenate(got[consumer]), window)
        assert all(len(made) == batch for made in got[consumer][:-1])


def test_frames_are_held_no_longer_than_a_clip_needs_them():
    class Picture(np.ndarray):
        """One that can be watched."""

    made = []

    def pictures():
        for number in range(300):
            picture = np.zeros((2, 2, 3), np.uint8).view(Picture)
            made.append(weakref.ref(picture))
            yield number, [picture]
            del picture
            assert sum(seen() is not None for seen in made) <= 4 + 1

    windows = {"a": np.arange(297)[:, None] + np.arange(4)}
    assert sum(len(clips) for _, clips in collect(pictures(), windows, {"a": 0}, batch=1)) == 297
