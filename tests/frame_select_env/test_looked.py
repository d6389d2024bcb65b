"""The observation "looked": hidden frames change no bit of it; Sequential with skips, by hand."""

import gymnasium as gym
import numpy as np
import pytest

from frame_select_env import FrameSelectError, write_cache

SEQUENTIAL = "FrameSelect/Sequential-v0"
T = 12
# Of each id: what it takes, its actions, and the frames that they look at.
WALKS = {
    "FrameSelect/Glance-v0": ({}, [7, 2, 2, 11, T], {2, 7, 11}),
    "FrameSelect/Pick-v0": ({"stop": True, "empty": "baseline"}, [7, 2, 2, 11, T], {2, 7, 11}),
    SEQUENTIAL: ({"skips": [1, 5]}, [1, 2, 0, 3], {0, 5, 6, 7}),
}


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """By id, two caches that differ in all frames that the id's walk does not look at."""

    def made(name):
        rng = np.random.default_rng(0)
        videos = [
            {
                "id": f"v{row}",
                "label": row,
                "split": "train",
                "features": rng.normal(size=(T, 5)).astype(np.float32),
                "predictions": rng.dirichlet(np.ones(3), T).astype(np.float32),
                "time": np.arange(T) / 10 + row,
            }
            for row in range(2)
        ]
        folder = tmp_path_factory.mktemp("pair")
        paths = [write_cache(folder / "as-it-is.h5", videos, classes=["a", "b", "c"])]
        hidden = np.array(sorted(set(range(T)) - WALKS[name][2]))
        for video in videos:
            video["features"][hidden] = rng.normal(size=(len(hidden), 5)) * 9
            video["predictions"][hidden] = rng.dirichlet(np.ones(3), len(hidden))
        paths.append(write_cache(folder / "perturbed.h5", videos, classes=["a", "b", "c"]))
        return paths

    return {name: made(name) for name in WALKS}


@pytest.mark.parametrize("name", list(WALKS))
def test_hidden_frames_change_no_bit_of_an_observation(pair, name):
    keywords, actions, frames = WALKS[name]
    seen = []
    for path in pair[name]:
        env = gym.make(
            name, data=str(path), num_frames=T, observation="looked", **keywords
        ).unwrapped
        observed = [env.reset(options={"video": 1})[0]]
        observed += [env.step(action)[0] for action in actions]
        assert np.flatnonzero(observed[-1]["predictions"].any(axis=1)).tolist() == sorted(frames)
        stored = env.cache.read(np.array([1]), T)
        for key in ("features", "predictions"):
            looked = sorted(frames)
            assert np.array_equal(observed[-1][key][looked], getattr(stored, key)[0, looked])
        seen.append([{key: one.tobytes() for key, one in each.items()} for each in observed])
    assert seen[0] == seen[1]


def walk(path, actions, **keywords):
    """The cursors and the last observation, reward and info of a walk that the actions end."""
    env = gym.make(SEQUENTIAL, data=path, num_frames=10, **keywords).unwrapped
    env.reset(options={"video": 0})
    cursors = []
    for step, action in enumerate(actions, 1):
        observation, reward, over, _, info = env.step(action)
        cursors.append(int(observation["cursor"][0]))
        assert over == (step == len(actions))
    return cursors, observation, reward, info


@pytest.mark.parametrize("mode", ["index", "looked", "video", "frame"])
def test_a_walk_with_skips(ten_frames, mode):
    keywords = {"skips": [1, 2, 4], "reward": "looks"}
    env = gym.make(SEQUENTIAL, data=ten_frames, num_frames=10, observation=mode, **keywords)
    assert env.action_space == gym.spaces.Discrete(5)
    if mode == "frame":
        return
    # Skip 4, keep and move 1, skip 2, answer.
    cursors, _, reward, info = walk(ten_frames, [2, 3, 1, 4], observation=mode, **keywords)
    assert cursors == [4, 5, 7, 7] and np.flatnonzero(info["selected"]).tolist() == [4]
    assert np.flatnonzero(info["looked"]).tolist() == [0, 4, 5, 7] and reward == 4
    assert info["p1"].tolist() == [12 / 16, 4 / 16]


def test_a_walk_ends_where_the_video_does(ten_frames):
    cursors, seen, _, info = walk(ten_frames, [2, 2, 3, 1], skips=[1, 2, 4], observation="index")
    assert cursors == [4, 8, 9, 10]  # the last skip is cut off
    assert np.flatnonzero(seen["looked"]).tolist() == [0, 4, 8, 9]
    assert np.flatnonzero(info["selected"]).tolist() == [8]


def test_skips_count_chunks(ten_frames):
    cursors, _, _, info = walk(ten_frames, [0, 1, 0], skips=[2], chunk=2, observation="looked")
    assert cursors == [4, 6, 10] and np.flatnonzero(info["selected"]).tolist() == [4, 5]
    assert np.flatnonzero(info["looked"]).tolist() == [0, 1, 4, 5, 6, 7]


def test_without_skips_looked_shows_what_the_cursor_has_passed(ten_frames):
    env = gym.make(SEQUENTIAL, data=ten_frames, num_frames=10, observation="looked").unwrapped
    env.reset(options={"video": 0})
    for keep in (0, 1, 1, 0):
        seen, *_ = env.step(keep)
    assert np.flatnonzero(seen["predictions"].any(axis=1)).tolist() == [0, 1, 2, 3, 4]
    assert seen["p1"].tolist() == [1 - 1.5 / 16, 1.5 / 16]
    assert np.flatnonzero(seen["selected"]).tolist() == [1, 2]


def test_elsewhere_what_is_selected_was_looked_at(ten_frames):
    keywords = {"data": ten_frames, "num_frames": 10, "reward": "looks"}
    env = gym.make(SEQUENTIAL, **keywords).unwrapped
    env.reset(options={"video": 0})
    steps = [env.step(keep) for keep in (0, 1, 1, 0, 0, 0, 0, 0, 0, 0)]
    assert steps[-1][1] == 2 and "looked" not in steps[-1][4]
    env = gym.make("FrameSelect/OneShot-v0", **keywords).unwrapped
    env.reset(options={"video": 0})
    assert env.step([1, 1, 0, 0, 0, 1, 0, 0, 0, 0])[1] == 3


@pytest.mark.parametrize("skips", [[], [0], [1, 11], [1.5], [True], "12", 3])
def test_bad_skips(ten_frames, skips):
    with pytest.raises(FrameSelectError, match="must be None or a list of integers from 1 to 10"):
        gym.make(SEQUENTIAL, data=ten_frames, num_frames=10, skips=skips)
