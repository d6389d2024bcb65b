"""Timelines: how many frames there are and when each is shown, told by packets alone."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shape_videos import numbered_pictures, write_video

from data.video.timeline import Timeline, count_frames, read_timeline


def timeline(seconds):
    return Timeline(np.array(seconds, float), None, np.zeros(len(seconds), np.int64))


CONTAINERS = [
    ("a.mp4", {}),
    ("a.mov", {"between": 0}),
    ("a.mkv", {}),
    ("a.ts", {}),
    ("a.flv", {}),
    ("a.webm", {"codec": "libvpx-vp9"}),
    ("a.avi", {"codec": "mpeg4"}),
    ("a.avi", {}),  # H.264 with B-frames, whose order of showing AVI cannot tell
]


@pytest.mark.parametrize(("name", "how"), CONTAINERS)
def test_every_container_tells_all_frames_a_constant_step_apart(tmp_path, name, how):
    fps = 10
    file = write_video(tmp_path / name, numbered_pictures(30), fps=fps, **how)
    told = read_timeline(file)
    assert len(told) == 30
    np.testing.assert_allclose(np.diff(told.seconds), 1 / fps, atol=2e-3)  # Matroska counts ms
    assert abs(told.seconds[0]) < 2 / fps  # the container's clock may start a frame earlier
    counted = count_frames(file)
    assert len(counted) == 30
    np.testing.assert_allclose(np.diff(counted.seconds), 1 / fps, atol=2e-3)


def test_times_of_a_variable_rate_are_exact(tmp_path):
    times = np.array([0, 40, 80, 1000, 1015, 1500, 3000])
    file = write_video(tmp_path / "v.mkv", numbered_pictures(7), times=times)
    np.testing.assert_allclose(read_timeline(file).seconds, times / 1000, atol=1e-9)


def test_decoding_can_start_at_every_keyframe(tmp_path):
    file = write_video(tmp_path / "k.mp4", numbered_pictures(25), keyframes=10)
    told = read_timeline(file)
    assert told.key.tolist() == [0] * 10 + [10] * 10 + [20] * 5


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_large_file_is_not_held_in_memory(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (1, 480, 640, 3)).astype(np.uint8)
    many = np.broadcast_to(noise, (150, *noise.shape[1:]))
    file = write_video(tmp_path / "raw.mkv", many, codec="rawvideo")
    size = file.stat().st_size
    assert size > 60e6
    # In a process of its own: the peak of this one may have been higher before.
    code = (
        "import sys, pathlib, data.video.timeline as t\n"
        "peak = lambda: int(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])\n"
        "before = peak(); t.read_timeline(pathlib.Path(sys.argv[1])); print(peak() - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, file], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) * 1024 < size / 4


def test_avi_is_counted_and_not_named(tmp_path):
    told = read_timeline(write_video(tmp_path / "a.avi", numbered_pictures(5), codec="mpeg4"))
    assert told.pts is None and not told.decoded


def test_shown_at_is_the_frame_on_the_screen():
    told = timeline([0.0, 0.5, 2.0])
    assert told.shown_at(np.array([-1, 0, 0.49, 0.5, 1.99, 2, 9])).tolist() == [0, 0, 0, 1, 1, 2, 2]


@given(st.lists(st.floats(0.001, 2), min_size=1, max_size=20))
def test_a_frame_is_on_the_screen_at_its_own_time(steps):
    told = timeline(np.cumsum(steps))
    assert told.shown_at(told.seconds).tolist() == list(range(len(steps)))
