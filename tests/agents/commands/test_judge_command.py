"""frame-select judge, and runs that are trained and scored by what it writes."""

import csv
import json
import shutil

import pytest
from processes import run_module

from agents.__main__ import main
from agents.evaluation.run_scores import evaluate_runs
from agents.training.load import load_run
from frame_select_env import FrameSelectError, open_cache
from frame_select_env.judge import read_judge

TINY = ["--hidden-size", 4, "--epochs", 2, "--parts", 2, "--num-frames", 10]


def agents(*arguments):
    main([str(one) for one in arguments])


@pytest.fixture(scope="module")
def judge(planted, tmp_path_factory):
    """A judge, made in a process of its own."""
    out = tmp_path_factory.mktemp("judge") / "judge.safetensors"
    done = run_module("agents", ["judge", planted, out, "--seed", 3, *TINY], out.parent)
    assert done.returncode == 0, done.stderr
    assert "32 videos of train, held out in turn" in done.stdout
    assert "all frames" in done.stdout and "8 random frames" in done.stdout
    assert max(map(len, done.stdout.splitlines()[:6])) <= 80
    return out


@pytest.fixture(scope="module")
def run(judge, planted, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "judged"
    small = ["--epochs", 1, "--hidden-size", 4, "--num-frames", 10]
    agents("train", "--data", planted, "--out", folder, "--aggregator", judge, *small)
    return folder


def test_the_file_says_what_it_was_made_from(judge, planted):
    file, cache = read_judge(judge), open_cache(planted)
    assert file.facts["digest"] == cache.digest and file.facts["seed"] == 3
    assert file.facts["hyper"]["hidden_size"] == 4 and len(file.embed_weight) == 3
    trained = cache.rows("train")
    assert set(file.part[trained]) == {0, 1} and set(file.part[cache.rows("test")]) == {2}


def test_a_run_is_scored_by_its_judge(run, judge, planted):
    config = json.loads((run / "config.json").read_text())
    assert config["task"]["aggregator"] == str(judge) and len(config["judge"]) == 32
    options = {"references": False, "resamples": 1}
    judged = evaluate_runs(open_cache(planted), {"mine": [run]}, frames=(2,), **options)
    assert judged.settings.aggregator == str(judge)


def test_a_judge_that_was_replaced_is_noticed(run, judge, planted, tmp_path):
    kept = shutil.copy(judge, tmp_path / "kept.safetensors")
    try:
        agents("judge", planted, judge, "--seed", 4, *TINY)
        for read in (load_run, lambda *both: evaluate_runs(both[1], {"mine": [both[0]]})):
            with pytest.raises(FrameSelectError, match="judge.safetensors has changed since"):
                read(run, open_cache(planted))
    finally:
        shutil.copy(kept, judge)


@pytest.mark.usefixtures("no_pictures")
def test_compare_has_a_row_for_every_aggregator(judge, planted, tmp_path):
    out = tmp_path / "out"
    agents(
        *("compare", "--data", planted, "--out", out, "--seeds", 1, "--num-frames", 10),
        *("--agents", "reinforce@hidden_size=4,epochs=1", "--aggregators", "mean", judge),
        *("--frames", 2, "--resamples", 20, "--jobs", 1),
    )
    with (out / "results.csv").open() as file:
        rows = list(csv.DictReader(file))
    for ranking in ("reinforce@hidden_size=4,epochs=1", "all", "random"):
        found = {row["aggregator"] for row in rows if row["agent"] == ranking}
        assert found == {"mean", str(judge)}
    assert "judged by judge" in (out / "summary.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("out.txt",), "out.txt: must end in .safetensors"),
        (("no/such/out.safetensors",), "out.safetensors: cannot be written: no/such is no folder"),
        (("out.safetensors", "--split", "tset"), "unknown split 'tset'"),
        (("out.safetensors", "--parts", 1), "parts=1: must be at least 2"),
    ],
)
def test_bad_input_is_one_line(planted, tmp_path, monkeypatch, capsys, arguments, says):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as caught:
        agents("judge", planted, *arguments)
    lines = capsys.readouterr().err.strip().splitlines()
    assert caught.value.code == 2 and says in lines[-1] and "Traceback" not in "".join(lines)
    assert not list(tmp_path.iterdir())


def test_help_names_every_option(capsys):
    with pytest.raises(SystemExit) as caught:
        agents("judge", "--help")
    told = capsys.readouterr().out
    assert caught.value.code == 0
    assert all(option in told for option in ("OUT.safetensors", "--seed", "--parts", "--view"))
