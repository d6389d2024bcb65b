"""Files that are no videos, or broken ones: one line that names the file and what is wrong."""

import numpy as np
import pytest
from shape_videos import number_of, numbered_pictures, write_video

from data.video.files import VideoError
from data.video.frames import read_sizes
from data.video.timeline import MisnamedError, count_frames, read_timeline


def text(path):
    path.write_text("this is not a video\n" * 100)


def empty(path):
    path.touch()


def end_missing(path):
    """As a download that broke off: the index stands at the end, and is lost."""
    write_video(path, numbered_pictures(40))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def frames_missing(path):
    """The index stands first here, and outlives the frames."""
    write_video(path, numbered_pictures(40), options={"movflags": "faststart"})
    path.write_bytes(path.read_bytes()[:-300])


def audio_only(path):
    write_video(path, numbered_pictures(0), sound=np.zeros(16000, np.float32), pictures_too=False)


def no_frames(path):
    write_video(path, numbered_pictures(0, 48, 64), sound=np.zeros(16000, np.float32))


def one_pixel(path):
    write_video(path, numbered_pictures(5, 1, 1), codec="ffv1", pixels="bgr0")


def a_line(path):
    write_video(path, numbered_pictures(5, 8, 640))


@pytest.mark.parametrize(
    ("make", "name", "words"),
    [
        (text, "a.mp4", "cannot be decoded: Invalid data"),
        (empty, "a.mp4", "cannot be decoded: Invalid data"),
        (end_missing, "a.mp4", "cannot be decoded: Invalid data"),
        (frames_missing, "a.mp4", "is truncated"),
        (audio_only, "a.mp4", "has no video track, only sound"),
        (no_frames, "a.mkv", "has no frames"),
        (one_pixel, "a.mkv", "1 x 1 pixels"),
        (a_line, "a.mp4", "640 x 8 pixels"),
    ],
)
def test_one_line_names_the_file_and_the_fault(tmp_path, make, name, words):
    path = tmp_path / "a folder with spaces, and ümläuts 視頻" / name
    path.parent.mkdir()
    make(path)
    with pytest.raises(VideoError) as error:
        timeline = read_timeline(path)
        list(read_sizes(path, timeline, np.arange(len(timeline)), [64]))
    assert words in str(error.value) and str(path) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["a.mp4", "a.avi", "a.mkv"])
def test_damage_in_the_middle_moves_no_frame_to_another_number(tmp_path, name):
    path = write_video(tmp_path / name, numbered_pictures(50), codec="mpeg4")
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 400] = bytes(400)
    path.write_bytes(data)
    came = []
    try:
        timeline = read_timeline(path)
        for number, (picture,) in read_sizes(path, timeline, np.arange(len(timeline)), [None]):
            came.append((number, number_of(picture)))
    except (VideoError, MisnamedError):
        pass  # told; what came before it must be right all the same
    else:
        assert [number for number, _ in came] == list(range(len(timeline)))
    early = came[:12]  # before the damage
    assert early
    assert early == [(number, number) for number in range(len(early))]


def test_a_timeline_told_by_decoding_that_does_not_hold_is_an_error(tmp_path):
    path = write_video(tmp_path / "a.avi", numbered_pictures(20), codec="mpeg4")
    counted = count_frames(path)
    short = write_video(tmp_path / "b.avi", numbered_pictures(10), codec="mpeg4")
    with pytest.raises(VideoError, match="ends before frame 15 of 20"):
        list(read_sizes(short, counted, np.array([3, 15]), [None]))
    with pytest.raises(MisnamedError):
        list(read_sizes(short, read_timeline(path), np.array([3, 15]), [None]))
