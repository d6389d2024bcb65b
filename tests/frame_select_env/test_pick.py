"""Pick: the mask, repeats, stopping, and the order of picking, which changes nothing."""

import gymnasium as gym
import numpy as np
import pytest

from frame_select_env import FrameSelectError

PICK = "FrameSelect/Pick-v0"


def row_of_length(env: gym.Env, length: int) -> int:
    return int(np.flatnonzero(env.unwrapped.cache.lengths == length)[0])


@pytest.fixture
def env(planted):
    return gym.make(PICK, data=str(planted), num_frames=9, observation="index", picks=4)


def test_the_mask_forbids_repeats_and_padding(env):
    _, info = env.reset(options={"video": row_of_length(env, 5)})
    assert info["action_mask"].dtype == np.int8
    assert info["action_mask"].tolist() == [1, 1, 1, 1, 1, 0, 0, 0, 0]
    _, _, _, _, info = env.step(2)
    assert info["action_mask"].tolist() == [1, 1, 0, 1, 1, 0, 0, 0, 0]
    assert env.unwrapped.action_masks().tolist() == (info["action_mask"] == 1).tolist()
    assert env.unwrapped.action_masks().dtype == bool


def test_a_repeat_and_padding_are_no_ops_that_use_a_step(env):
    env.reset(options={"video": row_of_length(env, 5)})
    steps = [env.step(action) for action in (2, 2, 7, 0)]
    assert [over for _, _, over, _, _ in steps] == [False, False, False, True]
    observation, _, _, _, info = steps[-1]
    assert np.flatnonzero(info["selected"]).tolist() == [0, 2]
    assert observation["cursor"].tolist() == [4]


def test_the_episode_ends_when_no_valid_frame_is_left(env):
    env.reset(options={"video": row_of_length(env, 3)})
    steps = [env.step(action) for action in (1, 0, 2)]
    assert [over for _, _, over, _, _ in steps] == [False, False, True]
    info = steps[-1][4]
    assert (info["p1"] == info["p0"]).all() and steps[-1][1] == 0.0
    assert not info["action_mask"].any()


def test_stopping_is_one_more_action_and_always_legal(planted):
    env = gym.make(PICK, data=str(planted), num_frames=9, stop=True, picks=4)
    assert env.action_space.n == 10
    _, info = env.reset(options={"video": row_of_length(env, 5)})
    assert info["action_mask"].tolist() == [1, 1, 1, 1, 1, 0, 0, 0, 0, 1]
    env.step(3)
    _, _, over, _, info = env.step(9)
    assert over and np.flatnonzero(info["selected"]).tolist() == [3]


def test_the_order_of_picking_changes_no_bit(env):
    results = []
    for order in ([0, 3, 5, 6], [6, 5, 3, 0], [3, 6, 0, 5]):
        env.reset(options={"video": row_of_length(env, 9)})
        for action in order:
            _, reward, _, _, info = env.step(action)
        results.append((reward, info["p1"].tolist(), info["selected"].tolist()))
    assert results[0] == results[1] == results[2]


def test_the_vector_gives_every_slot_its_mask(planted):
    envs = gym.make_vec(PICK, num_envs=6, data=str(planted), num_frames=9, observation="index")
    _, info = envs.reset(seed=0)
    masks = envs.unwrapped.action_masks()
    assert masks.shape == (6, 9) and masks.dtype == bool
    assert np.array_equal(info["action_mask"], masks) and info["action_mask"].dtype == np.int8
    assert info["_action_mask"].all()
    assert masks.sum(1).tolist() == envs.unwrapped.episodes.length.tolist()


def test_random_legal_actions_never_raise_and_always_add_a_frame(env):
    env.action_space.seed(0)
    for seed in range(20):
        _, info = env.reset(seed=seed)
        over, steps = False, 0
        while not over:
            action = env.action_space.sample(mask=info["action_mask"])
            _, _, over, _, info = env.step(action)
            steps += 1
        assert info["selected"].sum() == steps


def test_picks_beyond_the_frames_and_actions_out_of_range(planted, env):
    with pytest.raises(FrameSelectError, match="picks=10: must be an integer from 1 to 9"):
        gym.make(PICK, data=str(planted), num_frames=9, picks=10)
    with pytest.raises(FrameSelectError, match="stop='yes': must be one of False, True"):
        gym.make(PICK, data=str(planted), stop="yes")
    assert gym.make(PICK, data=str(planted), num_frames=5).unwrapped.episodes.settings.picks == 5
    env.reset(seed=0)
    with pytest.raises(FrameSelectError, match="action 9 is out of range; allowed: 0 to 8"):
        env.unwrapped.step(9)


def test_an_explicit_number_of_picks_is_never_lowered(planted):
    keywords = {"data": str(planted), "num_frames": 5}
    assert gym.make(PICK, **keywords).unwrapped.episodes.settings.picks == 5
    assert gym.make(PICK, **keywords).unwrapped.episodes.settings.target_frames == 5
    assert gym.make(PICK, data=str(planted)).unwrapped.episodes.settings.picks == 8
    for name in ("picks", "target_frames"):
        with pytest.raises(FrameSelectError, match=f"{name}=8: must be an integer from 1 to 5"):
            gym.make(PICK, **keywords, **{name: 8})
