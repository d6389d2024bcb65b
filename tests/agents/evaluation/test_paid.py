"""The mean reward of selections in caches of one class, by hand."""

import numpy as np
import pytest
from by_hand import video_by_hand

from agents.evaluation import evaluate
from agents.evaluation.tables import kept_table
from frame_select_env import FeatureCache, write_cache


class Marked:
    """Ranks frames by feature 1."""

    name = "marked"

    def scores(self, clips):
        return np.where(clips.valid, clips.features[:, :, 1], -np.inf)


@pytest.fixture
def unlabelled(tmp_path):
    """Two test videos, of four frames that are two pairs, the third marked beside the first."""
    features = np.array([[1, 9, 0], [1, 0, 0], [0, 8, 1], [0, 0, 1]], np.float32)
    splits = {"a": "train", "b": "train", "c": "test", "d": "test"}
    videos = (
        video_by_hand(name, np.ones((4, 1)), -1, split, features) for name, split in splits.items()
    )
    return FeatureCache(write_cache(tmp_path / "one.h5", videos, classes=["video"]))


def test_an_agent_stands_beside_as_many_uniform_and_random_frames(unlabelled):
    found = evaluate(unlabelled, {"marked": [Marked()]}, frames=(2,), resamples=10)
    names = ["all", "uniform", "random", "marked"]
    assert sorted(name for name, _ in found.rewards) == sorted(names)
    table = kept_table(found)
    assert list(table.heading) == ["ranking", "kept", "reward"]
    cells = {row[0]: row for row in table.rows}
    assert [cells[name][1] for name in names] == ["4.0", "2.0", "2.0", "2.0"]
    assert cells["marked"][2] == f"{found.rewards['marked', '2']:+.3f}"
    # The environment pays as much.
    env = unlabelled_reward(unlabelled, [1, 0, 1, 0])
    assert found.rewards["marked", "2"] == pytest.approx(env, abs=1e-6)


def unlabelled_reward(cache, keep):
    """What OneShot pays for a selection in the first test video."""
    import gymnasium as gym

    env = gym.make("FrameSelect/OneShot-v0", data=str(cache.path), split="test", num_frames=4)
    env.reset(options={"video": int(cache.rows("test")[0])})
    return env.step(np.array(keep, np.int8))[1]


def test_where_labels_judge_no_reward_is_shown(plant, telling):
    assert evaluate(plant(), {"mine": [telling()]}, frames=(2,), resamples=10).rewards == {}
