"""python -m agents search, through the real entry point."""

import csv
import json
import re
import shutil

import h5py
import numpy as np
import pytest
from by_hand import video_by_hand

from agents.__main__ import main
from agents.registry import agent_design, parse_agent
from agents.search.study import TrialScore, TrialStudy, make_runs, train_trial_run
from agents.training.run_folder import as_json
from frame_select_env import CacheError, FrameSelectError, open_cache, write_cache

AGENT = "reinforce@epochs=2,hidden_size=8"
SMALL = ["--num-frames", 10, "--target-frames", 4, "--seeds", 2, "--jobs", 1]


def search(*arguments):
    main(["search", *map(str, arguments)])


def rows(log):
    with log.open(newline="") as file:
        return list(csv.DictReader(file))


def timeless(log):
    """The rows in the order of trial, cache and seed, without how long they took."""
    made = [{name: row[name] for name in row if name != "seconds"} for row in rows(log)]
    return sorted(made, key=lambda row: (int(row["trial"]), row["data"], row["seed"]))


@pytest.fixture(scope="module")
def sealed(planted, tmp_path_factory):
    """The planted cache with NaN in every frame of a test video: to read one is an error."""
    path = tmp_path_factory.mktemp("sealed") / "sealed.h5"
    shutil.copy(planted, path)
    cache = open_cache(planted)
    start, tests = cache.start, cache.rows("test")
    with h5py.File(path, "r+") as file:
        for name in ("features", "predictions"):
            dataset = file[f"streams/{cache.stream()}/{name}"]
            for row in tests:
                dataset[start[row] : start[row + 1]] = np.nan
    with pytest.raises(CacheError):
        open_cache(path).read(tests)
    return path


@pytest.fixture(scope="module")
def log(sealed, tmp_path_factory):
    out = tmp_path_factory.mktemp("search") / "log.csv"
    search("--data", sealed, "--agent", AGENT, "--trials", 3, *SMALL, "--out", out)
    return out


def test_where_no_label_is_known_the_reward_is_that_of_train(tmp_path, capsys):
    features = np.random.default_rng(0).normal(size=(6, 10, 2))
    videos = (
        video_by_hand(f"v{row}", np.ones((10, 1)), -1, "train", one)
        for row, one in enumerate(features)
    )
    cache = write_cache(tmp_path / "one.h5", videos, classes=["video"])
    out = tmp_path / "log.csv"
    search("--data", cache, "--agent", AGENT, "--trials", 1, *SMALL, "--out", out)
    assert json.loads(rows(out)[0]["task"])["reward"] == "diversity_representativeness"
    assert "reward" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        search("--data", cache, "digits", "--agent", AGENT, *SMALL, "--out", tmp_path / "both.csv")
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert "different default rewards (diversity_representativeness, sign_omega)" in line


def test_the_log_has_a_row_a_run_and_the_test_split_is_never_read(log, sealed):
    found = rows(log)
    columns = ["agent", "trial", "hyper", "data", "seed", "validation", "validation_p_c"]
    assert list(found[0])[:9] == [*columns, "episodes", "seconds"]
    assert [(row["trial"], row["seed"]) for row in found] == [(t, s) for t in "012" for s in "01"]
    assert {row["agent"] for row in found} == {AGENT} and found[0]["data"] == str(sealed)
    for row in found:
        assert 0 < float(row["validation"]) < 1 and 0 < float(row["validation_p_c"]) < 1
        assert int(row["episodes"]) > 0 and float(row["seconds"]) > 0
    drawn = {row["hyper"] for row in found}
    config = as_json(agent_design("reinforce").presets["tuned"])
    assert len(drawn) == 3 and all(set(json.loads(text)) == set(config) for text in drawn)
    changed = {name for text in drawn for name, v in json.loads(text).items() if v != config[name]}
    assert {"hidden_size", "epochs"} <= changed  # named by the text
    assert changed - {"hidden_size", "epochs"} <= {
        "learning_rate",
        "dropout",
        "episodes",
        "ent_coef",
    }
    assert {file.name for file in log.parent.iterdir()} == {"log.csv", "log.csv.journal"}


def test_a_score_is_that_of_the_epoch_that_was_kept(sealed, tmp_path, capsys):
    asked = ["--data", sealed, "--agent", f"{AGENT},learning_rate=0.01", "--trials", 1]
    out = tmp_path / "log.csv"
    search(*asked, *SMALL, "--out", out)
    for row in rows(out):
        run = tmp_path / f"run-{row['seed']}"
        learning = [
            "--epochs",
            2,
            "--hidden-size",
            8,
            "--learning-rate",
            0.01,
            "--seed",
            row["seed"],
        ]
        train = [
            "train",
            "--data",
            sealed,
            "--out",
            run,
            *SMALL[:2],
            "--target-frames",
            4,
            *learning,
        ]
        main([str(one) for one in train])
        with (run / "metrics.csv").open() as file:
            pairs = [(e["validation"], e["validation_p_c"]) for e in csv.DictReader(file)]
        assert (row["validation"], row["validation_p_c"]) == max(
            pairs, key=lambda pair: tuple(map(float, pair))
        )


