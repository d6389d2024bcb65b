"""An episode about one view of a stream that has several: its predictions, features and bounds."""

import pickle

import gymnasium as gym
import numpy as np
import pytest

from frame_select_env import FrameSelectError, envs, open_cache, write_cache

IDS = list(envs.ENVIRONMENTS)


@pytest.fixture(scope="module")
def crops(tmp_path_factory):
    """Two videos of class 1 with two frames, three views and a stream without views.

    By view, class 1 has the probabilities (0.75, 0.5), (1, 0.5) and (0, 0.25) in the two frames.
    Features are 10 * view + frame.
    """
    told = np.array([[0.75, 1.0, 0.0], [0.5, 0.5, 0.25]], np.float32)
    features = 10.0 * np.arange(3)[None] + np.arange(2)[:, None]

    def videos():
        for row in range(2):
            yield {
                "id": f"v{row}",
                "label": 1,
                "split": "train",
                "features": {
                    "crops": (100 * row + features)[..., None].astype(np.float32),
                    "plain": np.zeros((2, 1), np.float32),
                },
                "predictions": {
                    "crops": np.stack([1 - told, told], axis=2),
                    "plain": np.full((2, 2), 0.5, np.float32),
                },
            }

    path = tmp_path_factory.mktemp("crops") / "crops.h5"
    return str(write_cache(path, videos(), classes=["x", "y"], axes={"crops": "view"}))


def played(crops, view, keep, **options):
    """The last observation, reward and info of OneShot on video 1 with these frames kept."""
    keywords = {"data": crops, "stream": "crops", "num_frames": 2, "observation": "index"}
    env = gym.make("FrameSelect/OneShot-v0", view=view, **keywords)
    env.reset(seed=0, options={"video": 1, **options})
    observation, reward, _, _, info = env.step(np.array(keep))
    return observation, reward, info


@pytest.mark.parametrize(
    ("view", "p0", "p1"), [(0, 0.625, 0.75), (1, 0.75, 1.0), (2, 0.125, 0.0), (None, 0.5, 7 / 12)]
)
def test_p0_and_p1_are_those_of_the_view(crops, view, p0, p1):
    _, _, info = played(crops, view, [1, 0])
    assert info["p0"][1] == pytest.approx(p0, abs=1e-6)
    assert info["p1"][1] == pytest.approx(p1, abs=1e-6)
    assert info["correct_before"] == (p0 > 0.5)
    assert info.get("view") == view


def test_the_reward_is_that_of_the_view(crops):
    # Frame 0: view 0 gains, view 2 falls, both without a flip.
    assert played(crops, 0, [1, 0])[1] == 1.0
    assert played(crops, 2, [1, 0])[1] == -1.0


@pytest.mark.parametrize("view", [0, 2])
def test_the_features_are_those_of_the_view(crops, view):
    env = gym.make("FrameSelect/Sequential-v0", data=crops, stream="crops", num_frames=2, view=view)
    observation, _ = env.reset(options={"video": 1})
    assert observation["features"].tolist() == [[100 + 10 * view], [101 + 10 * view]]
    frame = gym.make(
        "FrameSelect/Sequential-v0",
        **{"data": crops, "stream": "crops", "num_frames": 2, "view": view, "observation": "frame"},
    )
    observation, _ = frame.reset(options={"video": 0})
    assert observation["feature"].tolist() == [10 * view]
    assert observation["p0"][1] == pytest.approx([0.625, 0.75, 0.125][view])


@pytest.mark.parametrize("name", IDS)
def test_random_draws_every_view_as_often_and_pays_for_the_one_drawn(crops, name):
    keywords = {"data": crops, "stream": "crops", "num_frames": 2, "view": "random"}
    env = gym.make_vec(
        name, num_envs=900, observation="index", autoreset_mode="Disabled", **keywords
    )
    observation, _ = env.reset(seed=0)
    drawn = np.bincount(observation["view"][:, 0], minlength=3)
    assert drawn.sum() == 900 and np.abs(drawn - 300).max() < 80
    for _ in range(2):
        if "OneShot" in name:
            action = np.ones((900, 2), int)
        elif hasattr(env.unwrapped, "action_masks"):
            action = env.action_masks().argmax(1)
        else:
            action = np.ones(900, int)
        _, _, ended, _, info = env.step(action)
        if ended.all():
            break
    view = observation["view"][:, 0]
    assert np.array_equal(info["view"], view)
    expected = np.array([0.625, 0.75, 0.125])[view]
    np.testing.assert_allclose(info["p0"][:, 1], expected, atol=1e-6)
    assert np.array_equal(info["p0"], info["p1"])


