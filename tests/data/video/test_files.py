"""Video files below a folder, by id."""

import sys

import pytest

from data.video.files import find_videos, ignored_note
from frame_select_env.errors import FrameSelectError


def touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_ids_are_paths_without_suffix_in_order(tmp_path):
    touch(
        tmp_path,
        "b/z.mp4",
        "b/a.v2.AVI",
        "a b/ü 視.mkv",
        "b/notes.txt",
        "b/.hidden.mp4",
        ".x/a.mp4",
        "b/more.TXT",
        ".DS_Store",
        "README",
        "splits.csv",
    )
    videos = find_videos(tmp_path, tmp_path / "splits.csv")
    assert list(videos.files) == ["a b/ü 視", "b/a.v2", "b/z"]
    assert videos.files["b/a.v2"] == tmp_path / "b" / "a.v2.AVI"
    assert not videos.unusable
    assert ignored_note(videos) == "ignored: 2 .txt, 1 .DS_Store, 1 README, 1 hidden .mp4"


def test_a_file_is_a_video_of_its_name(tmp_path):
    touch(tmp_path, "a.b.mp4", "c.mp4")
    videos = find_videos(tmp_path / "a.b.mp4")
    assert videos.files == {"a.b": tmp_path / "a.b.mp4"} and not ignored_note(videos)


def test_of_two_files_with_one_id_the_first_counts_and_the_other_is_told(tmp_path):
    touch(tmp_path, "a/x.avi", "a/x.mp4", "a/y.mp4")
    videos = find_videos(tmp_path)
    assert videos.files["a/x"].name == "x.avi" and len(videos.files) == 2
    (line,) = videos.unusable
    assert "x.mp4" in line and "x.avi" in line and "rename" in line


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_a_name_that_is_no_text_is_told(tmp_path):
    touch(tmp_path, "a/x.mp4", "a/y\udcff.mp4")
    videos = find_videos(tmp_path)
    assert list(videos.files) == ["a/x"]
    (line,) = videos.unusable
    assert "'a/y\\udcff' is not valid UTF-8" in line


def test_a_folder_without_videos_is_an_error(tmp_path):
    touch(tmp_path, "a/x.txt")
    with pytest.raises(FrameSelectError, match=r"contains no video file .*\.mp4"):
        find_videos(tmp_path)
    with pytest.raises(FrameSelectError, match="nowhere: no such file or folder"):
        find_videos(tmp_path / "nowhere")