def test_the_score_is_that_of_the_best_pair_and_not_of_the_last_epoch(planted, tmp_path):
    (trial,) = TrialStudy(AGENT).trials(1)
    keywords = {"num_frames": 10, "target_frames": 4}
    (work,) = make_runs(AGENT, trial, [str(planted)], keywords, 1, tmp_path, 20.0)
    train_trial_run(work)
    metrics = work.folder / "metrics.csv"
    with metrics.open(newline="") as file:
        row = next(csv.DictReader(file))
    # Accuracy first; among equals the probability of the true class decides.
    epochs = [(0.5, 0.9, 40, 1), (0.75, 0.25, 80, 2), (0.75, 0.5, 120, 3), (0.25, 0.75, 160, 4)]
    with metrics.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(row))
        writer.writeheader()
        for validation, p_c, episodes, seconds in epochs:
            changed = {"validation": validation, "validation_p_c": p_c}
            writer.writerow({**row, **changed, "episodes": episodes, "seconds": seconds})
    # The best epoch's score, at the cost of all epochs.
    assert train_trial_run(work) == TrialScore(0.75, 0.5, 160, 4.0)


def test_a_search_is_repeated_exactly(log, sealed, tmp_path, capsys):
    again = tmp_path / "again.csv"
    search("--data", sealed, "--agent", AGENT, "--trials", 3, *SMALL, "--out", again)
    assert timeless(again) == timeless(log)


def test_an_interrupted_search_goes_on_where_it_was(log, sealed, tmp_path, capsys, monkeypatch):
    out, done = tmp_path / "log.csv", []

    def interrupted(work):
        done.append(work)
        if len(done) == 3:
            raise KeyboardInterrupt
        return train_trial_run(work)

    monkeypatch.setattr("agents.commands.search.train_trial_run", interrupted)
    asked = ["--data", sealed, "--agent", AGENT, "--trials", 3, *SMALL, "--out", out]
    with pytest.raises(SystemExit) as caught:
        search(*asked)
    assert caught.value.code == 130 and len(rows(out)) == 2
    # Killed in the midst of a line, a log ends with a part of it.
    out.write_text(out.read_text() + rows(log)[2]["agent"])
    monkeypatch.setattr("agents.commands.search.train_trial_run", lambda w: done.append(w) or do(w))
    do, done[:] = train_trial_run, []
    search(*asked)
    assert len(done) == 4 and timeless(out) == timeless(log)
    assert {file.name for file in tmp_path.iterdir()} == {"log.csv", "log.csv.journal"}
    printed = capsys.readouterr().out
    assert "3 trials, validation, mean of 2 runs each" in printed

    done.clear()
    before = out.read_bytes()
    search(*asked)
    assert not done and out.read_bytes() == before
    search(*asked, "--trials", 4)
    assert len(done) == 2 and out.read_bytes().startswith(before)
    done.clear()
    search(*asked, "--trials", 1, "--budget", 100)  # other settings are other runs
    assert len(done) == 2


def test_the_best_trial_is_printed_first(log, sealed, capsys):
    search("--data", sealed, "--agent", AGENT, "--trials", 3, *SMALL, "--out", log)
    printed = capsys.readouterr().out
    means = {}
    for row in rows(log):
        pair = float(row["validation"]), float(row["validation_p_c"])
        means.setdefault(row["trial"], []).append(pair)
    order = sorted(means, key=lambda trial: tuple(np.mean(means[trial], axis=0)), reverse=True)
    first = [line.split()[0] for line in printed.splitlines() if re.match(r" \d+ ", line)]
    assert first[: len(order)] == order
    assert printed.splitlines()[-2].startswith(f"best: --agent {AGENT}")


def test_agents_share_a_log(log, sealed, tmp_path, capsys):
    out = tmp_path / "log.csv"
    shutil.copy(log, out)
    soft = "soft-attention@epochs=2,hidden_size=8"
    search("--data", sealed, "--agent", soft, "--trials", 2, *SMALL, "--out", out)
    assert out.read_bytes().startswith(log.read_bytes())
    assert [row["agent"] for row in rows(out)] == [AGENT] * 6 + [soft] * 4


