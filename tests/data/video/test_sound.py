"""Sound: the samples stand where the pictures' clock says."""

import numpy as np
import pytest
from shape_videos import RATE, numbered_pictures, write_video

from data.video.sound import _arrange, read_sound


def click(seconds, length=2.0):
    sound = np.zeros(int(length * RATE), np.float32)
    start = int(seconds * RATE)
    sound[start : start + 800] = 0.8 * np.sin(np.arange(800) * 0.4)
    return sound


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi", "a.mov"])
def test_a_click_is_heard_when_it_sounds(tmp_path, name):
    codec = {"codec": "mpeg4"} if name == "a.avi" else {}
    file = write_video(tmp_path / name, numbered_pictures(24), sound=click(1.25), **codec)
    sound = read_sound(file, RATE)
    assert sound is not None and sound.dtype == np.float32
    loud = np.flatnonzero(np.abs(sound) > 0.2) / RATE
    # An encoder's first frame of 64 ms is what AVI cannot tell apart from the sound.
    assert 1.24 < loud.min() < (1.25 + 0.07) and loud.max() < 1.40
    assert 0.6 < np.abs(sound).max() < 1.3  # lossy


def test_resampling_keeps_the_time(tmp_path):
    file = write_video(tmp_path / "a.mp4", numbered_pictures(24), sound=click(1.25))
    sound = read_sound(file, 8000)
    assert sound is not None
    assert np.flatnonzero(np.abs(sound) > 0.2).min() / 8000 == pytest.approx(1.25, abs=0.01)


def test_a_video_without_sound_has_none(tmp_path):
    assert read_sound(write_video(tmp_path / "a.mp4", numbered_pictures(5)), RATE) is None


def test_pieces_lie_where_their_times_say():
    pieces = [(-2, np.array([9.0, 9, 1])), (3, np.array([2.0, 3])), (1, np.array([7.0]))]
    assert _arrange(pieces).tolist() == [1, 7, 0, 2, 3]
    assert len(_arrange([])) == 0
