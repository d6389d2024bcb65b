"""python -m agents suite, through the real entry point."""

import csv
import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from agents.__main__ import main
from agents.suite.results import read_results

TINY, SOFT = "reinforce@hidden_size=4", "soft-attention@hidden_size=4,epochs=2"


def suite(out: Path, *arguments: object) -> None:
    main(["suite", "--out", str(out), *map(str, arguments)])


def fails(capsys, out: Path, *arguments: object) -> str:
    """The one line of a command that ends with an error."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as caught:
        suite(out, *arguments)
    assert caught.value.code == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    return line


@pytest.fixture(scope="module")
def finished(small_suite, tmp_path_factory):
    """A plan of two agents and two tasks, run; one agent does not fit one of the tasks."""
    out = tmp_path_factory.mktemp("suite")
    plan = out / "mine.toml"
    plan.write_text(
        f'agents = ["{TINY}", "{SOFT}"]\ntasks = ["context", "glance"]\nseeds = 1\n'
        f'tests = [["{TINY}", "{SOFT}"]]\nbudget = 8\n'
    )
    suite(out / "made", "--plan", plan, "--jobs", 1)
    return out / "made"


def test_what_is_written(finished: Path) -> None:
    names = {one.name for one in finished.iterdir()}
    assert names == {
        *("plan.json", "caches", "tasks", "results.csv"),
        *("leaderboard.md", "leaderboard.png", "profiles.png", "summary.md", "pairs.csv"),
    }
    digest = hashlib.sha256((finished / "plan.json").read_bytes()).hexdigest()
    for page in ("leaderboard.md", "summary.md"):
        assert digest in (finished / page).read_text()
    text = (finished / "summary.md").read_text()
    assert "## Planned tests" in text and f"{TINY} − {SOFT}" in text


def test_the_rows_of_the_tasks(finished: Path) -> None:
    made = read_results(finished / "results.csv")
    heads = {(row.task, row.agent): row for row in made if row.headline}
    assert set(heads) == {("context", TINY), ("context", SOFT), ("glance", TINY)}
    rows = {row.frames for row in made if row.task == "context"}
    assert rows == {"chosen", "one-se", "free", "1", "3"}
    context, glance = heads["context", TINY], heads["glance", TINY]
    assert context.worth == context.accuracy and context.trained == TINY
    assert context.score == pytest.approx(
        (context.worth - context.floor) / (context.ceiling - context.floor), abs=1e-5
    )
    assert (glance.frames, glance.trained) == ("free", "reinforce-glance")
    assert glance.worth == pytest.approx(glance.accuracy - 0.01 * glance.mean_frames, abs=1e-5)
    assert glance.episodes >= 8 > heads["context", SOFT].episodes


def test_the_planned_pair_is_tested_where_both_fit(finished: Path) -> None:
    """The difference is that of the scores in results.csv, though it is computed from the runs."""
    with (finished / "pairs.csv").open(newline="") as file:
        (pair,) = csv.DictReader(file)
    assert (pair["task"], pair["first"], pair["second"]) == ("context", TINY, SOFT)
    made = [row for row in read_results(finished / "results.csv") if row.task == "context"]
    heads = {row.agent: row.score for row in made if row.headline}
    assert float(pair["difference"]) == pytest.approx(heads[TINY] - heads[SOFT], abs=1e-5)
    # One seed has no spread, but 20 test videos are few.
    low, high = float(pair["difference_low"]), float(pair["difference_high"])
    assert low <= float(pair["difference"]) <= high and low < high
    assert (pair["seeds"], pair["seeds_needed"]) == ("1", "")


def test_the_same_plan_trains_nothing_again(small_suite, finished: Path) -> None:
    before = (finished / "results.csv").read_bytes()
    models = {path: path.stat().st_mtime_ns for path in finished.rglob("model.safetensors")}
    suite(finished)  # --out alone: the plan that is there
    assert len(models) == 3
    assert {path: path.stat().st_mtime_ns for path in models} == models
    assert (finished / "results.csv").read_bytes() == before


def test_another_plan_is_refused_and_changes_nothing(small_suite, finished: Path, capsys) -> None:
    before = (finished / "results.csv").read_bytes()
    line = fails(capsys, finished, "--agents", TINY, "--tasks", "context")
    assert "plan.json: is another plan than this one" in line
    assert (finished / "results.csv").read_bytes() == before


def test_the_leaderboard_is_made_of_results_alone(small_suite, finished: Path, tmp_path) -> None:
    copy = tmp_path / "mine.csv"
    copy.write_bytes((finished / "results.csv").read_bytes())
    suite(tmp_path / "board", "--from", copy, "--latex")
    pages = {"leaderboard.md", "leaderboard.png", "profiles.png"}
    assert {one.name for one in (tmp_path / "board").iterdir()} == {*pages, "tables"}
    table = (tmp_path / "board" / "tables" / "leaderboard.tex").read_text()
    assert "agent & IQM & mean & gap & context & glance" in table
    for name in pages:
        assert (tmp_path / "board" / name).read_bytes() == (finished / name).read_bytes()


def test_caches_alone(small_suite, tmp_path, capsys) -> None:
    suite(tmp_path, "--only-caches", "--tasks", "context", "--corpus-seed", 2)
    assert [one.name for one in tmp_path.iterdir()] == ["caches"]
    printed = capsys.readouterr().out
    assert f"shortcuts {tmp_path / 'caches/cues.h5'} --num-frames 14" in printed


def test_what_is_refused(small_suite, finished: Path, tmp_path, capsys) -> None:
    def refused(*arguments):
        return fails(capsys, tmp_path / "out", *arguments)

    assert "--agents: give at least one, or a --plan" in refused()
    plan = finished / "plan.json"
    assert "--seeds: is in the plan" in refused("--plan", plan, "--seeds", 2)
    assert "unknown task 'lang'" in refused("--agents", TINY, "--tasks", "lang")
    assert "--from: goes with --out alone" in refused("--from", plan, "--seeds", 2)
    assert not (tmp_path / "out").exists()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("")
    line = fails(capsys, tmp_path / "full", "--agents", TINY)
    assert "is neither empty nor the folder of a suite" in line


def test_results_are_written_after_each_task(small_suite, tmp_path, monkeypatch) -> None:
    """What is interrupted in the second task has left the rows of the first one."""
    from agents.commands import suite as command

    whole = command.trained_grid

    def breaks(folder, *arguments, **keywords):
        if folder.name == "glance":
            raise KeyboardInterrupt
        return whole(folder, *arguments, **keywords)

    arguments = ["--agents", TINY, "--tasks", "context", "glance", "--seeds", 1, "--budget", 8]
    monkeypatch.setattr(command, "trained_grid", breaks)
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        suite(tmp_path, *arguments, "--jobs", 1)
    with (tmp_path / "results.csv").open(newline="") as file:
        assert {row["task"] for row in csv.DictReader(file)} == {"context"}


def test_agents_that_are_one_where_looks_cost_are_trained_once(small_suite, tmp_path) -> None:
    other = "reinforce-sequential@hidden_size=4"
    arguments = ["--agents", TINY, other, "--tasks", "glance", "--seeds", 1, "--budget", 8]
    suite(tmp_path, *arguments, "--jobs", 1)
    (model,) = tmp_path.rglob("model.safetensors")
    assert "reinforce-glance" in str(model)
    first, second = read_results(tmp_path / "results.csv")
    assert (first.agent, second.agent) == (TINY, other)
    assert replace(second, agent=TINY) == first and first.trained == "reinforce-glance"
    page = (tmp_path / "leaderboard.md").read_text()
    assert f"{TINY} and {other} are the same runs of `reinforce-glance`, trained once" in page


def test_every_agent_trains_for_the_same_updates(small_suite, tmp_path) -> None:
    arguments = ["--agents", TINY, SOFT, "--tasks", "context", "--seeds", 1, "--updates", 3]
    suite(tmp_path, *arguments, "--jobs", 1)
    with (tmp_path / "results.csv").open(newline="") as file:
        updates = {(row["agent"], row["updates"]) for row in csv.DictReader(file)}
    assert updates == {(TINY, "3"), (SOFT, "3")}
