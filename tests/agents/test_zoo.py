"""The zoo: agents that ship, by name, whole, and as good as its page says."""

import csv
import hashlib
import re
import shutil

import numpy as np
import pytest

from agents import Selector, zoo
from agents.__main__ import main
from agents.training.load import load_run
from agents.zoo import ZOO, digests, run_folder, writable_folder
from frame_select_env import FrameSelectError, open_cache

FILES = {"config.json", "inputs.h5", "model.safetensors"}


def test_every_file_below_the_zoo_has_a_digest_and_the_whole_is_small():
    folders = (path.parent.relative_to(ZOO) for path in ZOO.rglob("config.json"))
    assert {folder.as_posix() for folder in folders} == set(digests())
    total = 0
    for name, files in digests().items():
        assert set(files) == FILES
        for file, digest in files.items():
            content = (ZOO / name / file).read_bytes()
            assert hashlib.sha256(content).hexdigest() == digest
            total += len(content)
    assert total < 2_000_000


@pytest.mark.usefixtures("no_pictures")
def test_evaluate_finds_the_accuracy_on_the_page(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = (ZOO / "README.md").read_text(encoding="utf-8")
    stated = dict(re.findall(r"^\| `zoo:cues/(\S+)` \|(.*)\|$", page, re.M))
    names = [f"zoo:cues/{name}" for name in stated]
    assert set(names) == {f"zoo:{name}" for name in digests()}
    main(["evaluate", *names, "--data", "cues", "--frames", "8", "--resamples", "1"])
    with (tmp_path / "runs/zoo/cues/evaluation.csv").open(newline="") as file:
        rows = {(row["ranking"], row["frames"]): row for row in csv.DictReader(file)}
    for name, cells in stated.items():
        best, free = (rows[name, frames] for frames in ("8", "free"))
        figures = (
            *(100 * float(row["accuracy"]) for row in (best, free)),
            float(free["mean_frames"]),
        )
        assert cells.split("|")[-3:] == [f" {figure:.1f} " for figure in figures]
    everything = 100 * float(rows["all", "all"]["accuracy"])
    assert f"all frames together predict {everything:.1f} %" in page


def test_a_run_is_loaded_by_name():
    cache = open_cache("cues")
    run = load_run("zoo:cues/reinforce", cache)
    clips = cache.read(cache.rows("test")[:3])
    by_path = load_run(ZOO / "cues" / "reinforce", cache).agent.scores(clips)
    np.testing.assert_array_equal(run.agent.scores(clips), by_path)
    assert run.name == "reinforce" and Selector.load("zoo:cues/dqn").classes == cache.classes


def test_an_unknown_name_and_a_changed_file_are_refused(tmp_path, monkeypatch):
    with pytest.raises(FrameSelectError, match=r"unknown run 'zoo:cues/renforce'; did you mean"):
        run_folder("zoo:cues/renforce")
    shutil.copytree(ZOO, tmp_path / "zoo")
    monkeypatch.setattr(zoo, "ZOO", tmp_path / "zoo")
    file = tmp_path / "zoo/cues/ppo/config.json"
    assert run_folder("zoo:cues/ppo") == file.parent
    file.write_bytes(file.read_bytes() + b" ")
    with pytest.raises(FrameSelectError, match=r"ppo/config.json: is not the published file"):
        run_folder("zoo:cues/ppo")
    assert run_folder("cues/ppo").as_posix() == "cues/ppo"  # a path


def test_a_copy_is_made_once_and_made_whole_again(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    copy = writable_folder("zoo:cues/dqn")
    assert copy.as_posix() == "runs/zoo/cues/dqn" and {one.name for one in copy.iterdir()} == FILES
    (copy / "config.json").write_text("{}")
    before = (copy / "model.safetensors").stat().st_mtime_ns
    assert writable_folder("zoo:cues/dqn") == copy
    assert (copy / "config.json").read_bytes() == (ZOO / "cues/dqn/config.json").read_bytes()
    assert (copy / "model.safetensors").stat().st_mtime_ns == before
    assert writable_folder(tmp_path / "mine") == tmp_path / "mine"


def test_pick_says_that_such_a_run_has_no_backbone():
    with pytest.raises(FrameSelectError, match=r"imported features \(scikit-learn digits"):
        Selector.load("zoo:cues/reinforce").pick("new.mp4")
