"""The reward where none is named: it follows the labels, and videos without one may be drawn."""

import gymnasium as gym
import numpy as np
import pytest

from frame_select_env import FrameSelectError, open_cache, write_cache
from frame_select_env.rewards import Reward, default_reward

ONE_SHOT = "FrameSelect/OneShot-v0"


@pytest.fixture(scope="module")
def half(tmp_path_factory):
    """The four test videos have no label; of four training videos two have one."""
    rng = np.random.default_rng(0)
    videos = [
        {
            "id": f"v{row}",
            "label": 1 if row < 2 else -1,
            "split": "train" if row < 4 else "test",
            "features": rng.normal(size=(5, 3)),
            "predictions": [[0.2, 0.8]] * 5,
        }
        for row in range(8)
    ]
    path = tmp_path_factory.mktemp("half") / "half.h5"
    return str(write_cache(path, videos, classes=["a", "b"]))


def make(data, **keywords):
    return gym.make(ONE_SHOT, data=data, num_frames=5, **keywords).unwrapped


def test_it_is_sign_omega_where_there_are_labels(half, regression):
    assert make(half).episodes.reward.names == ["sign_omega"]
    opened = gym.make(ONE_SHOT, data=str(regression), stream="audio").unwrapped
    assert opened.episodes.reward.names == ["sign_omega"]
    cache = open_cache(half)
    assert default_reward(cache, np.array([3, 1])) == "sign_omega"


def test_without_a_label_it_is_diversity_and_representativeness(half):
    env = make(half, split="test", render_mode="ansi")
    env.reset(seed=0)
    _, reward, _, _, info = env.step(np.ones(5, np.int8))
    assert list(info["reward_terms"]) == ["diversity_representativeness"]
    assert reward == info["reward_terms"]["diversity_representativeness"] != 0
    assert info["label"] == -1 and not info["correct_before"] and not info["correct_after"]
    assert "true class unknown" in env.render() and "wrong" not in env.render()


def test_videos_without_a_label_are_drawn_by_label_free_rewards_alone(half):
    """Which videos a reward can be about is a matter of what it reads."""
    labelled, every = make(half), make(half, reward="diversity_representativeness")
    assert labelled.episodes.rows.tolist() == [0, 1]
    assert every.episodes.rows.tolist() == [0, 1, 2, 3]
    every.reset(options={"video": 3})
    with pytest.raises(FrameSelectError, match="its label is unknown"):
        labelled.reset(options={"video": 3})


@pytest.mark.parametrize(
    ("spec", "free"),
    [
        ("diversity_representativeness", True),
        ({"diversity_representativeness": 1.0, "budget": 0.1}, True),
        ({"diversity_representativeness": 1.0, "sign_omega": 1.0}, False),
        (lambda outcome: np.zeros(len(outcome)), False),  # it may read everything
    ],
)
def test_a_reward_is_label_free_if_all_its_designs_are(spec, free):
    assert Reward(spec).label_free is free


def test_one_class_is_nothing_to_be_right_about(tmp_path):
    videos = [
        {
            "id": f"v{row}",
            "label": 0,
            "split": "train",
            "features": np.eye(3, dtype=np.float32),
            "predictions": np.ones((3, 1), np.float32),
        }
        for row in range(2)
    ]
    path = write_cache(tmp_path / "one.h5", videos, classes=["video"])
    assert make(str(path), split="train").episodes.reward.names == ["diversity_representativeness"]
