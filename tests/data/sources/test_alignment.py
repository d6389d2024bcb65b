"""Which frames of several streams are the same moments."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.sources.alignment import MisalignedError, align


def aligned(**streams: np.ndarray | int | list[float]) -> tuple[str, dict[str, list[int]]]:
    """Streams by their times, or without times by their number of frames."""
    times = {s: np.array(v, np.float32) for s, v in streams.items() if not isinstance(v, int)}
    lengths = {s: v if isinstance(v, int) else len(v) for s, v in streams.items()}
    reference, frames = align(lengths, times)
    return reference, {stream: rows.tolist() for stream, rows in frames.items()}


def test_without_times_frames_are_counted() -> None:
    assert aligned(a=3, b=3) == ("a", {"a": [0, 1, 2], "b": [0, 1, 2]})


def test_the_coarsest_stream_decides() -> None:
    fast, slow = np.arange(30) / 30, np.arange(10) / 10
    for streams in ({"a": fast, "b": slow}, {"b": slow, "a": fast}):
        reference, frames = aligned(**streams)
        assert reference == "b"
        assert frames == {"a": list(range(0, 30, 3)), "b": list(range(10))}


def test_a_stream_without_times_has_the_frames_of_the_coarsest() -> None:
    fast, slow = np.arange(30) / 30, np.arange(10) / 10
    assert aligned(a=fast, b=slow, c=10)[1]["c"] == list(range(10))
    with pytest.raises(MisalignedError, match="c has 30 frames and b has 10, and c has no times"):
        aligned(a=fast, b=slow, c=30)


def test_of_two_frames_equally_near_the_earlier_is_taken() -> None:
    assert aligned(a=[0, 0.5, 1, 1.5, 2], b=[0.25, 1.25, 2.25])[1]["a"] == [0, 2, 4]


def test_a_frame_more_at_the_end_is_left_out() -> None:
    reference, frames = aligned(a=np.arange(30) / 30, b=(np.arange(29) / 30).round(3))
    assert reference == "b" and frames["a"] == frames["b"] == list(range(29))


def test_a_single_frame_is_the_coarsest_stream() -> None:
    assert aligned(a=np.arange(30) / 30, b=[0.5])[1] == {"a": [15], "b": [0]}
    assert aligned(a=[2.0], b=[2.0])[1] == {"a": [0], "b": [0]}
    with pytest.raises(MisalignedError, match=r"2\.000 s from the nearest frame of"):
        aligned(a=[2.0], b=[4.0])


@pytest.mark.parametrize(
    ("streams", "words"),
    [
        ({"a": 3, "b": 4}, ["b has 4 frames and a has 3", "neither has times", "same frames"]),
        (
            {"a": np.arange(100) / 10, "b": np.arange(15) / 30},
            ["of stream a", "nearest frame of b", "15 frames, 0.000 to 0.467 s", "same part"],
        ),
        (
            {"a": np.arange(100) / 10, "b": np.arange(50) / 10},
            ["a goes on for more than 0.491 s where b has no frames", "0.000 to 9.900 s"],
        ),
        (
            {"a": [0, 1, 2, 3, 4], "b": [0, 0.1, 0.2, 0.3, 2, 3, 4]},
            ["frame 1 of stream a (1.000 s) is 0.700 s", "at most 0.501 s"],
        ),
        ({"a": [0, 2, 1], "b": [0, 1, 2]}, ["a: the times of its 3 frames", "frame 2 (1.000 s)"]),
    ],
)
def test_what_cannot_be_aligned(streams, words) -> None:
    with pytest.raises(MisalignedError) as error:
        aligned(**streams)
    for word in words:
        assert word in str(error.value)
    assert "\n" not in str(error.value)


@given(st.integers(2, 60), st.integers(1, 6), st.floats(0.5, 30), st.floats(-0.45, 0.45))
def test_every_moment_is_matched_within_half_an_interval(count, times, rate, shift) -> None:
    slow = np.arange(count) / rate
    fast = np.arange(count * times) / (rate * times) + shift / (rate * times)
    reference, frames = aligned(a=fast, b=slow)
    moments = {"a": fast, "b": slow}
    gap = np.abs(fast[frames["a"]] - moments["b"][frames["b"]])
    assert len(frames["a"]) == len(frames["b"]) == count
    assert reference == "b" or times == 1
    assert gap.max() <= 0.5 / rate + 2e-3
