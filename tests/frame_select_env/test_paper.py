"""Attention-aware sampling from cache to reward, on one video whose numbers are worked by hand."""

import gymnasium as gym
import numpy as np
import pytest

from frame_select_env import write_cache

# Four frames, two classes, true class 1. On the grid of quarters every mean below is exact.
PREDICTIONS = np.array([[0.75, 0.25], [0.75, 0.25], [0.25, 0.75], [0.5, 0.5]], np.float32)


@pytest.fixture
def one_video(tmp_path):
    # A second, right video: p0 = (0.25, 0.75).
    videos = [
        {
            "id": name,
            "label": 1,
            "split": "train",
            "features": np.eye(4, dtype=np.float32),
            "predictions": predictions,
        }
        for name, predictions in (("wrong", PREDICTIONS), ("right", 1 - PREDICTIONS))
    ]
    return str(write_cache(tmp_path / "one.h5", videos, classes=["no", "yes"]))


def play(path, row, action, **keywords):
    env = gym.make("FrameSelect/OneShot-v0", data=path, num_frames=4, **keywords)
    env.reset(options={"video": row})
    _, reward, terminated, truncated, info = env.step(np.array(action, np.int8))
    assert terminated and not truncated
    return reward, info


def test_p0_is_the_mean_over_all_frames_eq_3(one_video):
    _, info = play(one_video, 0, [1, 0, 0, 0])
    assert info["p0"].tolist() == [0.5625, 0.4375]
    assert not info["correct_before"]


def test_a_flip_to_right_pays_omega_eq_4(one_video):
    # Frames 2 and 3: p1 = (0.375, 0.625), class 1.
    reward, info = play(one_video, 0, [0, 0, 1, 1])
    assert info["p1"].tolist() == [0.375, 0.625] and info["correct_after"]
    assert reward == 10.0 and info["reward_terms"] == {"sign_omega": 10.0}


def test_a_flip_to_wrong_costs_omega_eq_4(one_video):
    # The mirrored video: p0 = (0.4375, 0.5625) is right; frame 2 alone says (0.75, 0.25).
    reward, info = play(one_video, 1, [0, 0, 1, 0])
    assert info["correct_before"] and not info["correct_after"]
    assert reward == -10.0


def test_otherwise_the_sign_of_the_gain_eq_2(one_video):
    # Frame 3: p1 = (0.5, 0.5): still class 0 (the first of equals), but 0.5 > 0.4375.
    assert play(one_video, 0, [0, 0, 0, 1])[0] == 1.0
    # Frames 0 and 1: p1 = (0.75, 0.25) and 0.25 < 0.4375.
    assert play(one_video, 0, [1, 1, 0, 0])[0] == -1.0
    # All frames: p1 == p0 to the bit.
    assert play(one_video, 0, [1, 1, 1, 1])[0] == 0.0
    assert play(one_video, 0, [1, 1, 1, 1], reward=["sign_omega", {"tie": -1}])[0] == -1.0


def test_an_empty_selection_counts_as_wrong(one_video):
    reward, info = play(one_video, 0, [0, 0, 0, 0])
    assert reward == -1.0 and not info["p1"].any() and not info["correct_after"]
    assert play(one_video, 1, [0, 0, 0, 0])[0] == -10.0
    # Or, as an option, as the baseline.
    reward, info = play(one_video, 1, [0, 0, 0, 0], empty="baseline")
    assert reward == 0.0 and info["p1"].tolist() == info["p0"].tolist()


def test_alpha_weighs_the_other_frames_eq_10(one_video):
    # alpha = 1/2, frames 2 and 3 selected: (0.75 + 0.5 + 0.5 (0.25 + 0.25)) / (2 + 0.5 * 2) = 0.5.
    reward, info = play(one_video, 0, [0, 0, 1, 1], alpha=0.5)
    assert info["p1"].tolist() == [0.5, 0.5] and reward == 1.0
    # Nothing selected: p1 is p0, set and not computed.
    reward, info = play(one_video, 0, [0, 0, 0, 0], alpha=0.5)
    assert info["p1"].tolist() == info["p0"].tolist() and reward == 0.0


def test_the_sequential_process_takes_the_same_decision_frame_by_frame(one_video):
    for dense in (False, True):
        env = gym.make(
            "FrameSelect/Sequential-v0",
            data=one_video,
            num_frames=4,
            observation="frame",
            dense=dense,
        )
        observation, _ = env.reset(options={"video": 0})
        rewards = []
        for frame, keep in enumerate([0, 0, 1, 1]):
            assert observation["feature"].tolist() == np.eye(4)[frame].tolist()
            assert observation["progress"].tolist() == [frame / 4]
            observation, reward, terminated, _, info = env.step(keep)
            rewards.append(reward)
            assert terminated == (frame == 3)
        # After frame 2 p1 = (0.25, 0.75) is right and worth 10; frame 3 leaves it right.
        assert rewards == ([0, 0, 10, 0] if dense else [0, 0, 0, 10])
        assert info["p1"].tolist() == [0.375, 0.625]
        assert observation["p1"].tolist() == [0.375, 0.625]
        assert not observation["feature"].any() and observation["count"].tolist() == [0.5]


@pytest.mark.parametrize("dense", [True, "best"])
@pytest.mark.parametrize("name", ["Sequential", "Pick"])
def test_every_episode_of_a_slot_is_paid_from_zero(one_video, name, dense):
    """Whatever the best value of the episode before was."""
    keywords = {"data": one_video, "num_frames": 4, "observation": "index", "dense": dense}
    keywords |= {"picks": 2} if name == "Pick" else {}
    # Keeping frames 2 and 3 is worth 10 after frame 2 already.
    actions, expected = ([2, 3], [10, 0]) if name == "Pick" else ([0, 0, 1, 1], [0, 0, 10, 0])
    env = gym.make(f"FrameSelect/{name}-v0", **keywords)
    for _ in range(3):
        env.reset(options={"video": 0})
        assert [env.step(action)[1] for action in actions] == expected
    envs = gym.make_vec(f"FrameSelect/{name}-v0", num_envs=2, autoreset_mode="Disabled", **keywords)
    for _ in range(3):
        envs.reset(options={"video": 0})
        paid = [envs.step(np.array([action, action]))[1].tolist() for action in actions]
        assert paid == [[value, value] for value in expected]
