"""The bridge gives SB3 what DummyVecEnv gives, for every id and observation mode."""

import gymnasium as gym
import numpy as np
import pytest
from environment_cases import MODES
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv

from agents.stable_baselines.vec_env import BatchVecEnv
from frame_select_env import FrameSelectError, open_cache


def same(left: object, right: object) -> bool:
    """Equal values, all the way down; SB3's copies may turn Python numbers into NumPy's."""
    if isinstance(left, dict):
        return set(left) == set(right) and all(same(left[key], right[key]) for key in left)
    return np.array_equal(left, right)


def both(planted, name, **keywords):
    keywords = {"data": str(planted), "num_frames": 7, **keywords}
    dummy = DummyVecEnv([lambda: Monitor(gym.make(name, **keywords)) for _ in range(4)])
    return BatchVecEnv(name, 4, **keywords), dummy


@pytest.mark.parametrize(("name", "mode"), MODES)
def test_rollouts_equal_those_of_dummy_vec_env(planted, name, mode):
    batch, dummy = both(planted, name, observation=mode)
    assert batch.observation_space == dummy.observation_space
    assert batch.action_space == dummy.action_space
    for env in (batch, dummy):
        env.seed(5)
    assert same(batch.reset(), dummy.reset())
    assert all(same(*pair) for pair in zip(batch.reset_infos, dummy.reset_infos, strict=True))
    batch.action_space.seed(0)
    finished = 0
    for _ in range(50):
        actions = np.array([batch.action_space.sample() for _ in range(4)])
        left, right = batch.step(actions), dummy.step(actions)
        for mine, theirs in zip(left[:3], right[:3], strict=True):
            assert same(mine, theirs)
        assert left[1].dtype == right[1].dtype == np.float32
        for mine, theirs in zip(left[3], right[3], strict=True):
            if "episode" in mine:
                finished += 1
                assert mine["episode"].pop("t") >= 0 and theirs["episode"].pop("t") >= 0
            assert same(mine, theirs)
        assert all(same(*pair) for pair in zip(batch.reset_infos, dummy.reset_infos, strict=True))
    assert finished > 4


def test_masks_come_one_row_each(planted):
    batch, dummy = both(planted, "FrameSelect/Pick-v0", observation="index")
    for env in (batch, dummy):
        env.seed(1)
        env.reset()
    for _ in range(10):
        mine, theirs = (env.env_method("action_masks") for env in (batch, dummy))
        assert len(mine) == 4 and all(row.dtype == bool for row in mine)
        assert np.array_equal(mine, theirs)
        assert np.array_equal(batch.env_method("action_masks", indices=[2])[0], theirs[2])
        actions = np.array([row.argmax() for row in mine])
        batch.step(actions), dummy.step(actions)
    assert batch.has_attr("action_masks")
    assert not BatchVecEnv("FrameSelect/OneShot-v0", 2, data=str(planted)).has_attr("action_masks")


def test_options_choose_the_videos(planted):
    batch, dummy = both(planted, "FrameSelect/Sequential-v0", observation="index")
    for env in (batch, dummy):
        env.set_options([{"video": row} for row in (3, 1, 4, 1)])
    assert same(batch.reset(), dummy.reset())
    batch.set_options([{"video": 3}, {}, {}, {}])
    with pytest.raises(FrameSelectError, match="for every environment or for none"):
        batch.reset()
    for env in (*both(planted, "FrameSelect/Sequential-v0", observation="index"),):
        env.set_options({"vido": 3})
        with pytest.raises(FrameSelectError, match="unknown option of reset 'vido'"):
            env.reset()


def test_options_choose_the_views(viewed):
    keywords = {"view": "random", "stream": "rgb"}
    batch, dummy = both(viewed, "FrameSelect/OneShot-v0", **keywords)
    for env in (batch, dummy):
        env.set_options(
            [{"video": row, "view": view} for row, view in ((0, 1), (0, 0), (1, 1), (1, 0))]
        )
    first = batch.reset()
    assert same(first, dummy.reset())
    assert not np.array_equal(first["features"][0], first["features"][1])


