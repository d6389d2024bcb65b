"""A reward from the user's own module, by `module:function`."""

import importlib

import gymnasium as gym
import numpy as np
import pytest

from frame_select_env import FrameSelectError

OWN = """
from frame_select_env import register_reward

def thrift(outcome, price=1.0):
    return -price * outcome.selected.sum(axis=1)

@register_reward("own_blind", needs=())
def blind(outcome):
    return 1.0 * outcome.label
"""


@pytest.fixture
def own_module(tmp_path, monkeypatch):
    (tmp_path / "rewards_of_my_own.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    return "rewards_of_my_own"


@pytest.mark.parametrize("make", [gym.make, gym.make_vec])
def test_by_module_and_function(planted, own_module, make):
    spec = {f"{own_module}:thrift": {"price": 2, "weight": 0.5}, "flip_only": 0.0}
    env = make("FrameSelect/OneShot-v0", data=str(planted), num_frames=3, reward=spec)
    env.reset(seed=0)
    keep = np.array([1, 0, 1], np.int8)
    _, reward, _, _, info = env.step(keep if make is gym.make else keep[None])
    assert np.ravel(reward).tolist() == [-2.0]
    assert np.ravel(info["reward_terms"][f"{own_module}:thrift"]).tolist() == [-2.0]


def test_what_it_declared_when_it_was_registered_holds(planted, own_module):
    env = gym.make(
        "FrameSelect/OneShot-v0", data=str(planted), num_frames=3, reward=f"{own_module}:blind"
    ).unwrapped
    env.reset(seed=0)
    with pytest.raises(FrameSelectError, match="'own_blind' reads outcome.label without decl"):
        env.step([1, 0, 1])


def test_a_function_that_does_not_exist(planted, own_module):
    with pytest.raises(FrameSelectError, match="'rewards_of_my_own:trift' cannot be imported"):
        gym.make("FrameSelect/OneShot-v0", data=str(planted), reward=f"{own_module}:trift")
