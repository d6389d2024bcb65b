"""Whole episodes of each decision process by hand, and the bounds of what is observed."""

import gymnasium as gym
import numpy as np
import pytest

from frame_select_env import FrameSelectError, envs, write_cache

PICK, SEQUENTIAL, ONE_SHOT = (
    f"FrameSelect/{name}-v0" for name in ("Pick", "Sequential", "OneShot")
)


def walk(path, actions, row=0, **keywords):
    keywords = {"num_frames": 10, **keywords}
    env = gym.make(SEQUENTIAL, data=path, observation="index", **keywords)
    env.reset(options={"video": row})
    said, cursors = [], []
    for action in actions:
        said.append(env.unwrapped.episodes.status(0))
        observation, _, over, _, info = env.step(action)
        cursors.append(int(observation["cursor"][0]))
    assert over
    return said, cursors, info


def test_a_walk_over_single_frames(ten_frames):
    said, cursors, info = walk(ten_frames, [0, 1, 1, 0, 0, 0, 0, 0, 0, 1])
    assert said[:2] == ["next: frame 0", "next: frame 1"] and said[-1] == "next: frame 9"
    assert cursors == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    assert np.flatnonzero(info["selected"]).tolist() == [1, 2, 9]
    assert info["p1"].tolist() == [1 - 4 / 16, 4 / 16]  # (1 + 2 + 9) / 3 = 4
    assert info["p0"].tolist() == [1 - 4.5 / 16, 4.5 / 16]


@pytest.mark.parametrize("reading", [{}, {"dense": True}, {"dense": "best"}])
def test_a_walk_over_chunks_of_three(ten_frames, reading):
    said, cursors, info = walk(ten_frames, [0, 1, 0, 1], chunk=3, **reading)
    assert said == [
        "next: frames 0 to 2", "next: frames 3 to 5", "next: frames 6 to 8", "next: frame 9",
    ]  # fmt: skip
    assert cursors == [3, 6, 9, 10]  # the last chunk has one frame
    assert np.flatnonzero(info["selected"]).tolist() == [3, 4, 5, 9]
    assert info["p1"].tolist() == [1 - 5.25 / 16, 5.25 / 16]  # (3 + 4 + 5 + 9) / 4
    # Of nine frames, the last chunk of two has one.
    assert walk(ten_frames, [0, 1, 0, 0, 1], chunk=2, num_frames=9, **reading)[1] == [2, 4, 6, 8, 9]
    # Seven frames are three chunks; the third is cut to one frame.
    said, cursors, info = walk(ten_frames, [0, 0, 1], row=1, chunk=3, **reading)
    assert said[-1] == "next: frame 6" and cursors == [3, 6, 9]
    assert np.flatnonzero(info["selected"]).tolist() == [6]
    assert info["p1"].tolist() == [1 - 6 / 16, 6 / 16]


def test_the_frame_observation_knows_the_mean_of_what_was_kept(ten_frames):
    env = gym.make(SEQUENTIAL, data=ten_frames, num_frames=10, observation="frame", chunk=3)
    observation, _ = env.reset(options={"video": 0})
    assert observation["p1"].tolist() == [0, 0]
    seen = [env.step(action)[0] for action in (1, 0, 1)]
    assert [one["p1"].tolist() for one in seen] == [
        [1 - 1 / 16, 1 / 16], [1 - 1 / 16, 1 / 16], [1 - 4 / 16, 4 / 16],
    ]  # fmt: skip
    assert [one["count"].tolist() for one in seen] == [
        [np.float32(3 / 10)], [np.float32(3 / 10)], [np.float32(6 / 10)],
    ]  # fmt: skip


@pytest.mark.parametrize("stop", [False, True])
def test_picks_by_hand(ten_frames, stop):
    env = gym.make(PICK, data=ten_frames, num_frames=10, observation="index", picks=4, stop=stop)
    _, info = env.reset(options={"video": 1})
    assert info["action_mask"].tolist() == [1] * 7 + [0] * 3 + [1] * stop
    # Frame 9 is padding, 5 is taken twice: both use a step and change nothing.
    for step, (action, legal) in enumerate([(5, 6), (9, 6), (5, 6), (2, 5)]):
        assert env.unwrapped.episodes.status(0) == f"{step} of 4 picks made"
        _, _, over, _, info = env.step(action)
        assert over == (step == 3) and info["action_mask"].sum() == legal + stop
    assert np.flatnonzero(info["selected"]).tolist() == [2, 5]
    assert info["p1"].tolist() == [1 - 3.5 / 16, 3.5 / 16]
    if stop:
        env.reset(options={"video": 0})
        env.step(8)
        _, _, over, _, info = env.step(10)
        assert over and info["p1"].tolist() == [1 - 8 / 16, 8 / 16]


