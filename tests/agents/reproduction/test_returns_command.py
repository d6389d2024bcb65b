"""frame-select returns: a row for every id and reward, with what a trained agent earns."""

import csv

import pytest

from agents.__main__ import main
from agents.reproduction.reference_returns import AGENT, GLANCE, make_jobs
from baselines.reference_returns import PROCESSES
from frame_select_env.envs import REWARD_THRESHOLDS
from frame_select_env.rewards import reward_names

FIGURES = ("random", "keep_all", "keep_none", "agent", "best_known")


def read(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_command_writes_and_prints_every_row(planted, tmp_path, capsys):
    out = tmp_path / "returns.csv"
    main(
        ["returns", "--data", str(planted), "--rewards", "sign_omega", "span", "--out", str(out)]
        + ["--budget", "60", "--jobs", "1"]
    )
    rows = {(row["environment"], row["reward"], row["split"]): row for row in read(out)}
    for name in PROCESSES:
        for reward in ("sign_omega", "span"):
            row = rows[name, reward, "test"]
            random, best = float(row["random"]), float(row["best_known"])
            assert random < best
            assert (row["agent"] == "") == (name == GLANCE) == (row["trained"] == "")
            if row["agent"]:
                assert float(row["agent"]) <= best and row["episodes"] == "60"
    default = rows["FrameSelect/OneShot-v0", "sign_omega", "train"]
    assert (default["keep_all"], default["trained"]) == ("0.0000", AGENT)
    own = [row for row in rows.values() if row["trained"] == "ppo-glance"]
    assert [row["split"] for row in own] == ["test", "train"] and own[0]["keep_all"] == ""
    assert "mean returns" in capsys.readouterr().out


def test_bad_input_is_one_line(regression, tmp_path, capsys):
    for arguments, words in (
        (["--out", tmp_path / "a.txt"], "a.txt: must end in .csv"),
        (["--out", tmp_path / "a.csv", "--data", regression], "regression.h5: is a regression"),
        (["--out", tmp_path / "a.csv", "--rewards", "luck"], "unknown reward 'luck'"),
    ):
        with pytest.raises(SystemExit) as caught:
            main(["returns", *map(str, arguments)])
        assert caught.value.code == 2
        (line,) = capsys.readouterr().err.strip().splitlines()
        assert words in line
    assert not list(tmp_path.iterdir())


def test_the_committed_figures_are_of_every_job_and_give_the_thresholds(request):
    path = request.config.rootpath / "examples/results/reference-returns.csv"
    rows = {
        (row["data"], row["environment"], row["reward"], row["split"]): row for row in read(path)
    }
    jobs = make_jobs(["cues", "digits"], (), 0)
    wanted = {
        (job.data, name, job.reward, split)
        for job in jobs
        for name in job.ids
        for split in job.splits
    }
    assert set(rows) == wanted
    assert {job.reward for job in jobs} < {*reward_names(), jobs[0].reward}
    for name, threshold in REWARD_THRESHOLDS.items():
        (row,) = (
            row
            for (data, environment, _, split), row in rows.items()
            if (data, environment, split) == ("cues", name, "train")
        )
        assert threshold <= float(row["agent"]) < threshold + 0.1
        assert threshold > float(row["random"])