def test_trials_are_drawn_without_repetition_and_can_be_named():
    trials = TrialStudy("reinforce").trials(1000)
    configs = [trial.choice.config for trial in trials]
    assert len(trials) == 3 * 2 * 2 * 2 * 2 * 2 and len(set(configs)) == len(trials)
    assert configs[0] == parse_agent("reinforce").config
    assert [trial.number for trial in trials] == list(range(len(trials)))
    assert TrialStudy("reinforce").trials(5) == trials[:5]
    assert TrialStudy("reinforce", seed=1).trials(5) != trials[:5]
    for text in ("reinforce", "reinforce@hidden_size=8,preset=paper"):
        for trial in TrialStudy(text, seed=3).trials(6):
            assert parse_agent(trial.text(text)).config == trial.choice.config
    assert {
        one.choice.config.hidden_size for one in TrialStudy("reinforce@hidden_size=8").trials(99)
    } == {8}
    # What the agent would refuse is not tried: leave-one-out needs two selections.
    assert len(TrialStudy("reinforce@learning_rate=0.1,dropout=0.1,ent_coef=0.1").trials(99)) == 8


def drawn(study, count):
    """The hyper-parameters of trials whose scores favour a large learning rate."""
    for trial in study.trials(count):
        study.tell(trial, trial.hyper["learning_rate"] + 0.001 * trial.hyper["dropout"])
    return [trial.hyper for trial in study.trials(count)]


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_a_study_is_resumed_from_its_journal_exactly(sampler, tmp_path):
    whole = TrialStudy("reinforce", sampler, 5, tmp_path / "whole")
    drawn(whole, 8)
    expected = drawn(whole, 14)
    drawn(TrialStudy("reinforce", sampler, 5, tmp_path / "broken"), 8)
    half = TrialStudy("reinforce", sampler, 5, tmp_path / "broken")
    half.trials(11)  # killed while the second round was drawn
    assert drawn(TrialStudy("reinforce", sampler, 5, tmp_path / "broken"), 14) == expected
    assert len({tuple(hyper.values()) for hyper in expected}) == 14
    other = TrialStudy("reinforce", sampler, 5, tmp_path / "broken", settings="others")
    assert other.study.study_name != half.study.study_name and len(other.study.trials) == 1


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_values_that_are_tuples_are_searched_and_resumed_too(sampler, tmp_path):
    text = "plackett-luce@learning_rate=0.01,hidden_size=8,dropout=0.0,episodes=4"
    first = TrialStudy(text, sampler, 0, tmp_path / "journal").trials(3)
    trials = TrialStudy(text, sampler, 0, tmp_path / "journal").trials(99)
    assert (
        trials[:3] == first and len({trial.choice.config for trial in trials}) == len(trials) == 4
    )
    assert {trial.choice.config.frames for trial in trials} == {(), (1, 2, 4, 8)}
    assert all(parse_agent(trial.text(text)) == trial.choice for trial in trials)


def test_tpe_learns_from_scores_and_exhausts_the_space():
    # With the state fixed, there are as many combinations as the 24 draws can tell apart.
    study, count = TrialStudy("reinforce@state=feature", "tpe", 0), 24
    for number in range(8, count + 1):
        drawn(study, number)
    best = [hyper["learning_rate"] == 3e-3 for hyper in drawn(study, count)]
    assert sum(best[8:]) >= 8  # of 16 draws, where chance gives a third
    assert len(study.trials(1000)) == 48


def test_a_search_by_tpe_in_rounds(sealed, tmp_path, capsys):
    out = tmp_path / "log.csv"
    soft = "soft-attention@epochs=1,hidden_size=4"
    asked = ["--data", sealed, "--agent", soft, *SMALL, "--seeds", 1, "--sampler", "tpe"]
    search(*asked, "--trials", 9, "--out", out)
    assert [row["trial"] for row in rows(out)] == [str(number) for number in range(9)]
    assert len({row["hyper"] for row in rows(out)}) == 9
    before = out.read_bytes()
    search(*asked, "--trials", 9, "--out", out)
    assert out.read_bytes() == before


def test_bad_input_is_one_line(planted, regression, tmp_path, capsys):
    out = tmp_path / "log.csv"
    asked = ["--data", planted, "--agent", AGENT, *SMALL, "--out", out]
    mine = tmp_path / "mine.csv"
    mine.write_text("a,b\n1,2\n")
    for arguments, message in (
        (["--trials", 0], "trials=0: must be at least 1"),
        (["--seeds", 0], "seeds=0: must be at least 1"),
        (["--agent", "dream"], "unknown agent 'dream'"),
        (["--data", "absent.h5"], "absent.h5: no such file"),
        (["--data", planted, regression], "cannot be averaged"),
        (["--reward", "luck"], "unknown reward 'luck'"),
        (["--target-frames", 11], "target_frames=11"),
        (["--out", mine], "mine.csv: is not the log of a search"),
    ):
        capsys.readouterr()
        with pytest.raises(SystemExit) as caught:
            search(*asked, *arguments)
        assert caught.value.code == 2
        (line,) = capsys.readouterr().err.strip().splitlines()
        assert message in line
    assert [file.name for file in tmp_path.iterdir()] == ["mine.csv"]
    with pytest.raises(FrameSelectError):
        TrialStudy("reinforce@magic=1")