def test_picking_ends_when_no_frame_is_left(ten_frames):
    env = gym.make(PICK, data=ten_frames, num_frames=10, observation="index", picks=10)
    env.reset(options={"video": 1})
    over = [env.step(frame)[2] for frame in (6, 5, 4, 3, 2, 1, 0)]
    assert over == [False] * 6 + [True]


def test_every_number_that_is_observed_has_the_tightest_bounds(ten_frames):
    def bounds(name, key, **keywords):
        box = gym.make(name, data=ten_frames, num_frames=10, **keywords).observation_space[key]
        return float(box.low.min()), float(box.high.max()), box.shape, box.dtype.name

    for name in (ONE_SHOT, SEQUENTIAL, PICK):
        assert bounds(name, "video", observation="index") == (0, 1, (1,), "int32")
        assert bounds(name, "cursor", observation="index") == (0, 10, (1,), "int32")
        assert bounds(name, "predictions") == (0, 1, (10, 2), "float32")
        assert bounds(name, "features") == (0, 1, (10, 2), "float32")
    for key, shape in {"prediction": 2, "p0": 2, "p1": 2, "progress": 1, "count": 1}.items():
        found = bounds(SEQUENTIAL, key, observation="frame")
        assert found == (0, 1, (shape,), "float32")


def test_rows_of_a_larger_cache_are_observed_within_their_bounds(planted):
    env = gym.make(ONE_SHOT, data=str(planted), observation="index")
    assert env.observation_space["video"].high.tolist() == [59]


def test_sums_in_blocks_equal_sums_at_once(ten_frames, monkeypatch):
    env = gym.make_vec(ONE_SHOT, num_envs=5, data=ten_frames, num_frames=10, observation="index")
    actions = np.random.default_rng(0).integers(0, 2, (5, 10))
    given = []
    for block in (2**16, 50, 1):  # all at once, two videos, one
        monkeypatch.setattr("frame_select_env.consensus_table.SUM_BLOCK", block)
        env.reset(options={"video": np.array([0, 1, 0, 1, 0])})
        given.append(env.step(actions)[4]["p1"])
    assert np.array_equal(given[0], given[1]) and np.array_equal(given[0], given[2])
    frames = np.where(np.array([10, 7, 10, 7, 10])[:, None] > np.arange(10), actions, 0)
    assert np.array_equal(given[0][:, 1], frames @ (np.arange(10) / 16) / frames.sum(1))


def test_a_call_in_which_all_slots_reset_begins_episodes_and_nothing_else(ten_frames, monkeypatch):
    env = gym.make_vec(ONE_SHOT, num_envs=3, data=ten_frames, num_frames=10, observation="index")
    env.reset(seed=0)
    steps, episodes = [], env.unwrapped.episodes
    apply = episodes.apply
    monkeypatch.setattr(episodes, "apply", lambda *given: (steps.append(1), apply(*given))[1])
    assert env.step(np.ones((3, 10), bool))[2].all() and len(steps) == 1
    # As in SyncVectorEnv, what is sent to a slot that resets is not read.
    observation, rewards, ended, truncated, info = env.step("anything")
    assert len(steps) == 1 and not observation["selected"].any()
    assert not (rewards.any() or ended.any() or truncated.any() or info)
    assert env.step(np.ones((3, 10), bool))[2].all() and len(steps) == 2


