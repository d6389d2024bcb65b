"""What `aggregator` makes of the frames: p0, p1, rewards and observations agree on it."""

import gymnasium as gym
import numpy as np
import pytest
from judges import write_random_judge

from frame_select_env import FrameSelectError, open_cache, write_cache
from frame_select_env.aggregators import judge_clips, make_judge


def videos_of(predictions, label):
    yield {
        "id": "v",
        "label": label,
        "split": "train",
        "features": np.zeros((len(predictions), 1), np.float32),
        "predictions": np.array(predictions, np.float32),
    }


@pytest.fixture(scope="module")
def peaks(tmp_path_factory):
    """One video of class b: by their means all frames say a, by their maxima b."""
    predictions = [[0.75, 0.25], [0.75, 0.25], [0.0, 1.0]]
    path = tmp_path_factory.mktemp("peaks") / "peaks.h5"
    return str(write_cache(path, videos_of(predictions, 1), classes=["a", "b"]))


def played(data, keep, **keywords):
    """Reward and info of OneShot on video 0."""
    env = gym.make("FrameSelect/OneShot-v0", data=data, num_frames=len(keep), **keywords)
    env.reset(options={"video": 0})
    _, reward, _, _, info = env.step(np.array(keep))
    return reward, info


def test_the_maximum_by_hand(peaks):
    reward, info = played(peaks, [1, 1, 0], aggregator="max")
    assert info["p0"] == pytest.approx([0.75 / 1.75, 1 / 1.75])
    assert info["p1"].tolist() == [0.75, 0.25]
    assert (info["correct_before"], info["correct_after"], reward) == (True, False, -10)
    assert played(peaks, [1, 1, 0])[1]["p0"] == pytest.approx([0.5, 0.5])


def test_nothing_selected_is_no_answer(peaks):
    reward, info = played(peaks, [0, 0, 0], aggregator="max")
    assert (info["p1"].tolist(), info["correct_after"], reward) == ([0.0, 0.0], False, -10)
    _, info = played(peaks, [0, 0, 0], aggregator="max", empty="baseline")
    assert info["p1"].tolist() == info["p0"].tolist()


def test_the_maximum_of_a_regression_is_not_scaled(tmp_path):
    path = write_cache(
        tmp_path / "c.h5", videos_of([[1, -5], [3, -6]], np.array([3.0, -5.0])), targets=["x", "y"]
    )
    _, info = played(str(path), [1, 1], aggregator="max", reward="delta_error")
    assert info["p1"].tolist() == info["p0"].tolist() == [3.0, -5.0]


@pytest.mark.parametrize("kind", ["max", "file"])
@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("FrameSelect/Pick-v0", {"picks": 9}),
        ("FrameSelect/Sequential-v0", {"chunk": 2, "observation": "frame"}),
        ("FrameSelect/Glance-v0", {"picks": 5}),
    ],
)
def test_episodes_say_what_the_judge_says_of_the_clips(planted, tmp_path, kind, name, more):
    """In infos and observations; dense rewards add up to the terminal one in the next episode."""
    keywords = {"data": str(planted), "num_frames": 9, "reward": "delta_prob", **more}
    keywords["aggregator"] = kind if kind == "max" else write_random_judge(tmp_path, planted)
    env = gym.make(name, dense=True, **keywords)
    cache, rng = open_cache(planted), np.random.default_rng(0)
    judge = make_judge(keywords["aggregator"], cache, "default", None)
    for row in (3, 4, 40):
        env.reset(options={"video": row})
        over, total = False, 0.0
        while not over:
            legal = env.unwrapped.episodes.action_masks()
            count = env.action_space.n if legal is None else np.flatnonzero(legal[0])
            observation, reward, over, _, info = env.step(int(rng.choice(count)))
            total += reward
        clips, chosen = cache.read(np.array([row]), 9), info["selected"][None]
        assert np.array_equal(info["p0"], judge_clips(judge, clips, clips.valid)[0])
        assert np.array_equal(info["p1"], judge_clips(judge, clips, chosen)[0])
        assert info["correct_after"] == (info["p1"].argmax() == info["label"] and chosen.any())
        label = info["label"]
        assert total == pytest.approx(info["p1"][label] - info["p0"][label])
        if "p1" in observation:
            assert np.array_equal(observation["p1"], info["p1"].astype(np.float32))


def test_the_mean_is_the_default_and_keeps_its_sums(planted):
    left, right = (
        gym.make("FrameSelect/OneShot-v0", data=str(planted), **keywords).unwrapped
        for keywords in ({}, {"aggregator": "mean"})
    )
    assert left.episodes.table is right.episodes.table and left.episodes.table.judge is None


@pytest.mark.parametrize("aggregator", ["median", "no/such.safetensors", 3])
def test_an_unknown_aggregator_is_refused(planted, aggregator):
    says = f"aggregator='{aggregator}': is none of mean, max.*frame-select judge CACHE"
    with pytest.raises(FrameSelectError, match=says):
        gym.make("FrameSelect/OneShot-v0", data=str(planted), aggregator=aggregator)


def test_alpha_is_for_the_mean_alone(planted):
    with pytest.raises(FrameSelectError, match="alpha=0.1: must be 0 with aggregator='max'"):
        gym.make("FrameSelect/OneShot-v0", data=str(planted), aggregator="max", alpha=0.1)
