"""Frames: read by number in one pass, whichever way the file has to be read."""

import struct

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shape_videos import number_of, numbered_pictures, write_video

from data.video import frames as module
from data.video.frames import read_sizes
from data.video.timeline import count_frames, read_timeline

CONTAINERS = [
    ("a.mp4", {}),
    ("a.mkv", {"keyframes": 5}),
    # Frames that are shown before a keyframe and decoded after it lean on what lies before both.
    ("a.mp4", {"keyframes": 16, "encoder": {"x264-params": "open-gop=1:bframes=3:scenecut=0"}}),
    (
        "a.mp4",
        {"codec": "libx265", "encoder": {"x265-params": "keyint=16:open-gop=1:log-level=none"}},
    ),
    ("a.mkv", {"keyframes": 100}),
    ("a.ts", {}),
    ("a.flv", {}),
    ("a.webm", {"codec": "libvpx-vp9"}),
    ("a.webm", {"codec": "libvpx"}),
    ("a.avi", {"codec": "mpeg4"}),
    ("a.avi", {}),
    ("a.mpg", {"codec": "mpeg1video", "fps": 25}),
]


def read_frames(file, timeline, wanted, side=None, threads=1):
    for number, (picture,) in read_sizes(file, timeline, wanted, [side], threads):
        yield number, picture


def numbers(file, wanted, timeline=None, **options):
    frames = read_frames(file, timeline or read_timeline(file), np.array(wanted), **options)
    return [(number, number_of(picture)) for number, picture in frames]


@pytest.mark.parametrize(("name", "how"), CONTAINERS)
def test_the_wanted_frames_come_in_order(tmp_path, name, how):
    file = write_video(tmp_path / name, numbered_pictures(50), **how)
    wanted = [0, 1, 7, 24, 25, 48, 49]
    assert numbers(file, wanted) == [(n, n) for n in wanted]
    assert numbers(file, [31]) == [(31, 31)]


@pytest.fixture(scope="module")
def dense(tmp_path_factory):
    file = tmp_path_factory.mktemp("dense") / "dense.mp4"
    return write_video(file, numbered_pictures(50), keyframes=3)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(wanted=st.sets(st.integers(0, 49), min_size=1).map(sorted), jump=st.integers(-1, 20))
def test_any_frames_are_the_same_with_jumps_and_without(dense, wanted, jump):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "JUMP", jump)
        assert numbers(dense, wanted) == [(n, n) for n in wanted]
    assert numbers(dense, wanted, count_frames(dense)) == [(n, n) for n in wanted]


def test_far_frames_are_reached_without_decoding_what_lies_between(tmp_path, monkeypatch):
    decoded = []
    by_time = module._by_time

    def counting(container, track, timeline, wanted):
        class Counted:
            seek = staticmethod(container.seek)

            @staticmethod
            def decode(track):
                for frame in container.decode(track):
                    decoded.append(frame)
                    yield frame

        return by_time(Counted, track, timeline, wanted)

    monkeypatch.setattr(module, "_by_time", counting)
    for keyframes, most in ((5, 25), (100, 50)):
        file = write_video(
            tmp_path / f"{keyframes}.mp4", numbered_pictures(50), keyframes=keyframes
        )
        decoded.clear()
        assert len(numbers(file, [2, 25, 49])) == 3
        assert len(decoded) <= most
    assert len(decoded) == 50


def test_threads_change_nothing(tmp_path):
    file = write_video(tmp_path / "a.mp4", numbered_pictures(50))
    timeline = read_timeline(file)
    one = list(read_frames(file, timeline, np.arange(50), threads=1))
    all_ = list(read_frames(file, timeline, np.arange(50), threads=0))
    for (_, a), (_, b) in zip(one, all_, strict=True):
        np.testing.assert_array_equal(a, b)


def hide(file, hidden, number):
    """Copy a VP8 file with one frame that is decoded and not shown, as its encoders write them."""
    with av.open(str(file)) as shown, av.open(str(hidden), "w") as out:
        track = shown.streams.video[0]
        copied = out.add_stream_from_template(track)
        for place, packet in enumerate(p for p in shown.demux(track) if p.size):
            data = bytearray(bytes(packet))
            if place == number:
                data[0] &= ~0x10  # show_frame (RFC 6386, section 9.1)
            again = av.Packet(bytes(data))
            again.pts, again.dts, again.time_base = packet.pts, packet.pts, packet.time_base
            again.is_keyframe = packet.is_keyframe
            again.stream = copied
            out.mux(again)
    return hidden


def test_packets_without_a_picture_are_noticed(tmp_path):
    """The frames that VP8 hides are packets like others: only decoding tells them."""
    whole = write_video(tmp_path / "whole.webm", numbered_pictures(50), codec="libvpx")
    file = hide(whole, tmp_path / "hidden.webm", 20)
    timeline, counted = read_timeline(file), count_frames(file)
    assert (len(timeline), len(counted)) == (50, 49)
    with pytest.raises(module.MisnamedError):
        list(read_frames(file, timeline, np.arange(50)))
    shown = [*range(20), *range(21, 50)]
    assert numbers(file, range(49), counted) == list(enumerate(shown))


def test_colours_are_red_green_blue_and_the_shape_is_kept(tmp_path):
    pictures = np.zeros((3, 48, 64, 3), np.uint8)
    pictures[:, :, :32] = (200, 40, 40)
    pictures[:, :, 32:] = (40, 40, 200)
    file = write_video(tmp_path / "a.mp4", pictures)
    ((_, picture),) = read_frames(file, read_timeline(file), np.array([1]))
    assert picture.shape == (48, 64, 3) and picture.dtype == np.uint8
    np.testing.assert_allclose(picture[10, 5], (200, 40, 40), atol=12)
    np.testing.assert_allclose(picture[10, 60], (40, 40, 200), atol=12)
    ((_, small),) = read_frames(file, read_timeline(file), np.array([1]), side=24)
    assert small.shape == (24, 32, 3)
    np.testing.assert_allclose(small[10, 2], (200, 40, 40), atol=12)


def test_pixels_that_are_not_square_become_so(tmp_path):
    file = write_video(tmp_path / "a.mp4", numbered_pictures(3), aspect=2)
    ((_, picture),) = read_frames(file, read_timeline(file), np.array([1]), side=24)
    assert picture.shape == (24, 64, 3)


@pytest.mark.parametrize(
    ("matrix", "corner"),
    [
        ((0, 1, -1, 0), (slice(0, 20), slice(-12, None))),  # a quarter to the right: portrait
        ((-1, 0, 0, -1), (slice(-12, None), slice(-20, None))),  # upside down
        ((0, -1, 1, 0), (slice(-20, None), slice(0, 12))),  # a quarter to the left
    ],
)
def test_telephones_pictures_are_turned_upright(tmp_path, matrix, corner):
    pictures = np.full((3, 48, 64, 3), 30, np.uint8)
    pictures[:, :20, :20] = 220  # top left as stored
    file = write_video(tmp_path / "a.mp4", pictures)
    data = bytearray(file.read_bytes())
    at = data.index(b"tkhd") + 4 + 40  # the track header's matrix, version 0
    a, b, c, d = (value * 65536 for value in matrix)
    struct.pack_into(">9i", data, at, a, b, 0, c, d, 0, 0, 0, 1 << 30)
    file.write_bytes(data)
    ((_, picture),) = read_frames(file, read_timeline(file), np.array([1]))
    quarter = matrix[0] == 0
    assert picture.shape == ((64, 48, 3) if quarter else (48, 64, 3))
    assert picture[corner].mean() > 150
    assert picture.mean() < 80
