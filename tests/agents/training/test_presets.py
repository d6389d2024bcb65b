"""The presets are what the committed searches found."""

import csv
import json
from collections import defaultdict
from pathlib import Path

import pytest

from agents.registry import AGENTS, agent_design
from agents.training.run_folder import as_json

# Their presets have the defaults, or were tried by hand (those on Glance).
UNSEARCHED = {"dfan", "reaction", "reinforce-glance", "dqn-glance", "ppo-glance"}
ON_CUES = {"plackett-luce", "soft-attention"}  # searched on cues, in a log of their own
RESULTS = Path(__file__).parents[3] / "examples" / "results"


def trials(log: str, agent: str, data: set[str]) -> dict[str, list[float]]:
    """Hyper-parameters in JSON -> the validation accuracies of its runs on `data`."""
    found: dict[str, list[float]] = defaultdict(list)
    with (RESULTS / log).open(newline="") as file:
        for row in csv.DictReader(file):
            if row["agent"].partition("@")[0] == agent and row["data"] in data:
                found[row["hyper"]].append(float(row["validation"]))
    return dict(found)


@pytest.mark.parametrize("agent", sorted(ON_CUES))
def test_no_trial_on_cues_was_better_than_the_preset(agent):
    preset = as_json(agent_design(agent).presets["tuned"])
    found = trials("search-cues.csv", agent, {"cues"})
    assert len(found) >= 8 and all(len(accuracies) == 2 for accuracies in found.values())
    (own,) = (
        sum(accuracies)
        for text, accuracies in found.items()
        if json.loads(text).items() <= preset.items()
    )
    assert own == pytest.approx(max(map(sum, found.values())), abs=1e-9)


@pytest.mark.parametrize("agent", sorted(set(AGENTS) - UNSEARCHED - ON_CUES))
def test_no_trial_was_better_than_the_preset_and_every_agent_had_as_many(agent):
    preset = agent_design(agent).presets["tuned"]
    # An episode of dqn-chunk has five decisions: returns over 5 and over 25 are the same.
    longest = 5 if agent == "dqn-chunk" else 25

    def value(name: str, found: object) -> object:
        return min(found, longest) if name == "n_steps" else found

    scores, own = [], []
    for text, accuracies in trials("search.csv", agent, {"digits", "fsdd_in_speech.h5"}).items():
        assert len(accuracies) == 2  # digits and fsdd_in_speech
        scores.append(sum(accuracies) / 2)
        hyper = json.loads(text)
        if all(value(name, getattr(preset, name)) == value(name, v) for name, v in hyper.items()):
            own.append(scores[-1])
    assert len(scores) == 6
    assert own and max(own) == max(scores)
