"""Folds, streams, views and objects reach the environments."""

import warnings

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from frame_select_env import FrameSelectError, envs, open_cache, write_cache

IDS = list(envs.ENVIRONMENTS)


@pytest.fixture(scope="module")
def rich(tmp_path_factory):
    """Four videos of four frames; streams crops (3 views) and boxes (2 objects); folds default, b.

    Class 1 has the probability 0.75 in the views 0 and 1 and 0 in view 2, so 0.5 on average; in
    fold b the boxes say 0.25.
    """
    rng = np.random.default_rng(0)

    def videos():
        for row in range(4):
            views = np.zeros((4, 3, 2), np.float32)
            views[:, :2, 1], views[:, 2, 1] = 0.75, 0.0
            views[..., 0] = 1 - views[..., 1]
            yield {
                "id": f"v{row}",
                "label": 1,
                "split": ("train", "test")[row // 2],
                "features": {
                    "crops": rng.normal(size=(4, 3, 5)).astype(np.float32),
                    "boxes": rng.normal(size=(4, 2, 7)).astype(np.float16),
                },
                "predictions": {"crops": views, "boxes": np.tile([0.5, 0.5], (4, 1))},
                "folds": {
                    "b": {
                        "split": ("test", "train")[row // 2],
                        "predictions": {"boxes": np.tile([0.75, 0.25], (4, 1))},
                    }
                },
            }

    path = tmp_path_factory.mktemp("rich") / "rich.h5"
    axes = {"crops": "view", "boxes": "object"}
    return str(write_cache(path, videos(), classes=["x", "y"], axes=axes))


def keep_everything(name, frames, row, **keywords):
    """The first and the last observation, and the info, of an episode that keeps all frames."""
    env = gym.make(name, num_frames=frames, **keywords)
    first, _ = env.reset(options={"video": row})
    actions = list(range(frames))
    if name in ("FrameSelect/OneShot-v0", "FrameSelect/Sequential-v0"):
        actions = [np.ones(frames, int)] if "OneShot" in name else [1] * frames
    for action in actions:
        last, _, over, _, info = env.step(action)
    assert over
    return first, last, info


def info_of(name, row, **keywords):
    return keep_everything(name, 4, row, observation="index", **keywords)[2]


def features_of(name, frames, row, **keywords):
    """All features, those of Glance after looking at all frames."""
    first, last, _ = keep_everything(name, frames, row, **keywords)
    return (last if "Glance" in name else first)["features"]


@pytest.mark.parametrize("name", IDS)
def test_the_views_predictions_are_averaged_and_their_features_side_by_side(rich, name):
    assert info_of(name, 0, data=rich, stream="crops")["p0"].tolist() == [0.5, 0.5]
    features = features_of(name, 4, 1, data=rich, stream="crops")
    assert features.shape == (4, 15)
    stored = open_cache(rich).features("crops")[4:8]
    assert np.array_equal(features, stored.reshape(4, 15))
    env = gym.make(name, data=rich, stream="crops", num_frames=4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env.unwrapped, skip_render_check=True)


@pytest.mark.parametrize("name", IDS)
def test_objects_are_side_by_side_as_float32_or_as_the_cache_stores_them(rich, name):
    for more, dtype in (({}, np.float32), ({"dtype": "float16"}, np.float16)):
        env = gym.make(name, data=rich, stream="boxes", num_frames=4, **more)
        observation, _ = env.reset(options={"video": 0})
        assert observation["features"].shape == (4, 14)
        assert observation["features"].dtype == dtype


@pytest.mark.parametrize("name", IDS)
def test_a_fold_has_its_own_split_and_predictions(rich, name):
    default = gym.make_vec(name, num_envs=9, data=rich, stream="boxes", observation="index")
    other = gym.make_vec(name, num_envs=9, data=rich, stream="boxes", fold="b", observation="index")
    assert set(default.reset(seed=0)[0]["video"][:, 0].tolist()) == {0, 1}
    assert set(other.reset(seed=0)[0]["video"][:, 0].tolist()) == {2, 3}
    assert info_of(name, 2, data=rich, stream="boxes")["p0"].tolist() == [0.5, 0.5]
    assert info_of(name, 2, data=rich, stream="boxes", fold="b")["p0"].tolist() == [0.75, 0.25]
    # A stream that has no predictions in the fold uses those of the top level.
    assert info_of(name, 2, data=rich, stream="crops", fold="b")["p0"].tolist() == [0.5, 0.5]


@pytest.mark.parametrize("name", IDS)
def test_several_streams_must_be_told_apart(rich, name):
    with pytest.raises(FrameSelectError, match="has the streams boxes, crops; choose one: stream="):
        gym.make(name, data=rich)


def test_a_regression_with_a_class_reward_says_so(regression):
    with pytest.raises(FrameSelectError, match="'margin' has no meaning for a regression; use"):
        keywords = {"stream": "audio", "num_frames": 4, "reward": "margin"}
        gym.make("FrameSelect/OneShot-v0", data=str(regression), **keywords)


def test_a_reward_that_reads_importance_needs_a_cache_with_it(rich):
    with pytest.raises(FrameSelectError, match="'span' reads frames/importance, which .* does not"):
        gym.make("FrameSelect/OneShot-v0", data=rich, stream="boxes", num_frames=4, reward="span")


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Two videos of two frames; stream a has one feature, b two, of another dtype and in views.

    Class 1 has the probabilities 0.25 and 0.5 in a; in b's two views (1, 0.5) and (0.5, 0).
    """
    told_a = np.array([0.25, 0.5], np.float32)
    told_b = np.array([[1.0, 0.5], [0.5, 0.0]], np.float32)

    def videos():
        for row in range(2):
            yield {
                "id": f"v{row}",
                "label": 1,
                "split": "train",
                "features": {
                    "a": np.array([[1.0], [2.0]], np.float16) + 10 * row,
                    "b": np.array([[[3], [4]], [[5], [6]]], np.float32) + 10 * row,
                },
                "predictions": {
                    "a": np.stack([1 - told_a, told_a], axis=1),
                    "b": np.stack([1 - told_b, told_b], axis=2),
                },
            }

    path = tmp_path_factory.mktemp("pair") / "pair.h5"
    return str(write_cache(path, videos(), classes=["x", "y"], axes={"b": "view"}))


def test_several_streams_are_side_by_side_and_their_predictions_averaged(pair):
    cache = open_cache(pair)
    clips = cache.read(np.array([1, 0]), 2, stream="a+b")
    assert clips.features.tolist() == [[[11, 13, 14], [12, 15, 16]], [[1, 3, 4], [2, 5, 6]]]
    assert clips.features.dtype == np.float32
    # Frame 0: a says 0.25, b (1 + 0.5) / 2; frame 1: 0.5, and (0.5 + 0) / 2.
    assert clips.predictions[0, :, 1].tolist() == [0.5, 0.375]
    assert cache.feature_size("a+b") == 3 and cache.feature_size("b+a") == 3
    extent = cache.features_extent("a+b")
    assert (extent.shape, extent.min, extent.max) == ((4, 3), 1.0, 16.0)
    assert cache.read(np.array([0]), 2, stream="b+a").features[0].tolist() == [[3, 4, 1], [5, 6, 2]]


@pytest.mark.parametrize("name", IDS)
def test_environments_take_several_streams(pair, name):
    keywords = {"data": pair, "stream": "a+b"}
    _, _, info = keep_everything(name, 2, 0, observation="index", **keywords)
    assert info["p0"].tolist() == [0.5625, 0.4375]
    assert features_of(name, 2, 0, **keywords).tolist() == [[1, 3, 4], [2, 5, 6]]
    env = gym.make(name, data=pair, stream="a+b", num_frames=2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env.unwrapped, skip_render_check=True)


def test_streams_that_do_not_go_together_are_refused(pair):
    for stream, view, message in (
        ("a+c", None, "unknown stream 'c'; known: a, b"),
        ("a+a", None, "stream 'a\\+a' names 'a' twice"),
        ("a+", None, "unknown stream ''"),
        ("a+b", 0, "view=0: the stream 'a\\+b' of .* has no axis of views"),
    ):
        with pytest.raises(FrameSelectError, match=message):
            gym.make("FrameSelect/OneShot-v0", data=pair, stream=stream, view=view, num_frames=2)
    with pytest.raises(FrameSelectError, match="'a\\+b' is several streams; read one of them"):
        open_cache(pair).features("a+b")
