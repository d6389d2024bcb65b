"""The zoo: agents that ship, by name, whole, and as good as its page says."""

import csv
import dataclasses
import hashlib
import json
import re
import shutil

import numpy as np
import pytest

from agents import Selector, zoo
from agents.__main__ import main
from agents.suite.tasks import CORPORA, TASKS
from agents.training.load import load_run
from agents.zoo import ZOO, digests, run_folder, writable_folder
from frame_select_env import FrameSelectError, open_cache

FILES = {"config.json", "inputs.h5", "model.safetensors"}
PAGE = (ZOO / "README.md").read_text(encoding="utf-8")


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
    assert total < 6_000_000


def rows_of_the_page():
    """Name of a run -> its cells, from the right: frames, own choice, best frames, ..."""
    found = re.findall(r"^\| `zoo:(\S+)` \|(.*)\|$", PAGE, re.M)
    return {name: [cell.strip() for cell in cells.split("|")][::-1] for name, cells in found}


def test_every_run_is_on_the_page():
    assert set(rows_of_the_page()) == set(digests())


@pytest.mark.usefixtures("no_pictures")
@pytest.mark.parametrize(
    ("folder", "data", "frames"),
    [
        ("cues", "cues", 8),
        ("digits", "digits", 8),
        ("context", "cues", 3),
        ("set-judge", "cues", 3),
    ],
)
def test_evaluate_finds_the_accuracy_on_the_page(tmp_path, monkeypatch, folder, data, frames):
    monkeypatch.chdir(tmp_path)
    stated = {
        name: row for name, row in rows_of_the_page().items() if name.startswith(f"{folder}/")
    }
    names = [f"zoo:{name}" for name in stated]
    main(["evaluate", *names, "--data", data, "--frames", str(frames), "--resamples", "1"])
    (path,) = (tmp_path / "runs/zoo").rglob("evaluation.csv")
    with path.open(newline="") as file:
        rows = {(row["ranking"], row["frames"]): row for row in csv.DictReader(file)}
    everything = f"{100 * float(rows['all', 'all']['accuracy']):.1f}"
    for name, cells in stated.items():
        best, free = (rows[name.partition("/")[2], m] for m in (str(frames), "free"))
        figures = (free["mean_frames"], *(100 * float(row["accuracy"]) for row in (free, best)))
        assert cells[:3] == [f"{float(figure):.1f}" for figure in figures]
        if folder in TASKS:
            assert cells[3:5] == [everything, str(frames)]
    if folder not in TASKS:
        assert f"All frames together predict {everything} %" in PAGE


def test_runs_of_the_suite_are_trained_for_its_tasks():
    names = [name for name, task in TASKS.items() if task.price is None]
    for name in names:
        task = TASKS[name]
        found = json.loads((ZOO / name / "reinforce" / "config.json").read_text())
        settings = {one: found["task"][one] for one in ("num_frames", "target_frames", "budget")}
        assert settings == {one: getattr(task, one) for one in settings}
        assert found["task"]["aggregator"] == ("cues-judge" if task.judged else "mean")
        recipe = json.loads(json.dumps(dataclasses.asdict(CORPORA[task.corpus].recipe)))
        made = found["cache"]["provenance"]["recipe"]  # that of `cues` is from before some options
        assert made == {one: recipe[one] for one in made}
        _, m, data = rows_of_the_page()[f"{name}/reinforce"][3:6]
        assert (m, data.strip("`")) == (str(task.target_frames), found["data"])
        assert found["data"] in ("cues", f"runs/suite/caches/{task.corpus}.h5")


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