def test_spaces_by_hand(ten_frames):
    spaces = gym.spaces
    made = {name: gym.make(name, data=ten_frames, num_frames=10) for name in (ONE_SHOT, SEQUENTIAL)}
    assert made[ONE_SHOT].action_space == spaces.MultiBinary(10)
    assert made[SEQUENTIAL].action_space == spaces.Discrete(2)
    assert list(made[ONE_SHOT].observation_space) == ["features", "predictions", "valid"]
    assert set(made[SEQUENTIAL].observation_space) == {
        "features", "predictions", "valid", "cursor", "selected",
    }  # fmt: skip
    for stop in (False, True):
        pick = gym.make(PICK, data=ten_frames, num_frames=10, stop=stop)
        assert pick.action_space == spaces.Discrete(10 + stop)


def test_the_row_of_an_only_video_has_a_space(tmp_path):
    video = {"id": "v", "label": 0, "split": "train", "features": np.ones((2, 1), np.float32)}
    video["predictions"] = np.full((2, 2), 0.5, np.float32)
    path = write_cache(tmp_path / "one.h5", [video], classes=["a", "b"])
    env = gym.make(ONE_SHOT, data=str(path), observation="index")
    assert env.observation_space["video"] == gym.spaces.Box(0, 1, (1,), np.int32)
    # Probabilities are from 0 to 1 whatever the cache has.
    seen = gym.make(ONE_SHOT, data=str(path)).observation_space["predictions"]
    assert seen == gym.spaces.Box(0, 1, (25, 2), np.float32)


def test_slots_that_begin_beside_others_stay_as_they_are(ten_frames):
    batch = gym.make_vec(ONE_SHOT, num_envs=2, data=ten_frames, num_frames=10, observation="index")
    every = np.ones((2, 10), bool)
    with pytest.raises(gym.error.ResetNeeded):
        batch.step(every)
    batch.reset(seed=0)
    assert batch.step(every)[2].tolist() == [True, True]
    batch.reset(options={"reset_mask": np.array([True, False])})
    observation, reward, ended, _, info = batch.step(every)
    assert ended.tolist() == [True, False] and info["_p1"].tolist() == [True, False]
    assert observation["selected"][0].any() and not observation["selected"][1].any()
    assert reward[1] == 0
    observation, _, ended, _, _ = batch.step(every)  # now the other way round
    assert ended.tolist() == [False, True]
    assert not observation["selected"][0].any() and observation["selected"][1].any()


def test_nothing_is_drawn_of_an_episode_before_it_begins(ten_frames):
    batch = gym.make_vec(SEQUENTIAL, num_envs=2, data=ten_frames, num_frames=10, render_mode="ansi")
    with pytest.raises(gym.error.ResetNeeded, match="render"):
        batch.render()
    batch.reset(seed=0)
    assert all("next: frame 0" in text for text in batch.render())


def test_a_process_is_its_actions_and_what_they_do():
    assert envs.Episodes.__abstractmethods__ == {"make_action_space", "apply"}


def test_a_slot_draws_from_its_own_generator_in_blocks(planted):
    env = gym.make_vec(ONE_SHOT, num_envs=2, data=str(planted), observation="index").unwrapped
    seen = [env.reset(seed=7)[0]["video"][:, 0]]
    seen += [env.reset()[0]["video"][:, 0] for _ in range(300)]
    rows = env.cache.rows("train")
    for slot, seed in enumerate((7, 8)):
        rng = np.random.default_rng(seed)
        blocks = [rows[rng.integers(0, len(rows), 256)] for _ in range(2)]
        assert np.array(seen)[:, slot].tolist() == np.concatenate(blocks)[:301].tolist()


def test_rows_beyond_the_cache_are_refused(ten_frames):
    env = gym.make(ONE_SHOT, data=ten_frames, num_frames=10)
    for row in (-1, 2, 9):
        with pytest.raises(FrameSelectError, match=f"{row}: the cache has rows 0 to 1"):
            env.reset(options={"video": row})


@pytest.mark.parametrize("dense", [False, True])
def test_the_return_is_the_sum_of_the_rewards(ten_frames, dense):
    env = gym.make(SEQUENTIAL, data=ten_frames, num_frames=10, dense=dense)
    env.reset(options={"video": 0})
    rewards = [env.step(keep)[1] for keep in (0, 0, 0, 0, 0, 0, 0, 0, 0, 1)]
    assert sum(rewards) == 10 and env.unwrapped.episodes.returns.tolist() == [10]
    env.reset()
    assert env.unwrapped.episodes.returns.tolist() == [0]
