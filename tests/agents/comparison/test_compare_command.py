"""python -m agents compare, through the real entry point."""

import csv
import importlib
import json
import os
import re
import shutil
import sys
import time
from pathlib import Path

import pytest
import torch
from processes import FORKSERVER

from agents.__main__ import main
from agents.comparison.finished import read_run
from agents.comparison.grid import make_grid
from agents.comparison.results import gather
from agents.training import provenance
from frame_select_env.errors import UnwritableError
from frame_select_env.storage import exclusive

PUBLIC = (
    *("data", "fold", "agent", "reward", "seed", "frames"),
    *("accuracy", "mean_frames", "episodes", "updates", "seconds"),
)
TINY, SOFT = "reinforce@hidden_size=8,epochs=2", "soft-attention@hidden_size=4,epochs=2"
SMALL = ["--num-frames", 10, "--target-frames", 4, "--frames", 2, 4, "--resamples", 50]
CLOCK = ("seconds", "cpu_seconds")


def compare(out: Path, *arguments: object) -> None:
    main(["compare", "--out", str(out), *map(str, arguments)])


def fails(capsys, out: Path, *arguments: object, code: int = 2) -> list[str]:
    """The lines on standard error of a command that ends with an error, without progress bars."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as caught:
        compare(out, *arguments)
    assert caught.value.code == code
    lines = capsys.readouterr().err.strip().splitlines()
    assert "Traceback" not in "".join(lines)
    return [line for line in lines if line.startswith("python -m agents")]


def rows(out: Path) -> list[dict[str, str]]:
    with (out / "results.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def timeless(out: Path) -> list[dict[str, str]]:
    """The rows without the columns that no two runs share."""
    return [{name: row[name] for name in row if name not in CLOCK} for row in rows(out)]


@pytest.fixture(scope="module")
def grid(planted):
    return ["--data", planted, "--agents", TINY, SOFT, "--seeds", 2, *SMALL, "--jobs", 1]


@pytest.fixture(scope="module")
def whole(grid, tmp_path_factory):
    """A comparison of two agents with two seeds each."""
    out = tmp_path_factory.mktemp("whole")
    compare(out, *grid, "--latex")
    return out


def test_results_have_the_public_columns_and_a_row_for_all(whole, planted):
    found = rows(whole)
    assert tuple(found[0])[: len(PUBLIC)] == PUBLIC
    keys = [(row["agent"], row["seed"], row["frames"]) for row in found]
    assert len(set(keys)) == len(keys)
    every = ["chosen", "one-se", "free", "2", "4"]
    assert keys[:20] == [(a, s, m) for a in (TINY, SOFT) for s in "01" for m in every]
    for agent in (TINY, SOFT):
        for seed in "01":
            assert {(f"untrained {agent}", seed, m) for m in ("chosen", "one-se", "2", "4")} <= set(
                keys
            )
    assert {("all", "", "all"), ("pooled", "", "all"), ("oracle", "", "2")} <= set(keys)
    for name in ("uniform", "random", "confidence", "motion", "centre"):
        assert {(name, "", m) for m in ("chosen", "one-se", "2", "4")} <= set(keys)
    for row in found:
        assert row["data"] == str(planted) and row["fold"] == "default"
        assert 0 <= float(row["accuracy"]) <= 1 and 1 <= float(row["mean_frames"]) <= 10
        trained = row["agent"] in (TINY, SOFT)
        assert row["reward"] == ("sign_omega" if trained else "")
        assert (float(row["seconds"] or 0) > 0) == trained
        assert (int(row["episodes"] or 0) > 0) == (row["agent"] == TINY)


def test_results_agree_with_the_evaluation_of_the_report(whole, planted):
    specs = make_grid(
        [str(planted)], ["default"], [TINY, SOFT], ["sign_omega"], [4], 2, num_frames=10
    )
    finished = {spec: read_run(spec, spec.folder(whole), (2, 4)) for spec in specs}
    (data_set,) = gather(specs, finished, (2, 4), resamples=50)
    assert [[run.spec.seed for run in runs] for runs in data_set.runs.values()] == [[0, 1], [0, 1]]
    results = data_set.evaluation.results
    checked = 0
    for row in rows(whole):
        found = results[row["agent"], row["frames"]]
        runs = [int(row["seed"])] if row["seed"] else slice(None)
        assert float(row["accuracy"]) == pytest.approx(1 - found.error[runs].mean(), abs=1e-6)
        assert float(row["mean_frames"]) == pytest.approx(found.frames[runs].mean(), rel=1e-5)
        checked += 1
    assert checked == sum(
        len(found.error) if "reinforce" in name or "soft" in name else 1
        for (name, _), found in results.items()
        if " as " not in name
    ) + sum(" as " in name for name, _ in results)


def test_all_tables_and_pictures_are_written(whole):
    names = ("report.html", "summary.md", "aggregate.csv", "pairs.csv", "pictures", "hparams")
    assert all((whole / name).exists() for name in names)
    page = (whole / "report.html").read_text()
    assert "python -m agents compare --out" in page and SOFT in page


def test_every_table_is_written_as_latex(whole):
    tables = {file.stem: file.read_text() for file in (whole / "tables").iterdir()}
    assert set(tables) == {
        *("data", "runs", "hyper-parameters", "versions"),
        *("aggregate-classification", "normalised-classification"),
        *("results-planted", "cost-planted", "pairs-planted-chosen", "pairs-planted-free"),
    }
    for text in tables.values():
        body = [line for line in text.splitlines() if line.endswith(r"\\")]
        (columns,) = re.findall(r"begin{tabular}{(\w+)}", text)
        assert {len(re.findall(r"(?<!\\)&", line)) + 1 for line in body} == {len(columns)}
    with (whole / "pairs.csv").open(newline="") as file:
        (pair,) = (row for row in csv.DictReader(file) if row["frames"] == "chosen")
    assert (
        f"& {float(pair['p']):.3f} & {float(pair['p_holm']):.3f}" in tables["pairs-planted-chosen"]
    )
    assert r"hidden\_size & 8 & 4" in tables["hyper-parameters"]


def test_a_finished_comparison_is_neither_trained_nor_scored_again(
    whole, grid, capsys, monkeypatch
):
    def load(folder, cache):
        raise AssertionError("a network is loaded")

    monkeypatch.setattr("agents.evaluation.run_scores.load_run", load)
    models = {file: file.stat().st_mtime_ns for file in whole.rglob("*.safetensors")}
    assert len(models) == 8
    before = (whole / "results.csv").read_bytes()
    compare(whole, *grid)
    assert (whole / "results.csv").read_bytes() == before  # the seconds too: they are kept
    assert {file: file.stat().st_mtime_ns for file in models} == models
    assert capsys.readouterr().out.strip().splitlines()[-1].startswith("report: ")


@pytest.mark.usefixtures("no_pictures")
def test_a_wider_grid_trains_only_what_is_new(whole, grid, planted, tmp_path, capsys):
    out = tmp_path / "wider"
    shutil.copytree(whole, out)
    kept = {file: file.stat().st_mtime_ns for file in out.rglob("model.safetensors")}
    rewards = ["margin", "sign_omega"]
    compare(out, *grid, "--rewards", *rewards, "--frames", 3)  # and scored at another m
    assert {file: file.stat().st_mtime_ns for file in kept} == kept
    assert len(list(out.rglob("model.safetensors"))) == 2 * len(kept)
    found = {(row["agent"], row["reward"], row["seed"], row["frames"]) for row in rows(out)}
    for reward in rewards:
        assert {(TINY, reward, seed, "3") for seed in "01"} <= found
    assert (f"untrained {TINY}", "", "0", "3") in found
    text = (out / "pairs.csv").read_text()
    assert f"{TINY}, margin" in text and f"{SOFT}, sign_omega" in text


def wait_for(condition, process) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert process.is_alive() and time.monotonic() < end
        time.sleep(0.01)


def find(folder: Path, name: str) -> list[str]:
    """Finished files of a name; unlike `rglob`, it may look while others are written."""
    walk = os.walk(folder)
    return [root for root, _, files in walk if name in files and not root.endswith(".part")]


@pytest.mark.usefixtures("no_pictures")
def test_a_comparison_killed_three_times_and_resumed_equals_the_uninterrupted(
    planted, tmp_path, capsys
):
    long = "reinforce@hidden_size=8,epochs=15,patience=0"
    asked = ["--data", planted, "--agents", long, SOFT, "--seeds", 2, *SMALL]
    asked += ["--checkpoint-seconds", 0, "--jobs", 1]
    straight, broken = tmp_path / "straight", tmp_path / "broken"
    compare(straight, *asked)

    moments = (
        lambda: find(broken, "checkpoint.safetensors"),  # in the midst of a run
        lambda: find(broken, "scores-test.safetensors"),  # after one
        lambda: len(find(broken, "config.json")) == 4,  # at the beginning of the last
    )
    for condition in moments:
        arguments = [str(one) for one in ("compare", "--out", broken, *asked)]
        process = FORKSERVER.Process(target=main, args=(arguments,))
        process.start()
        wait_for(condition, process)
        process.kill()
        process.join()
    assert not (broken / "report.html").exists()
    compare(broken, *asked)
    assert timeless(broken) == timeless(straight)
    models = [file.relative_to(straight) for file in straight.rglob("model.safetensors")]
    assert len(models) == 4
    for model in models:
        assert (broken / model).read_bytes() == (straight / model).read_bytes()
    for name in ("aggregate.csv", "pairs.csv"):
        assert (broken / name).read_bytes() == (straight / name).read_bytes()
    left = [file.name for file in broken.rglob("*") if file.name.startswith(".")]
    assert not left and not list(broken.rglob("checkpoint.safetensors"))


@pytest.mark.usefixtures("no_pictures")
def test_shards_together_equal_the_whole(whole, grid, tmp_path, capsys):
    out = tmp_path / "sharded"
    compare(out, *grid, "--shard", "1/2")
    assert "2 of 4 runs are finished" in capsys.readouterr().out
    assert not (out / "report.html").exists()
    assert [row["seed"] for row in rows(out) if row["agent"] == TINY] == ["0"] * 5
    compare(out, *grid, "--shard", "2/2")
    assert (out / "report.html").exists() and timeless(out) == timeless(whole)


@pytest.mark.usefixtures("no_pictures")
def test_a_run_that_fails_does_not_stop_the_others(planted, tmp_path, capsys, monkeypatch):
    from agents import soft_attention

    def fall(self, videos):
        raise RuntimeError("out of\nmemory")

    monkeypatch.setattr(soft_attention.SoftAttentionLearner, "update", fall)
    asked = ["--data", planted, "--agents", SOFT, TINY, "--seeds", 1, *SMALL, "--jobs", 1]
    lines = fails(capsys, tmp_path, *asked)
    assert len(lines) == 1 and SOFT in lines[0]
    assert "seed 0: RuntimeError: out of memory (test_compare_command.py:" in lines[0]
    assert {row["agent"] for row in rows(tmp_path)} >= {TINY, f"untrained {TINY}", "all"}
    assert "out of memory" in (tmp_path / "report.html").read_text()
    monkeypatch.undo()
    compare(tmp_path, *asked)
    assert {SOFT, TINY} <= {row["agent"] for row in rows(tmp_path)}


@pytest.mark.usefixtures("no_pictures")
def test_a_full_disk_stops_a_comparison_in_one_line(planted, tmp_path, capsys, monkeypatch):
    def full(path, content):
        raise UnwritableError(f"{path}: cannot be written: No space left on device")

    monkeypatch.setattr("agents.training.run_folder.write_whole", full)
    asked = ["--data", planted, "--agents", SOFT, TINY, "--seeds", 1, *SMALL, "--jobs", 1]
    (line,) = fails(capsys, tmp_path, *asked)
    assert "config.json: cannot be written: No space left on device; rerun the command" in line
    assert len(list((tmp_path / "runs").glob("*/*"))) == 1  # the next run would meet it too
    monkeypatch.undo()
    compare(tmp_path, *asked)
    assert {SOFT, TINY} <= {row["agent"] for row in rows(tmp_path)}


@pytest.mark.usefixtures("no_pictures")
def test_the_last_checkpoint_of_a_run_killed_before_it_was_scored_is_removed(whole, grid, tmp_path):
    out = tmp_path / "killed"
    shutil.copytree(whole, out)
    scores = next(out.rglob("scores-test.safetensors"))
    scores.unlink()
    (scores.parent / "checkpoint.safetensors").write_bytes(b"the state of the last epoch")
    (scores.parent / ".lock").touch()
    other = next(file for file in out.rglob("scores-test.safetensors"))
    (other.parent / ".scores-test.safetensors.abc.part").mkdir()  # of one killed after scoring
    compare(out, *grid)
    assert scores.is_file() and not list(out.rglob("checkpoint.safetensors"))
    assert not list(out.rglob(".*"))
    assert timeless(out) == timeless(whole)


@pytest.mark.usefixtures("no_pictures")
def test_a_regression_has_pcc_and_mae(regression, tmp_path, capsys):
    asked = ["--data", regression, "--stream", "audio", "--agents", TINY, "--rewards"]
    compare(tmp_path, *asked, "delta_error", "--seeds", 1, *SMALL, "--jobs", 1)
    found = rows(tmp_path)
    assert list(found[0])[6:8] == ["pcc", "mae"] and "accuracy" not in found[0]
    assert all(-1 <= float(row["pcc"]) <= 1 and 0 < float(row["mae"]) < 2 for row in found)


def test_bad_input_is_one_line_and_trains_nothing(planted, regression, tmp_path, capsys):
    asked = ["--data", planted, "--agents", TINY, "--seeds", 1, *SMALL]
    new = tmp_path / "new"
    for arguments, message in (
        (["--agents", "dream"], "unknown agent 'dream'; known: "),
        (["--shard", "3/2"], "--shard 3/2: must be i/n"),
        (["--jobs", 0], "jobs=0: must be at least 1"),
        (["--frames", 11], "frames=11: must be from 1 to the number of frames per video, 10"),
        (["--also", "best"], "unknown reference 'best'"),
        (["--resamples", 0], "resamples=0"),
        (["--pool", "--data", regression, "--stream", "audio"], "--pool: only for a classific"),
        (["--ray-address", "auto"], "--ray-address: requires --engine ray"),
        (
            ["--engine", "ray", "--ray-address", "127.0.0.1:1"],
            "--ray-address 127.0.0.1:1: no answer",
        ),
    ):
        began = time.monotonic()
        lines = fails(capsys, new, *asked, *arguments)
        assert len(lines) == 1 and message in lines[0]
        assert not new.exists() and time.monotonic() - began < 10
    file = tmp_path / "file"
    file.write_text("mine")
    assert "is not a folder" in fails(capsys, file, *asked)[0]
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "notes.txt").write_text("keep me")
    assert "is neither empty nor the folder of a comparison" in fails(capsys, mine, *asked)[0]
    assert [one.name for one in mine.iterdir()] == ["notes.txt"]


@pytest.mark.usefixtures("no_pictures")
def test_runs_of_another_cache_version_or_setting_are_refused(planted, tmp_path, capsys):
    cache, out = tmp_path / "mine.h5", tmp_path / "out"
    shutil.copy(planted, cache)
    asked = ["--data", cache, "--agents", TINY, "--seeds", 1, *SMALL, "--jobs", 1]
    compare(out, *asked)
    (folder,) = [file.parent for file in out.rglob("model.safetensors")]
    (line,) = fails(capsys, out, *asked, "--budget", 100)
    assert str(folder) in line and "whose task differs: budget was 0 and is now 100" in line
    assert "delete the folder or choose another --out" in line
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "version": 1}))
    (line,) = fails(capsys, out, *asked)
    assert str(folder) in line and "has version 1, but only version 5 can be read" in line
    (folder / "config.json").write_text(json.dumps(config))
    cache.write_bytes(cache.read_bytes() + b"x")
    (line,) = fails(capsys, out, *asked)
    assert f"{folder}: {cache} has changed since this finished run began" in line


@pytest.mark.usefixtures("no_pictures")
def test_a_reward_that_was_edited_is_trained_again_and_said(planted, tmp_path, capsys, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)

    def write(code: str) -> None:
        (tmp_path / "edited_rewards.py").write_text(f"def paid(outcome):\n    return {code}\n")
        sys.modules.pop("edited_rewards", None)  # as in a new process
        importlib.invalidate_caches()
        provenance._code.cache_clear()

    out, reward = tmp_path / "out", "edited_rewards:paid"
    asked = ["--data", planted, "--agents", TINY, "--rewards", reward, "sign_omega"]
    asked += ["--seeds", 1, *SMALL, "--jobs", 1]
    write("outcome.p1.max(axis=1)")
    compare(out, *asked)
    first = {file: file.read_bytes() for file in out.rglob("model.safetensors")}
    write("outcome.p1.max(axis=1)  # explained")
    compare(out, *asked)
    assert "retrained" not in capsys.readouterr().out
    write("-outcome.p1.max(axis=1)")
    compare(out, *asked)
    (line,) = [one for one in capsys.readouterr().out.splitlines() if "retrained" in one]
    assert line.startswith(f"retrained: {reward} changed: ") and "seed 0" in line
    again = {file: file.read_bytes() for file in out.rglob("model.safetensors")}
    changed = [file for file in first if first[file] != again[file]]
    assert set(first) == set(again) and len(first) == 2
    assert [("edited_rewards" in str(file)) for file in changed] == [True]
    sys.modules.pop("edited_rewards", None)


def test_a_second_comparison_in_the_same_folder_is_refused(grid, tmp_path, capsys):
    with exclusive(tmp_path / "out"):
        (line,) = fails(capsys, tmp_path / "out", *grid)
    assert line.endswith("out: is in use by another command; wait until it ends")


def test_the_report_names_versions_hyper_parameters_and_steps(whole):
    for name in ("summary.md", "report.html"):
        text = (whole / name).read_text()
        assert "environment steps" in text
        cells = [part.strip() for part in re.split(r"<[^>]+>|[|]", text)]
        cells = [part for part in cells if part]
        for row in (["torch", torch.__version__, torch.__version__], ["hidden_size", "8", "4"]):
            assert cells[(at := cells.index(row[0])) : at + 3] == row
        assert cells[cells.index("hyper-parameter") + 1 :][:2] == [TINY, SOFT]
    found = [row for row in rows(whole) if row["agent"] == TINY]
    assert {row["timesteps"] for row in found} == {row["episodes"] for row in found}  # of OneShot
