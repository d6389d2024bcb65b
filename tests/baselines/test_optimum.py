"""The known optimum: each selection of a short video is paid, and tables learn the best one."""

import gymnasium as gym
import numpy as np
import pytest
from example_scripts import load_example

from baselines.optimum import every_return
from frame_select_env import FrameSelectError, open_cache
from frame_select_env.rewards import reward_design, reward_names

DESIGNS = {name: reward_design(name) for name in reward_names()}
CLASSES = [  # other tests register designs of their own
    name
    for name, design in DESIGNS.items()
    if "classification" in design.tasks and design.function.__module__.startswith("frame_select_")
]


@pytest.fixture(scope="module")
def example():
    return load_example("known_optimum")


def test_every_selection_is_paid_by_hand(planted):
    cache = open_cache(planted)
    rows = cache.rows("train")[:3]
    found = every_return(rows, 3, data=planted, reward="delta_prob")
    assert found.selections.astype(int).tolist() == [
        [0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 1], [1, 0, 1], [0, 1, 1], [1, 1, 1]
    ]  # fmt: skip
    clips = cache.read(rows, 3)
    own = np.take_along_axis(clips.predictions, cache.labels[rows][:, None, None], axis=2)[..., 0]
    sizes = np.maximum(found.selections.sum(axis=1), 1)
    expected = own @ found.selections.T / sizes - own.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(found.paid, expected, atol=1e-6)
    np.testing.assert_allclose(found.best(1), expected[:, [1, 2, 4]].max(axis=1), atol=1e-6)
    np.testing.assert_allclose(found.best(), expected.max(axis=1), atol=1e-6)
    chosen = np.array([[True, False, True], [False, False, False], [True, True, True]])
    np.testing.assert_allclose(found.of(chosen), expected[[0, 1, 2], [5, 0, 7]], atol=1e-6)


@pytest.mark.parametrize("name", CLASSES)
def test_the_optimum_of_every_reward_is_that_of_the_multi_step_environments_too(planted, name):
    rows = open_cache(planted).rows("train")[:2]
    best = every_return(rows, 4, data=planted, reward=name, target_frames=2)
    env = gym.make_vec(
        "FrameSelect/Sequential-v0",
        num_envs=16,
        data=planted,
        num_frames=4,
        reward=name,
        target_frames=2,
        autoreset_mode="Disabled",
    )
    for place, row in enumerate(rows):
        env.reset(options={"video": np.full(16, row)})
        for frame in range(4):
            _, paid, ended, _, _ = env.step(best.selections[:, frame].astype(int))
        assert ended.all()
        np.testing.assert_array_equal(paid, best.paid[place])


@pytest.mark.parametrize("reward", ["sign_omega", "delta_prob", "margin"])
@pytest.mark.parametrize("learn", ["q_learning", "reinforce"])
def test_tables_reach_the_optimum(example, learn, reward):
    rows = open_cache("digits").rows("train")[:4]
    returns = every_return(rows, 8, data="digits", reward=reward)
    assert (returns.best() - returns.paid[:, -1]).mean() > 0.1  # keeping all frames does not
    chosen = getattr(example, learn)(rows, reward, seed=1)
    np.testing.assert_array_equal(returns.of(chosen), returns.best())


def test_a_video_of_many_frames_cannot_be_enumerated(planted):
    with pytest.raises(FrameSelectError, match="num_frames=13: must be from 1 to 12"):
        every_return(np.array([0]), 13, data=planted)
