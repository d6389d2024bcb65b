"""What episodes of every id pay and show: sums, p0 and p1, padding, boxes, regression."""

import warnings

import gymnasium as gym
import numpy as np
import pytest
from cache_arrays import one_frame_videos
from environment_cases import IDS, REFUSED, taken
from equality import assert_equal
from gymnasium.utils.env_checker import check_env
from hypothesis import given, settings
from hypothesis import strategies as st

from frame_select_env import write_cache


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [([2.0, 5.0], 0, 5), ([-3.0, -1.0], -3, 0), ([-3.0, 5.0], -3, 5), ([0.0, 0.0], 0, 1)],
)
def test_the_boxes_hold_the_features_and_the_padding(tmp_path, values, low, high):
    videos = one_frame_videos([0, 1], [[value] for value in values], [[0.5, 0.5]] * 2)
    path = str(write_cache(tmp_path / "c.h5", videos, classes=["a", "b"]))
    space = gym.make(IDS[0], data=path, num_frames=3, target_frames=1).observation_space
    features, predictions = space["features"], space["predictions"]
    assert (features.shape, predictions.shape, space["valid"].n) == ((3, 1), (3, 2), 3)
    assert (features.low == low).all() and (features.high == high).all()
    assert (predictions.low == 0).all() and (predictions.high == 1).all()


@pytest.mark.parametrize("split", ["train", "test"])
def test_an_empty_selection_of_a_regression_answers_the_mean_label(tmp_path, split):
    """That of the training videos or, if there are none, of all; the boxes hold it."""
    labels = [[-4.0], [8.0]]
    videos = one_frame_videos(labels, [[1.0]] * 2, [[1.0], [2.0]], split=split)
    path = str(write_cache(tmp_path / "c.h5", videos, targets=["y"]))
    env = gym.make(
        "FrameSelect/Sequential-v0",
        data=path, split=split, num_frames=1, reward="delta_error", observation="frame",
    )  # fmt: skip
    box = env.observation_space["p1"]
    assert (box.low, box.high) == (-4.0, 8.0)
    env.reset(options={"video": 0})
    _, reward, _, _, info = env.step(0)
    # |1 - -4| with all frames, |2 - -4| without any.
    assert info["p1"].tolist() == [2.0] and reward == 5.0 - 6.0


