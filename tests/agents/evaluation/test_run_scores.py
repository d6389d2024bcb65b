"""Scores of runs: stored once, equal to what the networks give, and never those of another run."""

import csv
import shutil

import numpy as np
import pytest

from agents.__main__ import main
from agents.evaluation import evaluate
from agents.evaluation.run_groups import group_runs
from agents.evaluation.run_scores import (
    evaluate_runs,
    read_scores,
    run_scores,
    scores_file,
)
from agents.training.load import load_run
from frame_select_env import FrameSelectError, open_cache

FAST = ["--epochs", 1, "--hidden-size", 4, "--num-frames", 10]


def train(out, planted, *more):
    main([str(one) for one in ("train", "--data", planted, "--out", out, *FAST, *more)])
    return out


@pytest.fixture(scope="module")
def folders(planted, tmp_path_factory):
    """Two runs, of seeds 0 and 1, that differ in nothing else."""
    out = tmp_path_factory.mktemp("runs")
    return [train(out / str(seed), planted, "--seed", seed) for seed in range(2)]


@pytest.fixture
def folder(folders, tmp_path):
    """A copy of the first run, without scores."""
    copy = shutil.copytree(folders[0], tmp_path / "run")
    for file in copy.glob("scores-*"):
        file.unlink()
    return copy


def no_network(folder, cache):
    raise AssertionError("a network is loaded")


def test_stored_scores_give_what_the_networks_give(folders, planted, monkeypatch):
    cache = open_cache(planted)
    runs = [load_run(folder, cache) for folder in folders]
    live = evaluate(
        cache,
        {"untrained": [run.untrained for run in runs], "mine": [run.agent for run in runs]},
        num_frames=10,
        frames=(2, 4),
        validation={
            name: [run.task.validation_rows for run in runs] for name in ("untrained", "mine")
        },
        resamples=20,
    )
    first = evaluate_runs(cache, {"mine": folders}, {"untrained": folders}, frames=(2,))
    monkeypatch.setattr("agents.evaluation.run_scores.load_run", no_network)
    stored = evaluate_runs(
        cache, {"mine": folders}, {"untrained": folders}, frames=(2, 4), resamples=20
    )
    assert stored.table == live.table and stored.chosen == live.chosen
    assert first.agents == stored.agents == ("mine",)
    for name in ("mine", "untrained"):
        np.testing.assert_array_equal(stored.scores[name], live.scores[name])
    for key, results in live.results.items():
        np.testing.assert_array_equal(stored.results[key].selected, results.selected)
        np.testing.assert_array_equal(stored.results[key].predicted, results.predicted)
        np.testing.assert_array_equal(stored.results[key].error, results.error)


def test_scores_of_another_model_config_cache_or_version_are_not_used(folder, planted, tmp_path):
    cache = open_cache(planted)
    run_scores(folder, cache)
    assert read_scores(folder, cache) is not None
    assert read_scores(folder, cache, "val") is None
    whole = {name: (folder / name).read_bytes() for name in ("model.safetensors", "config.json")}
    for name, data in whole.items():
        (folder / name).write_bytes(data[:-1] + b" ")
        assert read_scores(folder, cache) is None
        (folder / name).write_bytes(data)
    changed = tmp_path / planted.name
    changed.write_bytes(planted.read_bytes() + b"x")
    assert read_scores(folder, open_cache(changed)) is None
    assert read_scores(folder, cache) is not None


def test_damaged_scores_are_computed_again(folder, planted):
    cache = open_cache(planted)
    run_scores(folder, cache)
    file = scores_file(folder)
    whole = file.read_bytes()
    for data in (b"", whole[:50], whole[:-1]):
        file.write_bytes(data)
        assert read_scores(folder, cache) is None
        run_scores(folder, cache)
        assert file.read_bytes() == whole
    assert not [one for one in folder.iterdir() if one.name.startswith(".")]


def test_validation_videos_that_are_scored_anyway_choose_nothing(folder, planted):
    cache = open_cache(planted)
    found = evaluate_runs(cache, {"mine": [folder]}, split="val", frames=(2,), resamples=20)
    assert found.chosen == {} and any("no rows chosen" in note for note in found.notes)
    assert scores_file(folder, "val").is_file() and not scores_file(folder).is_file()


def test_runs_are_grouped_by_agent_or_by_what_differs(folders, planted, tmp_path, capsys):
    assert group_runs(folders) == {"reinforce": folders}
    other = train(tmp_path / "other", planted, "--beta", 0.5)
    both = "reinforce@hidden_size=4,epochs=1"
    assert group_runs([*folders, other]) == {both: folders, f"{both},beta=0.5": [other]}


def test_runs_that_were_trained_for_something_else_get_a_row_of_their_own(planted, tmp_path):
    few = ["--seed", 1]
    plain, margin, paid, fewer, limited = (
        train(tmp_path / name, planted, *more)
        for name, more in (
            ("plain", []),
            ("margin", ["--reward", "margin", *few]),
            ("paid", ["--reward", '{"margin":  2}']),
            ("fewer", ["--target-frames", 2]),
            ("limited", ["--budget", 50]),
        )
    )
    assert group_runs([plain, margin]) == {
        "reinforce, sign_omega": [plain],
        "reinforce, margin": [margin],
    }
    assert list(group_runs([plain, fewer])) == ["reinforce, m=8", "reinforce, m=2"]
    assert list(group_runs([plain, limited])) == ["reinforce", "reinforce, budget=50"]
    assert list(group_runs([paid, fewer, limited])) == [
        'reinforce, {"margin": 2}, m=8',
        "reinforce, sign_omega, m=2",
        "reinforce, sign_omega, m=8, budget=50",
    ]
    main(["evaluate", *map(str, (plain, margin)), "--data", str(planted), "--resamples", "20"])
    with open(tmp_path / "evaluation.csv", newline="") as file:
        rows = {row["ranking"]: row["runs"] for row in csv.DictReader(file)}
    assert rows["reinforce, margin"] == rows["reinforce, sign_omega"] == "1"


def test_a_run_that_is_named_twice_is_refused(folders, folder):
    with pytest.raises(FrameSelectError, match=f"^{folders[1]}: is named twice$"):
        group_runs([*folders, folders[1].parent / "0" / ".." / "1"][::-1])
    with pytest.raises(FrameSelectError, match="are both runs of reinforce with seed 0; name one"):
        group_runs([*folders, folder])


def test_runs_that_were_trained_on_other_terms_are_refused(folders, planted, tmp_path, capsys):
    cache = open_cache(planted)
    other = train(tmp_path / "other", planted, "--alpha", 0.5)
    with pytest.raises(FrameSelectError, match=r"the runs differ in alpha: 0.0 and 0.5; evaluate"):
        evaluate_runs(cache, {"mine": [folders[0], other]})
    with pytest.raises(FrameSelectError, match="frames=11: the runs were trained on 10 frames"):
        evaluate_runs(cache, {"mine": folders}, frames=(11,))
    # What the tables have unless told is as much as videos have.
    found = evaluate_runs(cache, {"mine": folders[:1]}, resamples=20)
    assert {m for name, m in found.results if name == "mine" and m.isdigit()} == {
        "1",
        "2",
        "4",
        "8",
    }
