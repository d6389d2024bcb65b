"""Which videos are drawn, and how often."""

import gymnasium as gym
import numpy as np
import pytest
from cache_arrays import one_frame_videos
from environment_cases import IDS

from frame_select_env import FrameSelectError, write_cache


@pytest.mark.parametrize("name", IDS)
def test_options_choose_the_video_of_every_slot(planted, name):
    env = gym.make_vec(name, num_envs=3, data=str(planted), observation="index")
    observation, _ = env.reset(seed=0, options={"video": np.array([4, 9, 4])})
    assert observation["video"][:, 0].tolist() == [4, 9, 4]


@pytest.mark.parametrize("name", IDS)
def test_only_the_split_is_drawn_and_all_of_it(planted, name):
    env = gym.make_vec(name, num_envs=40, data=str(planted), split="val", observation="index")
    drawn = set()
    for seed in range(5):
        drawn |= set(env.reset(seed=seed * 100)[0]["video"][:, 0].tolist())
    assert drawn == set(env.unwrapped.cache.rows("val").tolist())


@pytest.mark.parametrize("name", IDS)
def test_videos_of_unknown_label_are_never_drawn(partly_labelled, name):
    env = gym.make_vec(name, num_envs=50, data=partly_labelled, num_frames=2, observation="index")
    assert (env.reset(seed=1)[0]["video"] % 3 != 0).all()
    with pytest.raises(FrameSelectError, match="its label is unknown"):
        env.reset(options={"video": 3})


def test_a_reward_that_reads_labels_needs_a_video_with_one(tmp_path):
    videos = one_frame_videos([-1, -1], [[0.0]] * 2, [[0.5, 0.5]] * 2)
    path = str(write_cache(tmp_path / "c.h5", videos, classes=["a", "b"]))
    with pytest.raises(FrameSelectError, match="split='train' has no video with a known label; us"):
        gym.make(IDS[0], data=path, num_frames=1, reward="margin")


def test_every_video_is_drawn_as_often_over_many_blocks(planted):
    env = gym.make_vec(IDS[0], num_envs=30, data=str(planted), num_frames=1, observation="index")
    env.reset(seed=0)
    rows = env.unwrapped.cache.rows("train")
    drawn = [env.reset()[0]["video"][:, 0] for _ in range(600)]  # a block has 256 videos
    assert all(len(set(map(tuple, np.array(part).T))) == 30 for part in (drawn[:300], drawn[300:]))
    found, counts = np.unique(np.array(drawn), return_counts=True)
    assert found.tolist() == rows.tolist()
    np.testing.assert_allclose(counts, 30 * 600 / len(rows), rtol=0.2)
