"""frame-select returns: a row for every id and reward, with what a trained agent earns."""

import csv

import pytest

from agents.__main__ import main
from agents.commands.returns import COLUMNS
from agents.reproduction.reference_returns import AGENTS, make_jobs
from baselines.reference_returns import PROCESSES
from frame_select_env import open_cache
from frame_select_env.envs import REWARD_THRESHOLDS
from frame_select_env.rewards import reward_names

FIGURES = ("random", "keep_all", "keep_none", "agent", "best_known")


def read(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_command_writes_and_prints_every_row_and_keeps_it(planted, tmp_path, capsys):
    out = tmp_path / "returns.csv"

    def run(*rewards, budget="60"):
        options = ["--data", str(planted), "--budget", budget, "--jobs", "1", "--out", str(out)]
        main(["returns", "--rewards", *rewards, *options])
        return {(row["environment"], row["reward"], row["split"]): row for row in read(out)}

    rows = run("sign_omega", "span")
    for name in PROCESSES:
        for reward in ("sign_omega", "span"):
            row = rows[name, reward, "test"]
            assert float(row["random"]) < float(row["best_known"]) >= float(row["agent"])
            assert row["episodes"] == "60"
            assert row["trained"] in {agent.partition("@")[0] for agent in AGENTS[name]}
    default = rows["FrameSelect/OneShot-v0", "sign_omega", "train"]
    assert (default["keep_all"], default["trained"][:9]) == ("0.0000", "reinforce")
    own = [row for row in rows.values() if row["reward"].startswith("{")]
    assert [row["split"] for row in own] == ["test", "train"] and own[0]["keep_all"] == ""
    assert "mean returns" in capsys.readouterr().out

    # What was made stays, also of rewards that are not asked for again; another budget is made.
    changed = out.read_text().replace(default["random"], "0.1234")
    out.write_text(changed)
    again = run("sign_omega")
    assert list(again) == list(rows)
    assert again["FrameSelect/OneShot-v0", "sign_omega", "train"]["random"] == "0.1234"
    other = run("span", budget="30")
    assert list(other) == list(rows)  # in the same order
    one, two = (found["FrameSelect/Pick-v0", "span", "test"] for found in (rows, other))
    assert (one["episodes"], two["episodes"]) == ("60", "30") and one["random"] == two["random"]


def test_a_file_that_is_another_table_stays(tmp_path, capsys):
    path = tmp_path / "a.csv"
    path.write_text("data,accuracy\n")
    with pytest.raises(SystemExit):
        main(["returns", "--data", "cues", "--rewards", "margin", "--out", str(path)])
    assert "a.csv: is no table of returns; delete it" in capsys.readouterr().err
    assert path.read_text() == "data,accuracy\n"


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
    wanted = {(job.data, job.id, job.reward, split) for job in jobs for split in job.splits}
    assert set(rows) == wanted
    assert {job.reward for job in jobs if not job.reward.startswith("{")} < {*reward_names()}
    assert next(iter(rows.values())).keys() == set(COLUMNS)
    for job in jobs:
        row = rows[job.data, job.id, job.reward, "test"]
        assert row["episodes"] == str(job.budget) and row["cache"] == open_cache(job.data).digest
        assert row["trained"] in {agent.partition("@")[0] for agent in AGENTS[job.id]}
    for name, threshold in REWARD_THRESHOLDS.items():
        (row,) = (
            row
            for (data, environment, _, split), row in rows.items()
            if (data, environment, split) == ("cues", name, "train")
        )
        assert threshold <= float(row["agent"]) < threshold + 0.1
        assert threshold > float(row["random"])
