"""The front of accuracy against looks: agents, gates and fixed numbers of frames."""

import csv
from dataclasses import replace

import numpy as np
import pytest

from agents.commands.reproduce import STUDIES
from agents.comparison.finished import read_run, train_and_score
from agents.comparison.grid import make_labels
from agents.comparison.results import gather
from agents.reproduction.glance import AGENTS, PRICES, write_front
from agents.reproduction.study import make_specs, measure
from baselines.gates import CoarseToFine, accuracy_and_looks, fit_threshold, look, sureness
from frame_select_env import open_cache

STUDY = STUDIES["glance"]


@pytest.fixture(scope="module")
def measured(plain, tmp_path_factory):
    """The lines of all frames and of one agent at one price, trained for an epoch."""
    out = tmp_path_factory.mktemp("front")
    wanted = f"{AGENTS[0]}, price {PRICES[2]:g}"
    lines = [line for line in STUDY.lines if line.label in ("all frames", wanted)]
    small = f"{AGENTS[0]}@epochs=1,hidden_size=8,batch_size=4"
    study = replace(STUDY, lines=(lines[0], replace(lines[1], agents=(small,))))
    specs = make_specs(study, {"": plain}, study.agents, 2, 6)
    assert {spec.agent.partition("@")[0] for spec in specs} == {AGENTS[0]}
    for spec in specs:
        train_and_score(spec, out, 60)
    finished = {spec: read_run(spec, spec.folder(out), (6,)) for spec in specs}
    results = gather(specs, finished, (6,), (), 50)
    labels = {
        (s.agent, s.reward, s.target_frames): label for s, label in make_labels(specs).items()
    }
    return measure(study, {"": plain}, study.agents, results, labels)


def test_every_agent_stands_at_every_price():
    own = [line for line in STUDY.lines if line.agents and line.agents[0] in AGENTS]
    assert len(own) == len(AGENTS) * len(PRICES)
    assert {line.reward for line in own} == {
        f'{{"correct": 0.5, "confidence": 0.5, "looks": -{price:g}}}' for price in PRICES
    }


def test_the_front_tells_what_was_looked_at_and_what_was_right(measured, plain, tmp_path):
    assert write_front(tmp_path, measured) == ["front.csv", "figure.png"]
    assert (tmp_path / "figure.png").read_bytes()[:4] == b"\x89PNG"
    with (tmp_path / "front.csv").open(newline="") as opened:
        points = {(row["method"], row["price"]): row for row in csv.DictReader(opened)}
    cache = open_cache(plain)
    fit, test = (cache.read(cache.rows(split), 6) for split in ("train", "test"))
    labels = [cache.labels[clips.video] for clips in (fit, test)]
    orders = [CoarseToFine().scores(clips) for clips in (fit, test)]
    threshold = fit_threshold(fit, labels[0], orders[0], "entropy", 0.01)
    looked = look(*sureness(test, orders[1], "entropy"), threshold)
    accuracy, looks = accuracy_and_looks(test, labels[1], looked)
    found = points["coarse-to-fine, entropy gate", "0.01"]
    assert float(found["accuracy"]) == pytest.approx(accuracy, abs=1e-4)
    assert float(found["looks"]) == pytest.approx(looks, abs=1e-3)
    everything = points["all frames", ""]
    right = (test.predictions.mean(axis=1).argmax(axis=1) == labels[1]).mean()
    assert float(everything["accuracy"]) == pytest.approx(right, abs=1e-4)
    assert float(everything["looks"]) == 6
    assert float(points["uniform 6", ""]["accuracy"]) == pytest.approx(right, abs=1e-4)
    assert points["random order, confidence gate", "0.03"]["runs"] == "5"
    agent = next(row for (_, price), row in points.items() if row["kind"] == "agent")
    assert agent["price"] == "0.03" and agent["runs"] == "2"
    results = measured[1].results[0].evaluation.results[measured[1].row, "free"]
    assert float(agent["looks"]) == pytest.approx(np.mean(results.frames), abs=1e-3)
    assert float(agent["accuracy"]) == pytest.approx(1 - results.error.mean(), abs=1e-4)
