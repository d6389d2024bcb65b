"""Every id in every observation mode with keywords of every kind."""

from dataclasses import fields

import pytest

from frame_select_env import envs

IDS = list(envs.ENVIRONMENTS)

MODES = [
    (name, mode)
    for name, (single, _) in envs.ENVIRONMENTS.items()
    for mode in single.process.settings_class.observations
]

VARIANTS = [
    {},
    {"alpha": 0.3},
    {"empty": "baseline", "reward": {"delta_prob": 1.0, "budget": 0.1}},
    {"chunk": 4},
    {"chunk": 3, "dense": True},
    {"picks": 3, "stop": True},
    {"picks": 9, "dense": True},
    {"view": 1},
    {"view": "random", "alpha": 0.3},
    {"skips": [1, 2, 4]},
    {"skips": [3], "chunk": 2, "dense": True},
    {"preview": "flow", "picks": 3, "view": "random"},
    {"aggregator": "max", "view": "random"},
    {"aggregator": "judge"},
    {"action": "multi_discrete"},
]

# The variants that change the spaces: a flat observation is the same code for all others.
RESHAPED = [{}, {"view": "random", "alpha": 0.3}, {"preview": "flow", "picks": 3, "view": "random"}]

GLANCE = "FrameSelect/Glance-v0"

REFUSED = {GLANCE: {"alpha", "empty"}}  # keywords that have to keep their defaults


def variants(name: str) -> list[dict]:
    """The variants whose keywords the id takes."""
    possible = taken(name) - REFUSED.get(name, set())
    return [keywords for keywords in VARIANTS if set(keywords) <= possible]


def taken(name: str) -> set[str]:
    """The keywords that the id takes."""
    return {field.name for field in fields(envs.ENVIRONMENTS[name][0].process.settings_class)}


CASES = [
    pytest.param(name, mode, keywords, id=f"{name}-{mode}-{keywords}")
    for name, mode in MODES
    for keywords in variants(name)
    if ("preview" not in keywords or mode != "index")
    and ("flat" not in mode or keywords in RESHAPED)
]
