"""The head as a factor: caches that are made, rankings, and Kendall's tau between heads."""

import csv
from types import SimpleNamespace

import numpy as np
import pytest

from agents.__main__ import main
from agents.comparison.samples import Sample
from agents.evaluation.intervals import Interval
from agents.reproduction.heads import HEADS, agreements
from agents.reproduction.study import AGENT, parse_sources
from frame_select_env import open_cache

AGENTS = ("reinforce@hidden_size=4,epochs=2", "soft-attention@hidden_size=4,epochs=2")


def rows(file):
    with file.open(newline="") as opened:
        return list(csv.DictReader(opened))


def figure(head, agent, scores):
    """A figure of 2 runs; `scores` are its accuracy and that in each resample."""
    value, *resampled = scores
    sample = Sample(np.full(2, value), np.repeat(np.array(resampled)[:, None], 2, axis=1))
    line = SimpleNamespace(source=head, ranking=AGENT)
    interval = Interval(value, value, value)
    return SimpleNamespace(
        line=line, ranking=agent, frames="chosen", score=interval, samples=[sample]
    )


def test_tau_and_its_interval_by_hand():
    first = {"a": [0.3, 0.3, 0.3], "b": [0.2, 0.2, 0.2], "c": [0.1, 0.1, 0.1]}
    second = {"a": [0.9, 0.9, 0.7], "b": [0.7, 0.8, 0.8], "c": [0.8, 0.7, 0.9]}
    made = [
        figure(head, agent, scores)
        for head, own in (("logistic", first), ("mlp", second))
        for agent, scores in own.items()
    ]
    (found,) = agreements(made)
    assert (found.frames, found.first, found.second) == ("chosen", "logistic", "mlp")
    # One of three pairs is the other way round; none and all are in the two resamples.
    assert found.tau.value == pytest.approx(1 / 3)
    low, high = np.quantile([1, -1], [0.025, 0.975])
    assert (found.tau.low, found.tau.high) == pytest.approx((low, high))


def test_heads_that_tell_no_agents_apart_have_no_tau():
    made = [figure(head, agent, [0.5, 0.5]) for head in ("a", "b") for agent in ("x", "y")]
    (found,) = agreements(made)
    assert np.isnan(found.tau.value)


def test_a_cache_without_a_name_is_the_given_one():
    assert parse_sources(HEADS, ["x.h5"]) == {"given": "x.h5"}
    both = ["logistic=a.h5", "mlp=b.h5"]
    assert parse_sources(HEADS, both) == {"logistic": "a.h5", "mlp": "b.h5"}


def test_other_heads_are_made_once_and_agents_trained_on_all(planted, tmp_path, capsys):
    out = tmp_path / "deep" / "out"
    command = ["reproduce", "heads", "--data", str(planted), "--out", str(out), "--jobs", "1"]
    command += ["--agents", *AGENTS, "--seeds", "2", "--num-frames", "6", "--frames", "2"]
    command += ["--resamples", "20"]
    main(command)
    made = {kind: open_cache(out.with_name(f"out-{kind}.h5")) for kind in ("logistic", "mlp")}
    assert made["mlp"].provenance["original"]["digest"] == open_cache(planted).digest
    table = {(row["line"], row["agent"], row["frames"]): row for row in rows(out / "table.csv")}
    whole = {head: float(table[f"{head}: all frames", "", "all"]["accuracy"]) for head in made}
    for head, cache in made.items():
        test = cache.rows("test")
        told = cache.read(test, 6)
        mean = told.predictions.sum(axis=1).argmax(axis=1)  # padding is zeros
        assert whole[head] == pytest.approx((mean == cache.labels[test]).mean(), abs=1e-6)
    ranking = rows(out / "ranking.csv")
    assert {row["head"] for row in ranking} == {"given", "logistic", "mlp"}
    for row in ranking:
        own = table[row["head"], row["agent"], row["frames"]]
        assert float(row["accuracy"]) == pytest.approx(float(own["accuracy"]), abs=2e-6)
    pairs = [(row["first"], row["second"]) for row in rows(out / "tau.csv")]
    assert pairs == 2 * [("given", "logistic"), ("given", "mlp"), ("logistic", "mlp")]
    text = (out / "table.md").read_text()
    assert "- Kendall's tau of the agents' ranking, given against logistic, chosen: " in text
    before = {file: file.stat().st_mtime_ns for file in out.parent.rglob("*.h5")}
    capsys.readouterr()
    main(command)
    assert "out-mlp.h5 was made before; delete it to train its head again" in (
        capsys.readouterr().out
    )
    assert {file: file.stat().st_mtime_ns for file in out.parent.rglob("*.h5")} == before
    with pytest.raises(SystemExit):
        main([*command[:3], "cues", *command[4:]])
    assert "out-logistic.h5: is not made of" in capsys.readouterr().err
