"""From videos without labels to picked frames, through the command line and without a flag."""

import csv
import json
import re

import pytest
from apart import videos_in_this_process
from shape_videos import write_shape_videos

from frame_select_env import open_cache
from frame_select_env.command_line import main

GREY = ("--backbone", "own_backbones:grey@size=16")


@pytest.fixture(autouse=True)
def in_this_process():
    """See `videos_in_this_process`."""
    with videos_in_this_process():
        yield


def frame_select(*arguments):
    main([str(one) for one in arguments])


@pytest.fixture
def clips(tmp_path, monkeypatch):
    """Nine videos in one folder; it is the current folder's `clips`."""
    monkeypatch.chdir(tmp_path)
    for file in list(write_shape_videos(tmp_path / "clips", videos=9, stretches=2).rglob("*.mp4")):
        file.rename(tmp_path / "clips" / file.name)
    return tmp_path / "clips"


def test_a_flat_folder_from_extract_to_pick(clips, tmp_path, capsys):
    frame_select("extract", "clips", "clips.h5", *GREY)
    frame_select("inspect", "clips.h5")
    assert "9 in all, 6 train, 3 test" in capsys.readouterr().out
    frame_select("train", "--data", "clips.h5", "--out", "run")
    shown = capsys.readouterr().out
    assert "warning" not in shown and "frame-select evaluate run --data clips.h5" in shown
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["task"]["reward"] == "diversity_representativeness"
    with pytest.raises(SystemExit):
        frame_select("train", "--data", "clips.h5", "--agent", "soft-attention", "--out", "taught")
    (line,) = capsys.readouterr().err.strip().splitlines()[-1:]
    assert "training videos are unknown, and this agent learns from labels" in line
    assert not (tmp_path / "taught").exists()
    frame_select("evaluate", "run", "--data", "clips.h5")
    said = " ".join(capsys.readouterr().out.split())
    assert said.startswith("Whether selection helps cannot be measured") and "accuracy" not in said
    # As many frames by three rankings, and the mean reward of each.
    (table,) = re.findall("ranking kept reward (.*?) no references", said)
    for name in ("uniform", "random", "reinforce"):
        assert re.search(rf"\b{name} 8\.0 [+-]\d\.\d{{3}}", table), table
    assert "reward: the mean of diversity_representativeness, which says how well" in said
    page = (tmp_path / "run" / "evaluation.html").read_text()
    assert "still right" not in page and "true class" not in page and "<br>frame " in page
    with (tmp_path / "run" / "evaluation.csv").open(newline="") as file:
        row = next(one for one in csv.DictReader(file) if one["ranking"] == "reinforce")
    assert row["accuracy"] == row["gain"] == "" and float(row["mean_frames"]) > 0
    frame_select("pick", "run", "clips", "--out", "picked", "--trust-code")
    picked = json.loads((tmp_path / "picked" / "frames.json").read_text())["videos"]
    numbers = {one["video"]: one["video_metadata"]["frames_indices"] for one in picked}
    with (tmp_path / "run" / "predictions.csv").open(newline="") as file:
        rows = [one for one in csv.DictReader(file) if one["frames"] == "8"]
    assert len(rows) == 3
    for row in rows:
        assert row["label"] == row["p_c"] == ""
        assert [int(one) for one in row["source_frames"].split()] == numbers[f"{row['id']}.mp4"]


def test_a_single_video_from_extract_to_pick(clips, tmp_path, capsys):
    frame_select("extract", "clips/04.mp4", "one.h5", *GREY, "--num-frames", 8)
    assert open_cache("one.h5").ids.tolist() == ["04"]
    frame_select("train", "--data", "one.h5", "--out", "run", "--epochs", 1, "--patience", 0)
    shown = capsys.readouterr().out
    # T is 25 and m is 8, but the cache has 8 frames.
    warning = "warning: --target-frames 8, but videos have at most 8 frames: all are kept, nothing"
    assert warning in shown and "; --target-frames 4 selects half\n" in shown
    assert "saved in run; next: frame-select pick run VIDEO_OR_FOLDER --out picked\n" in shown
    with pytest.raises(SystemExit):
        frame_select("evaluate", "run", "--data", "one.h5")
    assert "one.h5: has no test videos to score; --split train" in capsys.readouterr().err
    frame_select("evaluate", "run", "--data", "one.h5", "--split", "train")
    frame_select("pick", "run", "clips/04.mp4", "--out", "picked", "--trust-code")
    frames = json.loads((tmp_path / "picked" / "frames.json").read_text())
    assert len(frames["files"]) == 8
