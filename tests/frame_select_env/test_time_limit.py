"""`max_episode_steps` of the vector environment truncates as the TimeLimit wrapper does."""

import gymnasium as gym
import numpy as np
import pytest
from equality import assert_equal
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from frame_select_env import FrameSelectError, envs

SEQUENTIAL = "FrameSelect/Sequential-v0"


@pytest.mark.parametrize("autoreset", list(AutoresetMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("name", list(envs.ENVIRONMENTS))
def test_truncation_equals_that_of_sync_vector_env(planted, name, autoreset):
    """Videos have 3 to 9 frames here, so some episodes terminate before, some at the limit."""
    limit = 1 if "OneShot" in name else 5
    keywords = {"data": str(planted), "num_frames": 9, "observation": "index"}
    if "Pick" in name:
        keywords["stop"] = True
    native = gym.make_vec(
        name, 5, autoreset_mode=autoreset.value, max_episode_steps=limit, **keywords
    )
    sync = SyncVectorEnv(
        [lambda: gym.make(name, max_episode_steps=limit, **keywords)] * 5, autoreset_mode=autoreset
    )
    assert_equal(native.reset(seed=3), sync.reset(seed=3))
    native.action_space.seed(0)
    kinds = set()
    for step in range(60):
        actions = native.action_space.sample()
        left, right = native.step(actions), sync.step(actions)
        assert_equal(left, right, f"step {step}")
        kinds |= set(zip(left[2].tolist(), left[3].tolist(), strict=True))
        over = left[2] | left[3]
        if autoreset is AutoresetMode.DISABLED and over.any():
            options = {"reset_mask": over}
            assert_equal(native.reset(options=options), sync.reset(options={"reset_mask": over}))
        if step == 30:
            assert_equal(native.reset(seed=[9, 8, None, 7, 6]), sync.reset(seed=[9, 8, None, 7, 6]))
    assert (True, True) in kinds  # at the limit, and over anyway
    assert limit == 1 or {(False, True), (True, False)} <= kinds


def test_the_limit_counts_steps_of_each_slot(planted):
    env = gym.make_vec(
        SEQUENTIAL, 2, data=str(planted), num_frames=9, observation="index", max_episode_steps=2,
        autoreset_mode="Disabled",
    )  # fmt: skip
    lengths = env.unwrapped.cache.lengths
    env.reset(options={"video": int(np.flatnonzero(lengths >= 9)[0])})
    assert env.step([0, 0])[3].tolist() == [False, False]
    env.reset(options={"reset_mask": np.array([True, False])})
    assert env.step([0, 0])[3].tolist() == [False, True]


@pytest.mark.parametrize("limit", [None, -1])
def test_without_a_limit_episodes_terminate(planted, limit):
    env = gym.make_vec(
        SEQUENTIAL, 2, data=str(planted), observation="index", max_episode_steps=limit
    )
    env.reset(seed=0)
    flags = [env.step([0, 1])[2:4] for _ in range(14)]
    assert np.any([ended for ended, _ in flags]) and not np.any([cut for _, cut in flags])


@pytest.mark.parametrize("wrong", [0, -2, 2.5, True, "5"])
def test_the_limit_must_be_a_number_of_steps(planted, wrong):
    with pytest.raises(FrameSelectError, match=f"max_episode_steps={wrong!r}: must be an integer"):
        gym.make_vec(SEQUENTIAL, 2, data=str(planted), max_episode_steps=wrong)


def test_the_limit_is_part_of_the_spec(planted):
    env = gym.make_vec(SEQUENTIAL, 2, data=str(planted), max_episode_steps=2)
    again = gym.make_vec(gym.envs.registration.EnvSpec.from_json(env.spec.to_json()))
    again.reset(seed=0)
    assert [again.step([0, 0])[3].all() for _ in range(2)] == [False, True]
