"""What a run records of its code: it changes with the code, not with comments."""

import importlib
import sys

import pytest

from agents.registry import parse_agent
from agents.training import provenance
from agents.training.provenance import code_digests
from frame_select_env.versions import versions

REWARD = '''
"""A reward."""
import numpy as np


def certainty(outcome):
    """A docstring."""
    return outcome.p1.max(axis=1){change}  # {comment}
'''


@pytest.fixture
def digest(tmp_path, monkeypatch):
    """The digest of a reward module with a given change and comment."""
    monkeypatch.syspath_prepend(tmp_path)

    def of(change: str = "", comment: str = "why") -> str:
        text = REWARD.format(change=change, comment=comment)
        (tmp_path / "certain_rewards.py").write_text(text)
        sys.modules.pop("certain_rewards", None)
        importlib.invalidate_caches()
        provenance._code.cache_clear()
        spec = {"certain_rewards:certainty": 1.0, "budget": 0.1}
        found = code_digests(parse_agent("reinforce"), spec)
        assert list(found) == ["reinforce", "certain_rewards:certainty", "budget"]
        return found["certain_rewards:certainty"]

    yield of
    sys.modules.pop("certain_rewards", None)


def test_the_digest_changes_with_the_code_and_not_with_comments(digest):
    first = digest()
    assert digest(change=" - 1") != first
    assert digest(comment="another comment") == first


def test_every_agent_has_a_digest_of_its_own_modules():
    names = ("reinforce", "soft-attention", "q-factored", "dqn", "ppo")
    found = {code_digests(parse_agent(name), "sign_omega")[name] for name in names}
    assert len(found) == len(names)
    tuned, other = (code_digests(parse_agent(text), "budget") for text in ("dqn", "dqn@n_steps=1"))
    assert tuned == other  # hyper-parameters are compared by themselves


def test_versions_name_the_libraries_that_figures_depend_on():
    found = versions()
    import numpy
    import torch

    assert found["torch"] == torch.__version__ and found["numpy"] == numpy.__version__
    assert {"frame-select-env", "python", "gymnasium", "stable-baselines3"} <= set(found)
