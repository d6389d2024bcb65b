"""extract: folders without classes, single videos, actor folders, and what is told of them."""

import sys
from pathlib import Path

import numpy as np
import pytest
from shape_videos import RATE, numbered_pictures, write_video

from data.__main__ import main
from data.extraction.pipeline import extract as extract_function
from data.extraction.shards import shards_folder
from frame_select_env import open_cache

SMALL = ("--backbone", "own_backbones:grey@size=16", "--num-frames", "4", "--thumbnail", "0")
pipeline = sys.modules[extract_function.__module__]


def extract(*arguments):
    main(["extract", *map(str, arguments)])


def write_videos(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_video(folder / name, numbered_pictures(10), fps=10)
    return folder


def told(capsys) -> str:
    """What was printed on standard error, in one line."""
    return " ".join(capsys.readouterr().err.split())


@pytest.fixture(scope="module")
def flat(tmp_path_factory):
    """Six videos and other files, no class folders."""
    folder = tmp_path_factory.mktemp("flat") / "clips"
    write_videos(folder, *(f"{number}.mp4" for number in range(6)))
    for name in ("a.txt", "b.txt", "c.TXT", ".DS_Store"):
        (folder / name).write_text("no video")
    return folder


def test_a_flat_folder_has_no_labels(flat, tmp_path, capsys):
    out = tmp_path / "out.h5"
    extract(flat, out, *SMALL)
    shown = capsys.readouterr()
    assert "note: ignored: 3 .txt, 1 .DS_Store\n" in shown.err
    assert "note: 6 videos, no class folders: labels unknown\n" in shown.err
    assert "warning" not in shown.err and "classifier" not in shown.err
    assert "6 videos, 24 frames\nlabels unknown; 4 train, 2 test\n" in shown.out
    cache = open_cache(out)
    assert cache.classes == ("video",) and set(cache.labels.tolist()) == {-1}
    assert (cache.predictions() == 1).all() and cache.head() is None
    assert cache.read_frames("number", [0], 4).tolist() == [[1, 3, 6, 8]]


def test_a_single_video(flat, tmp_path, capsys):
    extract(flat / "3.mp4", tmp_path / "out.h5", *SMALL)
    assert "note: 1 video, no class folders: labels unknown" in told(capsys)
    cache = open_cache(tmp_path / "out.h5")
    assert cache.ids.tolist() == ["3"] and cache.splits().tolist() == ["train"]
    assert cache.provenance["source"] == "3.mp4"


def test_actor_folders_are_groups_unless_overruled(tmp_path, capsys):
    names = [f"spk{s}/{action}/{n}.mp4" for s in "12" for action in ("golf", "run") for n in "ab"]
    videos, out = write_videos(tmp_path / "videos", *names), tmp_path / "out.h5"
    extract(videos, out, *SMALL, "--crossfit", "group")
    shown = told(capsys)
    assert "the folders golf, run are the classes, and spk1, spk2 are groups" in shown
    assert "by video: 2 groups cannot be kept whole (3 are needed)" in shown
    cache = open_cache(out)
    assert cache.classes == ("golf", "run")
    assert cache.groups.tolist() == [name.split("/")[0] for name in cache.ids]
    extract(videos, out, *SMALL, "--class-folders", "first", "--overwrite")
    assert open_cache(out).classes == ("spk1", "spk2") and open_cache(out).groups is None


@pytest.mark.parametrize("kind", ["absent", "zeros"])
def test_sound_that_is_silent_everywhere_is_warned_of(tmp_path, capsys, kind):
    sound = {"absent": None, "zeros": np.zeros(RATE, np.float32)}[kind]
    (tmp_path / "videos").mkdir()
    for name in "abc":
        write_video(tmp_path / "videos" / f"{name}.mp4", numbered_pictures(10), sound=sound)
    hear = ("--backbone", "sound=log-mel@bands=4", "--num-frames", 4, "--thumbnail", 0)
    extract(tmp_path / "videos", tmp_path / "out.h5", *hear)
    shown = told(capsys)
    assert (
        "warning: stream sound: no video has any sound" in shown and "no sound track" not in shown
    )
    tone = 0.3 * np.sin(np.arange(RATE) / 3).astype(np.float32)
    write_video(tmp_path / "videos" / "b.mp4", numbered_pictures(10), sound=tone)
    extract(tmp_path / "videos", tmp_path / "out.h5", *hear, "--overwrite")
    shown = told(capsys)
    assert "no video has any sound" not in shown
    assert ("2 of 3 videos have no sound track" in shown) == (kind == "absent")


@pytest.mark.parametrize(
    ("backbone", "words"),
    [
        ("resnet18@weights=IMAGENET1K_V9", "unknown weights 'IMAGENET1K_V9'; did you mean 'IMAG"),
        ("resnet18@weights=nowhere.safetensors", "nowhere.safetensors: no such file"),
        ("onnx:nowhere.onnx", "no such file"),
        ("own_backbones:gray", "cannot be imported: module 'own_backbones' has no attribute"),
        ("nowhere:grey", "cannot be imported: No module named 'nowhere'"),
        ("numpy:mean", "expected floats [1, D]"),
    ],
)
def test_backbones_are_checked_before_a_video_is_decoded(
    flat, tmp_path, failure, monkeypatch, backbone, words
):
    decoded = []
    monkeypatch.setattr(pipeline, "extract_video", lambda path, *_: decoded.append(path))
    asked = (f"a={SMALL[1]}", f"b={backbone}")
    line = failure("extract", flat, tmp_path / "out.h5", "--backbone", *asked)
    assert words in line and not decoded
    assert not shards_folder(tmp_path / "out.h5").exists()
