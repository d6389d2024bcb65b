"""frame-select pick, through its command line: what it writes, skips, refuses and resumes."""

import csv
import json
import re
import shutil
from importlib import import_module

import numpy as np
import pytest
from PIL import Image
from shape_videos import number_of, numbered_pictures, write_video

from agents.__main__ import main
from agents.commands import pick as command
from agents.picking.selector import Selector
from data.engine import run_apart
from data.video.files import VideoError

NAMES = ("a.mp4", "deep/er/b.mkv", "e.ts")


def pick(*arguments):
    main(["pick", *map(str, arguments)])


def refused(capsys, *arguments):
    """The last line of a command that exits with 2."""
    with pytest.raises(SystemExit) as exit_:
        pick(*arguments)
    assert exit_.value.code == 2
    return capsys.readouterr().err.strip().splitlines()[-1]


def read(folder):
    """frames.json, and the rows of frames.csv."""
    with (folder / "frames.csv").open(newline="") as file:
        return json.loads((folder / "frames.json").read_text()), list(csv.DictReader(file))


def two_of(videos, folder):
    """A new folder with copies of two of the videos."""
    folder.mkdir()
    for name in ("a.mp4", "e.ts"):
        shutil.copy(videos / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    """Videos of 30 frames that show their numbers."""
    folder = tmp_path_factory.mktemp("new")
    for name in NAMES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_video(folder / name, numbered_pictures(30), fps=10)
    return folder


@pytest.fixture(scope="module")
def picked(trained, videos, tmp_path_factory):
    out = tmp_path_factory.mktemp("picked") / "out"
    pick(trained.run, videos, "--frames", 4, "--out", out)
    return out


def test_pictures_and_tables_of_a_folder_tell_the_same_frames(picked):
    content, rows = read(picked)
    assert [entry["video"] for entry in content["videos"]] == list(NAMES)
    assert len(rows) == 4 * len(NAMES)
    for row in rows:
        number = int(row["frame"])
        assert number_of(np.asarray(Image.open(picked / row["file"]))) == number
        assert float(row["seconds"]) == pytest.approx(number / 10, abs=2e-3)
        assert row["predicted"] in ("bar", "disc", "ring") and 0 < float(row["probability"]) <= 1
    for entry in content["videos"]:
        assert entry["video_metadata"]["total_num_frames"] == 30
        assert entry["video_metadata"]["fps"] == pytest.approx(10, rel=1e-3)
        assert entry["video_metadata"]["duration"] == pytest.approx(3, rel=1e-3)
        own, own_rows = read(picked / entry["video"].rpartition(".")[0])
        assert own["files"] == ["000.png", "001.png", "002.png", "003.png"]
        assert own["scores"] == entry["scores"] and len(own_rows) == 4
    left = [path.name for path in picked.rglob(".*")]
    assert left == []


def test_a_single_video_is_written_into_the_folder_itself(
    trained, videos, tmp_path, picked, capsys
):
    pick(trained.run, videos / "a.mp4", "--frames", 4, "--out", tmp_path / "one")
    content, rows = read(tmp_path / "one")
    shown = capsys.readouterr().out
    for row in rows:  # as a player counts
        assert re.search(rf" {row['file']} .* 0:0{float(row['seconds']):.3f} ", shown)
    assert content["seconds"] == read(picked / "a")[0]["seconds"]
    assert [row["video"] for row in rows] == ["a.mp4"] * 4
    names = {"000.png", "001.png", "002.png", "003.png", "frames.csv", "frames.json"}
    assert {path.name for path in (tmp_path / "one").iterdir()} == names


def test_a_variable_rate_has_its_true_times(trained, tmp_path):
    times = np.array([0, 40, 80, 1000, 1500, 2300, 2340, 4000])
    video = write_video(tmp_path / "v.mkv", numbered_pictures(8), times=times)
    pick(trained.run, video, "--frames", 6, "--out", tmp_path / "out")
    content, rows = read(tmp_path / "out")
    numbers = [int(row["frame"]) for row in rows]
    assert content["seconds"] == [times[number] / 1000 for number in numbers]
    assert numbers == [
        number_of(np.asarray(Image.open(tmp_path / "out" / r["file"]))) for r in rows
    ]
    metadata = content["video_metadata"]
    assert metadata["fps"] == pytest.approx(7 / 4, abs=1e-6)  # on average
    # What transformers' video processors are given beside the pictures.
    read_by = import_module("transformers.video_utils").VideoMetadata(**metadata)
    assert read_by.frames_indices == numbers and read_by.total_num_frames == 8
    assert read_by.sampled_fps == pytest.approx(6 / 8 * 7 / 4)


def test_one_broken_video_is_one_line_and_the_others_are_done(trained, videos, tmp_path, capsys):
    folder = two_of(videos, tmp_path / "videos")
    (folder / "b.mp4").write_text("no video")
    shutil.copy(videos / "a.mp4", folder / "e.mp4")
    with pytest.raises(SystemExit) as exit_:
        pick(trained.run, folder, "--frames", 2, "--out", tmp_path / "out")
    assert exit_.value.code == 2
    shown = capsys.readouterr()
    lines = [line for line in shown.err.splitlines() if line.startswith("python -m agents pick: ")]
    assert len(lines) == 2
    assert "b.mp4: cannot be decoded" in lines[0] and "e.ts: has the same id" in lines[1]
    assert "4 frames of 2 videos" in shown.out
    content, _ = read(tmp_path / "out")
    assert [entry["video"] for entry in content["videos"]] == ["a.mp4", "e.mp4"]
    assert not (tmp_path / "out" / "b").exists()


def test_a_decoder_that_crashes_costs_one_video(
    hidden_layer, videos, tmp_path, capsys, monkeypatch
):
    folder, out = two_of(videos, tmp_path / "new"), tmp_path / "out"
    write_video(folder / "white.mp4", np.full((12, 48, 64, 3), 255, np.uint8))
    asked = (hidden_layer.run, folder, "--frames", 2, "--out", out)
    assert "names code to run: own_backbones" in refused(capsys, *asked)
    assert not out.exists()
    monkeypatch.setattr(command, "run_apart", run_apart)
    line = refused(capsys, *asked, "--trust-code")
    assert line.endswith("white.mp4: its process died (SIGSEGV)")
    assert [entry["video"] for entry in read(out)[0]["videos"]] == ["a.mp4", "e.ts"]
    assert not (out / "white").exists()


def test_what_is_finished_is_skipped_and_what_changed_is_picked_again(
    trained, videos, tmp_path, capsys, monkeypatch
):
    folder, out = two_of(videos, tmp_path / "videos"), tmp_path / "out"
    seen, whole = [], Selector.pick

    def listen(self, video, frames=None):
        if len(seen) == 1 and not (out / "e").exists():
            seen.append("interrupted")
            raise KeyboardInterrupt
        seen.append(video.name)
        return whole(self, video, frames)

    monkeypatch.setattr(Selector, "pick", listen)
    asked = (trained.run, folder, "--frames", 2, "--out", out)
    with pytest.raises(SystemExit) as exit_:
        pick(*asked)
    assert exit_.value.code == 130
    assert "rerun the command; finished videos are skipped" in capsys.readouterr().err
    assert not (out / "frames.json").exists()
    pick(*asked)
    assert "1 finished video skipped" in capsys.readouterr().out
    assert seen == ["a.mp4", "interrupted", "e.ts"] and len(read(out)[1]) == 4
    shutil.copy(videos / "e.ts", folder / "a.mp4")  # another file of that name
    pick(*asked)
    assert seen[3:] == ["a.mp4"]
    line = refused(capsys, trained.run, folder, "--frames", 3, "--out", out)
    assert "a: holds 2 frames of a.mp4" in line and "--overwrite" in line
    pick(trained.run, folder, "--frames", 1, "--out", out, "--overwrite")
    assert len(read(out)[1]) == 2 and not (out / "a" / "001.png").exists()


def test_folders_of_other_things_are_left_alone(trained, videos, picked, tmp_path, capsys):
    (tmp_path / "000.png").write_text("mine")
    line = refused(capsys, trained.run, videos / "a.mp4", "--out", tmp_path)
    assert "is not an empty folder" in line
    assert (tmp_path / "000.png").read_text() == "mine"
    line = refused(capsys, trained.run, videos / "a.mp4", "--out", picked)
    assert "holds frames of a folder of videos" in line
    line = refused(capsys, trained.run, tmp_path / "none.mp4", "--out", tmp_path / "out")
    assert "none.mp4: no such file or folder" in line
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "frames.json").write_text("{}")
    line = refused(capsys, trained.run, videos / "a.mp4", "--out", tmp_path / "out")
    assert "frames.json: was not written by this version" in line


def test_a_frame_that_cannot_be_decoded_leaves_nothing(trained, videos, tmp_path, monkeypatch):
    def fails(*arguments):
        yield 0, [np.zeros((8, 8, 3), np.uint8)]
        raise VideoError("a.mp4: frame 3 is damaged")

    monkeypatch.setattr("agents.picking.selection.read_sizes", fails)
    with pytest.raises(SystemExit):
        pick(trained.run, videos / "a.mp4", "--out", tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == []
