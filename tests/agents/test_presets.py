"""The presets are what the committed search found, and every agent had as many trials."""

import csv
import json
from collections import defaultdict
from pathlib import Path

import pytest

from agents.registry import AGENTS, agent_design

# Their presets have the defaults, or were tried by hand (those on Glance).
UNSEARCHED = {"dfan", "plackett-luce", "reaction", "reinforce-glance", "dqn-glance", "ppo-glance"}
LOG = Path(__file__).parents[2] / "examples" / "results" / "search.csv"


def trials(agent: str) -> dict[str, list[float]]:
    """Hyper-parameters in JSON -> the validation accuracies of its runs."""
    found: dict[str, list[float]] = defaultdict(list)
    with LOG.open(newline="") as file:
        for row in csv.DictReader(file):
            if row["agent"] == agent:
                found[row["hyper"]].append(float(row["validation"]))
    return dict(found)


@pytest.mark.parametrize("agent", sorted(set(AGENTS) - UNSEARCHED))
def test_no_trial_was_better_than_the_preset(agent):
    preset = agent_design(agent).presets["tuned"]
    # An episode of dqn-chunk has five decisions: returns over 5 and over 25 are the same.
    longest = 5 if agent == "dqn-chunk" else 25

    def value(name: str, found: object) -> object:
        return min(found, longest) if name == "n_steps" else found

    scores, own = [], []
    for text, accuracies in trials(agent).items():
        assert len(accuracies) == 2  # digits and fsdd_in_speech
        scores.append(sum(accuracies) / 2)
        hyper = json.loads(text)
        if all(value(name, getattr(preset, name)) == value(name, v) for name, v in hyper.items()):
            own.append(scores[-1])
    assert len(scores) == 6
    assert own and max(own) == max(scores)
