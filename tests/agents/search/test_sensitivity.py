"""What a search's log says of hyper-parameters: by hand, and through the real entry point."""

import csv
import json

import pytest
from matplotlib.text import Text

from agents.__main__ import main
from agents.search.sensitivity import (
    NOTE,
    sensitivities,
    sensitivity_table,
    sensitivity_title,
)
from agents.search.study import TrialScore, append_to_log

# The score depends on the learning rate alone; the size, a list and a constant do nothing.
HYPER = [
    {"learning_rate": rate, "hidden_size": size, "frames": frames, "gamma": 1.0}
    for rate in (0.01, 0.001)
    for size in (64, 128)
    for frames in ([1, 2], [])
]


def score(validation: float) -> TrialScore:
    return TrialScore(validation, 0.5, 100, 1.0)


def key(hyper: object, seed: int = 0, agent: str = "reinforce", trial: int = 0) -> tuple[str, ...]:
    return agent, str(trial), json.dumps(hyper), "digits", str(seed), '{"fold": "default"}', "ab"


def runs() -> dict[tuple[str, ...], TrialScore]:
    """Two seeds, .1 apart, of every trial."""
    return {
        key(hyper, seed, trial=trial): score((0.8 if hyper["learning_rate"] > 0.005 else 0.4) + add)
        for trial, hyper in enumerate(HYPER)
        for seed, add in ((0, 0.0), (1, 0.1))
    }


def test_marginals_and_importance_by_hand() -> None:
    (found,) = sensitivities(runs())
    assert (found.agent, len(found.trials), found.runs, found.left_out) == ("reinforce", 8, 2, 0)
    assert list(found.importance)[0] == "learning_rate"
    assert set(found.importance) == {"learning_rate", "hidden_size", "frames"}  # gamma is constant
    assert found.importance["learning_rate"] == pytest.approx(1)
    assert found.importance["hidden_size"] == pytest.approx(0, abs=1e-9)
    slow, fast = found.marginals("learning_rate")  # numbers ascend
    assert (slow.value, slow.trials, fast.value, fast.trials) == ("0.001", 4, "0.01", 4)
    assert (slow.mean, fast.mean) == pytest.approx((0.45, 0.85))
    assert slow.spread == fast.spread == pytest.approx(0)
    # Of four trials at .85 and four at .45 each size has half: deviations of .2, three degrees.
    for size in found.marginals("hidden_size"):
        assert size.mean == pytest.approx(0.65)
        assert size.spread == pytest.approx((4 * 0.2**2 / 3) ** 0.5)
    rows = sensitivity_table(found).rows
    assert rows[0] == ["learning_rate", "1.00", "0.001", "4", "0.4500", "0.0000"]
    assert rows[1] == ["", "", "0.01", "4", "0.8500", "0.0000"]


def test_trials_are_compared_on_the_same_runs() -> None:
    log = runs()
    del log[key(HYPER[7], 1, trial=7)]  # its mean would be of the other seed alone
    (found,) = sensitivities(log)
    assert (len(found.trials), found.left_out) == (7, 1)
    assert [one.trials for one in found.marginals("learning_rate")] == [3, 4]
    assert sensitivity_title(found) == (
        "reinforce: 7 trials of 2 runs; 1 left out that lack some of them"
    )


def test_an_extended_search_does_not_hide_its_finished_trials() -> None:
    log, usual = runs(), sensitivities(runs())
    for trial, count in ((0, 4), (1, 6), (2, 8)):
        log |= {key(HYPER[trial], seed, trial=trial): score(0.0) for seed in range(2, count)}
        assert sensitivities(log) == usual  # 8 trials of 2 runs are most
    # 4 trials of 4 runs are as many as 8 of 2, and 5 trials more.
    log |= {key(HYPER[3], seed, trial=3): score(0.0) for seed in (2, 3)}
    assert sensitivities(log) == usual
    log |= {key(HYPER[4], seed, trial=4): score(0.0) for seed in (2, 3)}
    (found,) = sensitivities(log)
    assert (len(found.trials), found.runs, found.left_out) == (5, 4, 3)


