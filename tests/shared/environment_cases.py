"""Every id in every observation mode with keywords of every kind, and comparing what they give."""

from dataclasses import fields

import numpy as np
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
]

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
    if mode == "looked" or "preview" not in keywords
]


def assert_equal(left: object, right: object, where: str = "") -> None:
    """Same types, keys, dtypes, shapes and bits."""
    if isinstance(left, dict):
        assert isinstance(right, dict) and set(left) == set(right), (where, set(left) ^ set(right))
        for key in left:
            assert_equal(left[key], right[key], f"{where}/{key}")
    elif isinstance(left, tuple):
        assert isinstance(right, tuple) and len(left) == len(right)
        for place, pair in enumerate(zip(left, right, strict=True)):
            assert_equal(*pair, f"{where}/{place}")
    elif isinstance(left, np.ndarray):
        assert isinstance(right, np.ndarray), where
        assert left.dtype == right.dtype and left.shape == right.shape, where
        if left.dtype == object:
            for pair in zip(left, right, strict=True):
                assert_equal(*pair, where)
        else:
            assert np.array_equal(left, right), (where, left, right)
    else:
        assert type(left) is type(right) and left == right, (where, left, right)