def test_a_reward_reads_what_the_cache_reads(planted):
    read = {}

    def listen(outcome):
        names = ("valid", "predictions", "features", "importance", "time", "video", "label")
        read.update({name: getattr(outcome, name) for name in (*names, "target_frames")})
        return np.zeros(len(outcome))

    env = gym.make_vec(
        IDS[0], num_envs=2, data=str(planted), num_frames=9, target_frames=5, reward=listen
    )
    rows = np.array([7, 2])
    env.reset(options={"video": rows})
    env.step(np.ones((2, 9), int))
    cache = env.unwrapped.cache
    clips = cache.read(rows, 9)
    for name in ("valid", "predictions", "features", "time", "video"):
        np.testing.assert_array_equal(read[name], getattr(clips, name))
    np.testing.assert_array_equal(read["importance"], cache.read_frames("importance", rows, 9))
    assert read["label"].tolist() == cache.labels[rows].tolist() and read["target_frames"] == 5


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10**6), variant=st.sampled_from([1, 2, 5, 9]))
@pytest.mark.parametrize("name", [name for name in IDS if "OneShot" not in name])
def test_dense_rewards_sum_to_the_terminal_reward(planted, name, seed, variant):
    keywords = {"data": str(planted), "num_frames": 9, "observation": "index"}
    keywords |= {"chunk": variant} if "Sequential" in name else {"picks": variant}
    if "Pick" in name:
        keywords["stop"] = True
    keywords["reward"] = {"sign_omega": 0.5, "delta_prob": 1.0}
    rng = np.random.default_rng(seed)
    row = int(rng.integers(60))
    actions = rng.integers(0, gym.make(name, **keywords).action_space.n, 9)
    sums = []
    for dense in (False, True):
        env = gym.make(name, dense=dense, **keywords)
        env.reset(options={"video": row})
        total, over, step = 0.0, False, 0
        while not over:
            _, reward, over, _, info = env.step(actions[step])
            total, step = total + reward, step + 1
        sums.append(total)
        assert total == pytest.approx(sum(info["reward_terms"].values()), abs=1e-12)
        if "Sequential" in name:
            assert step == -(-min(9, int(env.unwrapped.cache.lengths[row])) // variant)
    assert sums[0] == pytest.approx(sums[1], abs=1e-12)


def plan(name: str, keep: np.ndarray) -> list:
    """The actions of an id that keep the frames marked in `keep` [T], the last one first if any."""
    if name == "FrameSelect/OneShot-v0":
        return [keep]
    if name == "FrameSelect/Sequential-v0":
        return keep.tolist()
    return [*np.flatnonzero(keep)[::-1].tolist(), len(keep)]  # and stop, or answer


def more(name: str, frames: int) -> dict:
    """What an id needs to keep as many as `frames` frames and then stop."""
    stop = {"stop": True} if name == "FrameSelect/Pick-v0" else {}
    return {"picks": frames, **stop} if "picks" in taken(name) else {}


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10**6), alpha=st.sampled_from([0.0, 0.25, 1.0]))
@pytest.mark.parametrize("name", IDS)
def test_keeping_everything_gives_p0_and_padding_changes_nothing(planted, name, seed, alpha):
    rng, alpha = np.random.default_rng(seed), 0.0 if name in REFUSED else alpha
    row, kept = int(rng.integers(60)), rng.integers(0, 2, 20)
    results = []
    for frames in (14, 20):  # the longest video has 14 frames
        for actions in (np.ones(20, int), kept):
            keywords = {"num_frames": frames, "observation": "index", "reward": "sign_omega"}
            keywords |= {"alpha": alpha, **more(name, frames)}
            env = gym.make(name, data=str(planted), **keywords)
            env.reset(options={"video": row})
            for action in plan(name, actions[:frames]):
                _, reward, over, _, info = env.step(action)
                if over:
                    break
            assert over
            results.append((reward, info["p0"].tolist(), info["p1"].tolist()))
    assert results[0][1] == results[0][2] and results[0][0] == 0.0
    assert results[0] == results[2] and results[1] == results[3]


@pytest.mark.parametrize("chunk", [1, 2])
def test_progress_and_count_are_shares_of_the_videos_own_length(planted, chunk):
    seen = {}
    for frames in (5, 9, 20):
        env = gym.make(
            "FrameSelect/Sequential-v0",
            data=str(planted),
            num_frames=frames,
            observation="frame",
            chunk=chunk,
        )
        row = int(np.flatnonzero(env.unwrapped.cache.lengths == 5)[0])
        observation, _ = env.reset(options={"video": row})
        seen[frames] = [observation]
        for keep in (1, 0, 1, 1, 0)[: -(-5 // chunk)]:
            seen[frames].append(env.step(keep)[0])
    # Five frames; of the last chunk of two only one exists.
    passed, kept = ([0, 1, 2, 3, 4, 5], [0, 1, 1, 2, 3, 3])
    if chunk == 2:
        passed, kept = ([0, 2, 4, 5], [0, 2, 2, 3])
    shares = [(one["progress"].item(), one["count"].item()) for one in seen[9]]
    np.testing.assert_allclose(shares, np.column_stack([passed, kept]) / 5, rtol=1e-6)
    # However much padding follows the video, the observations are the same.
    assert_equal(tuple(seen[9]), tuple(seen[5]))
    assert_equal(tuple(seen[20]), tuple(seen[5]))


def test_regression_caches_play_with_a_regression_reward(regression):
    for name in IDS:
        env = gym.make(
            name,
            data=str(regression),
            stream="audio",
            num_frames=4,
            reward="delta_error",
            **more(name, 4),
        )
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            check_env(env.unwrapped)
        env.reset(options={"video": 0})
        for action in plan(name, np.zeros(4, int)):
            _, reward, over, _, info = env.step(action)
            if over:
                break
        cache = env.unwrapped.cache
        labels = cache.labels[cache.rows("train")]
        # An empty selection answers the training mean.
        np.testing.assert_allclose(info["p1"], labels.mean(0), rtol=1e-6)
        error = np.abs(info["p0"] - cache.labels[0]).mean()
        assert reward == pytest.approx(error - np.abs(info["p1"] - cache.labels[0]).mean())
        assert "correct_before" not in info
