"""order="once": each video of the split once, in the file's order."""

import gymnasium as gym
import numpy as np
import pytest
from equality import assert_equal
from gymnasium.utils.env_checker import check_env

from frame_select_env import FrameSelectError, envs

ONE_SHOT, SEQUENTIAL = "FrameSelect/OneShot-v0", "FrameSelect/Sequential-v0"


def keywords_for(planted, **more) -> dict:
    return {"data": str(planted), "num_frames": 4, "observation": "index", "order": "once", **more}


def play(env: gym.Env) -> bool:
    """Play an episode by random actions; whether the next one is about a new video."""
    over = False
    while not over:
        _, _, over, _, info = env.step(env.action_space.sample())
        assert info["exhausted"] is False
    return not env.reset()[1]["exhausted"]


@pytest.mark.parametrize("name", list(envs.ENVIRONMENTS))
def test_a_split_is_gone_through_in_the_files_order(planted, name):
    env = gym.make(name, split="val", **keywords_for(planted))
    check_env(env.unwrapped, skip_render_check=True)
    rows = env.unwrapped.cache.rows("val").tolist()
    for _ in range(2):  # a seed starts anew
        observation, info = env.reset(seed=5)
        assert info["exhausted"] is False
        visited = [observation["video"].item()]
        while play(env):
            visited.append(env.unwrapped.episodes.video.item())
        assert visited == rows
    assert env.unwrapped.episodes.video.item() == rows[-1]  # it is still there
    assert env.reset()[1]["exhausted"] is True
    with pytest.raises(FrameSelectError, match="every video of the split had its episode; start a"):
        env.step(env.action_space.sample())


def test_the_seed_decides_nothing_but_the_view(viewed):
    keywords = keywords_for(viewed, stream="rgb", view="random", split="val")
    env = gym.make(ONE_SHOT, **keywords)
    passes = []
    for seed in (1, 1, 2):
        observations = [env.reset(seed=seed)[0], *(env.reset()[0] for _ in range(15))]
        passes.append([(one["video"].item(), one["view"].item()) for one in observations])
    assert passes[0] == passes[1] != passes[2]
    for visited in passes:
        assert [video for video, _ in visited] == env.unwrapped.cache.rows("val").tolist()
        assert {view for _, view in visited} == {0, 1, 2}
    assert env.reset(options={"view": 1})[0]["view"].item() == 1


@pytest.mark.parametrize("num_envs", [1, 3, 16, 18])
@pytest.mark.parametrize("autoreset", ["NextStep", "SameStep", "Disabled"])
def test_slots_share_the_split_as_evaluate_policy_asks(planted, num_envs, autoreset):
    env = gym.make_vec(
        SEQUENTIAL, num_envs, split="val", autoreset_mode=autoreset, **keywords_for(planted)
    )
    rows = env.unwrapped.cache.rows("val").tolist()
    assert len(rows) == 16
    _, info = env.reset(seed=0)
    visited, idle = [[] for _ in range(num_envs)], info["exhausted"]
    while not idle.all():
        before = env.unwrapped.episodes.video.copy()
        _, rewards, ended, _, info = env.step(np.ones(num_envs, int))
        assert not rewards[idle].any() and not ended[idle].any()
        for slot in np.flatnonzero(ended):
            visited[slot].append(before[slot].item())
        if autoreset == "Disabled" and ended.any():
            _, info = env.reset(options={"reset_mask": ended})
        idle = np.where(info["_exhausted"], info["exhausted"], idle)
    for slot in range(num_envs):
        assert visited[slot] == rows[num_envs - 1 - slot :: num_envs]
        assert len(visited[slot]) == (len(rows) + slot) // num_envs
    with pytest.raises(FrameSelectError, match="every video of the split had its episode"):
        env.step(np.ones(num_envs, int))
    again, info = env.reset(seed=0)
    assert not info["exhausted"][max(0, num_envs - 16) :].any()
    shares = [rows[num_envs - 1 - slot :: num_envs] or rows[-1:] for slot in range(num_envs)]
    assert again["video"][:, 0].tolist() == [share[0] for share in shares]


def test_idle_slots_keep_their_observation_and_the_others_their_rewards(planted):
    """A vector of three, of whose slots two have a video less, pays what a single one pays."""
    keywords = keywords_for(planted, split="val", reward="delta_prob")
    single, vector = gym.make(SEQUENTIAL, **keywords), gym.make_vec(SEQUENTIAL, 3, **keywords)
    expected, (observation, _) = {}, single.reset(seed=0)
    for _ in range(16):
        over = False
        while not over:
            keep = int(observation["cursor"][0] % 2)
            observation, reward, over, _, info = single.step(keep)
        expected[info["video"]] = reward
        observation, _ = single.reset()
    paid = {}
    observations, info = vector.reset(seed=0)
    while not info["exhausted"].all():
        idle, before = info["exhausted"], observations
        observations, rewards, ended, _, info = vector.step(before["cursor"][:, 0] % 2)
        paid |= {int(info["video"][slot]): rewards[slot] for slot in np.flatnonzero(ended)}
        for name, values in observations.items():
            assert_equal(values[idle], before[name][idle])
    assert paid == expected and any(paid.values())


def test_videos_of_unknown_label_have_no_turn(partly_labelled):
    env = gym.make(ONE_SHOT, **keywords_for(partly_labelled, num_frames=2))
    visited = [env.reset()[0]["video"].item() for _ in range(6)]
    assert visited == [1, 2, 4, 5, 7, 8] and env.reset()[1]["exhausted"]


def test_a_video_cannot_be_named(planted):
    env = gym.make_vec(ONE_SHOT, 2, **keywords_for(planted))
    with pytest.raises(FrameSelectError, match=r"options\['video'\]: with order='once'"):
        env.reset(options={"video": 3})
    with pytest.raises(FrameSelectError, match="order='twice': must be one of 'random', 'once'"):
        gym.make(ONE_SHOT, **keywords_for(planted, order="twice"))