def test_a_reward_reads_the_features_and_predictions_of_the_view(crops):
    seen = {}

    def look(outcome):
        seen["features"] = outcome.features[:, :, 0].tolist()
        seen["predictions"] = outcome.predictions[:, :, 1].tolist()
        return np.zeros(len(outcome))

    keywords = {"data": crops, "stream": "crops", "num_frames": 2, "reward": look}
    env = gym.make("FrameSelect/OneShot-v0", view="random", **keywords)
    env.reset(seed=0, options={"video": 1, "view": 2})
    env.step(np.ones(2, int))
    assert seen == {"features": [[120.0, 121.0]], "predictions": [[0.0, 0.25]]}


def test_the_valid_frames_are_known_though_no_other_view_was_visited(crops):
    keywords = {"data": crops, "stream": "crops", "num_frames": 4, "reward": "budget"}
    env = gym.make("FrameSelect/OneShot-v0", view="random", target_frames=1, **keywords)
    env.reset(seed=0, options={"video": 1, "view": 2})
    assert env.step(np.array([1, 1, 0, 0]))[1] == -0.5  # two frames of two, not one


def test_each_slot_may_ask_for_a_view_of_its_own(crops):
    keywords = {"data": crops, "stream": "crops", "num_frames": 2, "observation": "index"}
    env = gym.make_vec("FrameSelect/OneShot-v0", num_envs=3, view="random", **keywords)
    observation, _ = env.reset(options={"video": np.array([1, 0, 1]), "view": np.array([2, 0, 1])})
    assert observation["video"][:, 0].tolist() == [1, 0, 1]
    assert observation["view"][:, 0].tolist() == [2, 0, 1]
    only = {"reset_mask": np.array([False, True, False]), "view": 1}
    env.step(np.ones((3, 2), int))
    observation, _ = env.reset(options=only)
    assert observation["view"][:, 0].tolist() == [2, 1, 1]


def test_a_pickled_environment_goes_on_with_its_view(crops):
    keywords = {"data": crops, "stream": "crops", "num_frames": 2, "view": "random"}
    env = gym.make("FrameSelect/Sequential-v0", observation="index", **keywords)
    env.reset(seed=0, options={"video": 1, "view": 2})
    env.step(1)
    again = pickle.loads(pickle.dumps(env))
    info = again.step(0)[4]
    assert info["view"] == 2 and info["p1"][1] == 0.0


@pytest.mark.parametrize(
    ("stream", "view", "message"),
    [
        ("crops", 3, "view=3: must be from 0 to 2, 'random' or None"),
        ("crops", -1, "view=-1: must be from 0 to 2"),
        ("crops", True, "view=True: must be from 0 to 2"),
        ("crops", "all", "view='all': must be from 0 to 2"),
        ("plain", 0, "view=0: the stream 'plain' of .* has no axis of views; leave view out"),
        ("plain", "random", "view='random': the stream 'plain' of .* has no axis of views"),
    ],
)
def test_a_view_that_does_not_exist_is_refused(crops, stream, view, message):
    with pytest.raises(FrameSelectError, match=message):
        gym.make("FrameSelect/OneShot-v0", data=crops, stream=stream, num_frames=2, view=view)


def test_an_option_view_that_does_not_fit_is_refused(crops):
    keywords = {"data": crops, "stream": "crops", "num_frames": 2}
    env = gym.make("FrameSelect/OneShot-v0", view="random", **keywords)
    with pytest.raises(FrameSelectError, match=r"options\['view'\]=3: the stream has views 0 to 2"):
        env.reset(options={"view": 3})
    with pytest.raises(FrameSelectError, match=r"options\['view'\]='a': must be the number of a v"):
        env.reset(options={"view": "a"})
    env = gym.make("FrameSelect/OneShot-v0", view=1, **keywords)
    with pytest.raises(FrameSelectError, match="only for an environment with view='random'"):
        env.reset(options={"view": 1})


def test_the_cache_reads_single_views(crops):
    cache = open_cache(crops)
    assert cache.views("crops") == 3 and cache.views("plain") == 1
    assert cache.feature_size("crops") == 3 and cache.feature_size("crops", 1) == 1
    rows, view = np.array([0, 1, 1]), np.array([0, 2, 1])
    clips = cache.read(rows, 2, stream="crops", view=view)
    assert clips.features[:, :, 0].tolist() == [[0, 1], [120, 121], [110, 111]]
    assert clips.predictions[:, :, 1].tolist() == [[0.75, 0.5], [0, 0.25], [1, 0.5]]
    assert clips.view.tolist() == [0, 2, 1]
    assert cache.read(rows, 2, stream="crops").view is None