def test_every_trial_may_lack_another_run() -> None:
    log = {
        key(hyper, seed, trial=trial): score(hyper["learning_rate"])
        for trial, hyper in enumerate(HYPER)
        for seed in range(12)
        if seed != trial
    }
    (found,) = sensitivities(log)  # any n trials share 12 - n runs
    assert (len(found.trials), found.runs, found.left_out) == (6, 6, 2)


def test_trials_of_different_runs_say_nothing() -> None:
    few, many = {"a": 1}, {"a": 2}
    log = {key(few): score(0.5)} | {key(many, seed): score(0.6) for seed in (1, 2)}
    assert sensitivities(log) == []


def test_searches_are_told_apart_and_equal_scores_have_no_importance() -> None:
    log = {**runs(), key({"a": 1}, agent="dqn"): score(0.5), key({"a": 2}, agent="dqn"): score(0.5)}
    log[key({"a": 1}, agent="alone")] = score(0.5)  # one trial says nothing
    first, second = sensitivities(log)
    assert (first.agent, second.agent, second.importance) == ("reinforce", "dqn", {"a": None})
    assert sensitivity_table(second).rows[0] == ["a", "", "1", "1", "0.5000", ""]


def test_scores_that_differ_in_the_last_bit_are_equal() -> None:
    seeds = {"a": (0.1, 0.2, 0.3), "b": (0.3, 0.2, 0.1)}
    assert len({sum(scores) / 3 for scores in seeds.values()}) == 2
    (found,) = sensitivities(
        {key({"x": x}, seed): score(one) for x in seeds for seed, one in enumerate(seeds[x])}
    )
    assert found.importance == {"x": None}
    assert {trial.score for trial in found.trials} == {0.2}


def test_the_importance_does_not_depend_on_the_unit_of_the_scores() -> None:
    (usual,) = sensitivities(runs())
    small = {one: score(1e-9 * reached.validation) for one, reached in runs().items()}
    (found,) = sensitivities(small)
    assert found.importance == pytest.approx(usual.importance)


def test_importances_add_up_to_one_where_hyper_parameters_interact() -> None:
    """Each of two alone explains little; NOTE must not call that its share of the variance."""
    log = {
        key({"a": a, "b": b, "c": 1}, trial=trial): score(0.5 + 0.2 * a * b + 0.01 * a)
        for trial, (a, b) in enumerate([(-1, -1), (-1, 1), (1, -1), (1, 1)])
    }
    (found,) = sensitivities(log)
    assert sum(value or 0.0 for value in found.importance.values()) == pytest.approx(1)
    assert "main effects are scaled to add up to 1" in NOTE and "share" not in NOTE


def test_the_command(tmp_path, capsys, figures) -> None:
    log = tmp_path / "log.csv"
    for one, reached in runs().items():
        append_to_log(log, one, reached)
    main(["sensitivity", str(log), "--latex"])
    out = tmp_path / "log.csv.sensitivity"
    assert f"sensitivity.md, sensitivity.csv and pictures are in {out}" in capsys.readouterr().out
    with (out / "sensitivity.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 6 and float(rows[1]["mean"]) == 0.85
    texts = [text.get_text() for text in figures["search-1.png"].findobj(Text)]
    assert "learning_rate (importance 1.00)" in texts and "[1, 2]" in texts
    page = (out / "sensitivity.md").read_text()
    assert "| learning_rate | 1.00 | 0.001 | 4 | 0.4500 | 0.0000 |" in page
    assert "![Score by hyper-parameter](search-1.png)" in page
    assert r"learning\_rate & 1.00" in (out / "tables" / "search-1.tex").read_text()


def test_bad_input_is_one_line(tmp_path, capsys) -> None:
    log = tmp_path / "log.csv"
    append_to_log(log, key({"a": 1}), score(0.5))
    for path, message in (
        (tmp_path / "none.csv", "none.csv: no such file; name the CSV that `search` wrote"),
        (log, "log.csv: no search in it has two finished trials that differ"),
    ):
        with pytest.raises(SystemExit) as caught:
            main(["sensitivity", str(path)])
        assert caught.value.code == 2
        (line,) = capsys.readouterr().err.strip().splitlines()
        assert message in line
    assert not log.with_name("log.csv.sensitivity").exists()
