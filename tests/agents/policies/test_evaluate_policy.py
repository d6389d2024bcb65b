"""SB3's `evaluate_policy` scores each video of a split once, alone and over the bridge."""

import gymnasium as gym
import numpy as np
import pytest
from equality import assert_equal
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv

from agents.stable_baselines.vec_env import BatchVecEnv
from frame_select_env import FrameSelectError

SEQUENTIAL = "FrameSelect/Sequential-v0"


class EveryOther:
    """A policy that keeps every second frame."""

    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        return observation["cursor"][:, 0] % 2, state


@pytest.fixture
def keywords(planted) -> dict:
    return {
        "data": str(planted), "num_frames": 6, "observation": "index", "split": "test",
        "reward": "delta_prob",
    }  # fmt: skip


def returns_by_hand(keywords: dict) -> dict[int, float]:
    """Video -> return of the policy."""
    env = gym.make(SEQUENTIAL, **keywords)
    returns = {}
    for row in env.unwrapped.cache.rows("test").tolist():
        observation, _ = env.reset(options={"video": row})
        over = False
        while not over:
            observation, reward, over, _, _ = env.step(observation["cursor"] % 2)
        returns[row] = reward
    return returns


@pytest.mark.parametrize("num_envs", [1, 3, 20])
def test_each_video_counts_once(keywords, num_envs):
    expected, visited = returns_by_hand(keywords), []
    assert len(expected) == 12 and len(set(expected.values())) == 12
    keywords["order"] = "once"

    def note(names: dict, _: dict) -> None:
        if names["done"]:
            visited.append(names["info"]["video"])

    if num_envs == 1:
        env = DummyVecEnv([lambda: Monitor(gym.make(SEQUENTIAL, **keywords))])
    else:
        env = BatchVecEnv(SEQUENTIAL, num_envs, **keywords)
    for _ in range(2):
        env.seed(0)
        visited.clear()
        returns, lengths = evaluate_policy(
            EveryOther(), env, n_eval_episodes=12, callback=note, return_episode_rewards=True
        )
        assert dict(zip(visited, returns, strict=True)) == pytest.approx(expected, abs=1e-6)
        assert len(lengths) == len(expected)
    with pytest.raises(FrameSelectError, match=r"start anew by reset\(seed=...\)"):
        evaluate_policy(EveryOther(), env, n_eval_episodes=12)  # not seeded anew


def test_the_bridge_truncates_as_dummy_vec_env(keywords):
    keywords["max_episode_steps"] = 4
    batch = BatchVecEnv(SEQUENTIAL, 4, **keywords)
    dummy = DummyVecEnv([lambda: Monitor(gym.make(SEQUENTIAL, **keywords))] * 4)
    for env in (batch, dummy):
        env.seed(5)
        env.reset()
    truncated = []
    for step in range(24):
        left, right = (env.step(np.full(4, step % 2)) for env in (batch, dummy))
        assert left[2].tolist() == right[2].tolist()
        for mine, theirs in zip(left[3], right[3], strict=True):
            if "episode" in mine:
                assert mine.pop("episode")["l"] == theirs.pop("episode")["l"]
                assert_equal(mine.pop("terminal_observation"), theirs.pop("terminal_observation"))
                truncated.append(mine["TimeLimit.truncated"])
            assert set(mine) == set(theirs)
            assert mine["TimeLimit.truncated"] == theirs["TimeLimit.truncated"]
    assert {True, False} == set(truncated)
