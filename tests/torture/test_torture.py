"""A few trials of every part of torture; `make torture` runs them all."""

import json
from collections import Counter

import pytest
from processes import run_module

from tests.torture.processes import ROOT

TRIALS = {
    **{"caches": 15, "inputs": 3, "videos": 1},
    **{"kills": 2, "disks": 2, "readonly": 2, "pairs": 1},
}


@pytest.fixture(scope="module")
def trials(tmp_path_factory):
    """One process for all parts, as most of its time goes into importing and warming up."""
    log = tmp_path_factory.mktemp("torture") / "log"
    parts = [f"{part}={count}" for part, count in TRIALS.items()]
    done = run_module("tests.torture", [*parts, "--seed", 0, "--log", log], ROOT)
    assert log.is_file(), done.stderr
    return [json.loads(line) for line in log.read_text().splitlines()]


@pytest.mark.parametrize("part", TRIALS)
def test_torture_finds_no_violation(trials, part):
    mine = [trial for trial in trials if trial["part"] == part]
    assert not [trial for trial in mine if trial["violation"]]
    assert len(mine) == TRIALS[part]


def test_torture_reaches_what_it_is_for(trials):
    """Not every trial ends before the damage, the kill or the full disk could matter."""
    outcomes = {part: Counter() for part in TRIALS}
    for trial in trials:
        outcomes[trial["part"]][trial["outcome"]] += 1
    assert outcomes["caches"]["refused"] > 8
    assert outcomes["disks"]["full, then resumed"] >= 2
    assert outcomes["readonly"]["refused"] == TRIALS["readonly"]
