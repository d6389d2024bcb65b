"""Gymnasium's own wrappers run on the native vector environment and on the single one."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.wrappers import vector as wrappers

from frame_select_env import envs

IDS = list(envs.ENVIRONMENTS)


def play(env: gym.vector.VectorEnv, steps: int = 40) -> list[tuple]:
    env.reset(seed=0)
    env.action_space.seed(0)
    return [env.step(env.action_space.sample()) for _ in range(steps)]


@pytest.fixture(params=IDS)
def make(request, planted):
    return lambda **more: gym.make_vec(
        request.param, num_envs=4, data=str(planted), num_frames=9, observation="index", **more
    )


def test_record_episode_statistics(make):
    env = wrappers.RecordEpisodeStatistics(make())
    returns = 0.0
    for _, reward, ended, _, info in play(env):
        returns += reward.sum()
        for slot in np.flatnonzero(ended):
            assert info["episode"]["l"][slot] >= 1 and info["_episode"][slot]
            returns -= info["episode"]["r"][slot]
    # The rest of the rewards belongs to episodes that are still running.
    assert returns == pytest.approx(0.0)  # their rewards are all terminal
    assert env.episode_count > 5


def test_normalize_and_clip_reward(make):
    env = wrappers.ClipReward(wrappers.NormalizeReward(make(autoreset_mode="SameStep")), -1, 1)
    rewards = np.array([reward for _, reward, _, _, _ in play(env)])
    assert np.isfinite(rewards).all() and rewards.min() >= -1 and rewards.max() <= 1
    assert np.abs(rewards).max() > 0


def test_flatten_observation_and_dict_info_to_list(make):
    flat = wrappers.FlattenObservation(make())
    for observation, *_ in play(flat, 10):
        assert flat.observation_space.contains(observation)
    listed = wrappers.DictInfoToList(make())
    for _, _, ended, _, infos in play(listed, 20):
        assert len(infos) == 4
        for slot in np.flatnonzero(ended):
            assert {"video", "p0", "p1", "reward_terms"} <= set(infos[slot])


@pytest.mark.parametrize("name", IDS)
def test_single_wrappers(planted, name):
    env = gym.make(name, data=str(planted), num_frames=9, observation="index")
    env = gym.wrappers.RecordEpisodeStatistics(gym.wrappers.FlattenObservation(env))
    env = gym.wrappers.NormalizeReward(env, gamma=1.0)
    env.action_space.seed(0)
    for seed in range(5):
        observation, _ = env.reset(seed=seed)
        over = False
        while not over:
            assert env.observation_space.contains(observation)
            observation, reward, over, _, info = env.step(env.action_space.sample())
        assert np.isfinite(reward) and info["episode"]["l"] >= 1


@pytest.mark.parametrize("name", IDS)
def test_async_vector_environments(planted, name):
    keywords = {"data": str(planted), "num_frames": 9, "observation": "index"}
    both = [
        gym.make_vec(name, num_envs=2, vectorization_mode=mode, **keywords)
        for mode in ("async", "vector_entry_point")
    ]
    try:
        for left, right in zip(play(both[0], 12), play(both[1], 12), strict=True):
            assert all(np.array_equal(left[0][key], right[0][key]) for key in left[0])
            assert np.array_equal(left[1], right[1]) and np.array_equal(left[2], right[2])
    finally:
        both[0].close()