def test_flattened_index_observations(planted):
    keywords = {"data": str(planted), "num_frames": 7, "observation": "index"}
    flat = BatchVecEnv("FrameSelect/Sequential-v0", 3, flatten=True, **keywords)
    plain = BatchVecEnv("FrameSelect/Sequential-v0", 3, **keywords)
    for env in (flat, plain):
        env.seed(0)
    vectors, parts = flat.reset(), plain.reset()
    for step in range(12):
        joined = [parts["video"], parts["cursor"], parts["selected"]]
        assert np.array_equal(vectors, np.concatenate(joined, axis=1))
        assert vectors.dtype == np.int32 and flat.observation_space.contains(vectors[0])
        actions = np.full(3, step % 2)
        (vectors, _, ended, infos), (parts, *_) = flat.step(actions), plain.step(actions)
        for slot in np.flatnonzero(ended):
            assert infos[slot]["terminal_observation"].shape == (9,)
    with pytest.raises(FrameSelectError, match="flatten=True: requires observation='index'"):
        BatchVecEnv("FrameSelect/Sequential-v0", 3, data=str(planted), flatten=True)


def test_ppo_and_dqn_learn_through_it(planted):
    one_shot = BatchVecEnv("FrameSelect/OneShot-v0", 4, data=str(planted), num_frames=7)
    ppo = PPO("MultiInputPolicy", one_shot, n_steps=16, batch_size=32, n_epochs=1, seed=0)
    ppo.learn(64)
    # Episode statistics arrive without a Monitor: each of the 64 steps is an episode.
    assert [episode["l"] for episode in ppo.ep_info_buffer] == [1] * 64
    assert {episode["r"] for episode in ppo.ep_info_buffer} <= {-10, -1, 0, 1, 10}
    frames = BatchVecEnv(
        "FrameSelect/Sequential-v0", 2, data=str(planted), num_frames=7, observation="frame"
    )
    dqn = DQN("MultiInputPolicy", frames, learning_starts=10, buffer_size=200, seed=0)
    dqn.learn(60)
    lengths = [episode["l"] for episode in dqn.ep_info_buffer]
    assert set(lengths) <= {3, 4, 5, 6, 7} and 0 <= dqn.num_timesteps - sum(lengths) < 2 * 7


def test_attributes_are_the_batchs(planted):
    env = BatchVecEnv("FrameSelect/OneShot-v0", 3, data=str(planted))
    assert env.get_attr("cache", indices=[0, 2]) == [env.env.cache] * 2
    with pytest.raises(FrameSelectError, match="is shared by all environments"):
        env.set_attr("note", 1, indices=[0])
    env.set_attr("note", 1)
    assert env.get_attr("note") == [1, 1, 1]
    assert env.env_is_wrapped(Monitor) == [True] * 3


def test_the_environment_draws_training_videos_only_each_as_often(planted):
    cache = open_cache(planted)
    rows = cache.rows("train")[:6]
    env = BatchVecEnv(
        "FrameSelect/OneShot-v0", 4, rows=rows, repeats=2, data=str(planted), observation="index"
    )
    env.seed(3)
    seen = [env.reset()["video"][:, 0]]
    for _ in range(5):
        observation, *_ = env.step(np.ones((4, 25)))
        seen.append(observation["video"][:, 0])
    drawn = np.concatenate(seen)
    assert (drawn[0::2] == drawn[1::2]).all()  # twice each
    assert sorted(drawn[:12]) == sorted(np.repeat(rows, 2))
    env.seed(3)
    assert np.array_equal(env.reset()["video"][:, 0], seen[0])


def test_the_scale_multiplies_the_whole_reward_but_not_the_statistics(planted):
    keywords = {"data": str(planted), "observation": "index", "dense": True}
    plain = BatchVecEnv("FrameSelect/Sequential-v0", 3, **keywords)
    scaled = BatchVecEnv("FrameSelect/Sequential-v0", 3, reward_scale=0.1, **keywords)
    for env in (plain, scaled):
        env.seed(0)
        env.reset()
    for _ in range(30):
        one, two = (env.step(np.ones(3, int)) for env in (plain, scaled))
        np.testing.assert_allclose(two[1], 0.1 * one[1], rtol=1e-6)
    assert scaled.returns == plain.returns and scaled.episodes == plain.episodes > 0
