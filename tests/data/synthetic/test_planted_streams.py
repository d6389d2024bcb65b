"""Planted streams and views: the first is what a single one would be, and all predict the same."""

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest

import frame_select_env  # noqa: F401 - registers the environments
from data.__main__ import main
from data.synthetic.planted import Recipe, planted_videos, write_planted
from frame_select_env import open_cache

ONE = Recipe(videos=10, frames=6, classes=3, features=4, key_share=0.4, signal=3.0)
SHAPES = [(1, 1), (1, 3), (2, 1), (2, 3), (3, 2)]


@pytest.mark.parametrize(("streams", "views"), SHAPES)
def test_the_first_unit_is_what_a_single_one_would_be(
    tmp_path: Path, streams: int, views: int
) -> None:
    single = open_cache(write_planted(tmp_path / "one.h5", ONE))
    recipe = replace(ONE, streams=streams, views=views)
    cache = open_cache(write_planted(tmp_path / "many.h5", recipe))
    names = [f"s{number}" for number in range(1, streams + 1)] if streams > 1 else ["main"]
    assert list(cache.streams) == names
    assert list(cache.check_values()) == list(range(10))
    units = []
    for name in names:
        assert cache.views(name) == views
        assert cache.features_extent(name).axes == ("view" if views > 1 else "")
        features = cache.features(name).reshape(60, views, 4)
        units += list(features.swapaxes(0, 1))
        # Every stream, and each of its views, predicts what the single one does.
        assert cache.predictions(name).shape == (60, 3)
        np.testing.assert_array_equal(cache.predictions(name), single.predictions())
    np.testing.assert_array_equal(units[0], single.features())
    np.testing.assert_array_equal(cache.labels, single.labels)
    importance = [one.read_frames("importance", np.arange(10), 6) for one in (cache, single)]
    np.testing.assert_array_equal(*importance)
    different = [not np.array_equal(one, other) for one, other in product(units, units)]
    assert sum(different) == len(units) ** 2 - len(units)


def test_the_mean_over_units_tells_the_key_frames_better_than_one() -> None:
    recipe = replace(ONE, videos=300, streams=2, views=3, signal=1.0)
    videos = list(planted_videos(recipe))
    units = np.stack(
        [
            np.concatenate([video["features"][name] for name in ("s1", "s2")], axis=1)
            for video in videos
        ]
    )[..., 0].astype(float)  # feature 0, [videos, frames, units]
    key = np.stack([video["importance"] for video in videos]) == 1

    def best_is_key(score: np.ndarray) -> float:
        return key[np.arange(300), score.argmax(axis=1)].mean()

    alone = [best_is_key(units[..., unit]) for unit in range(6)]
    assert best_is_key(units.mean(axis=2)) > max(alone) + 0.1
    noise = units - recipe.signal * key[..., None]
    correlation = np.corrcoef(noise.reshape(-1, 6).T)
    assert np.abs(correlation - np.eye(6)).max() < 0.1


def test_the_number_of_units_changes_no_label_and_no_prediction() -> None:
    for one, many in zip(
        planted_videos(ONE), planted_videos(replace(ONE, streams=2, views=2)), strict=True
    ):
        assert (one["id"], one["label"], one["split"]) == (many["id"], many["label"], many["split"])
        for name in ("s1", "s2"):
            np.testing.assert_array_equal(many["predictions"][name], one["predictions"])
        np.testing.assert_array_equal(many["features"]["s1"][:, 0], one["features"])


def test_the_command_makes_streams_and_views_that_environments_read(tmp_path: Path) -> None:
    path = tmp_path / "p.h5"
    main(["planted", str(path), "--videos", "10", "--frames", "6", "--streams", "2", "--views=3"])
    cache = open_cache(path)
    assert cache.streams == ("s1", "s2") and cache.views("s2") == 3
    assert (cache.provenance["streams"], cache.provenance["views"]) == (2, 3)
    keywords = {"data": str(path), "stream": "s2", "num_frames": 6, "split": "test"}
    env = gym.make("FrameSelect/OneShot-v0", view="random", **keywords)
    row = int(cache.rows("test")[0])
    observation, _ = env.reset(seed=0, options={"video": row, "view": 2})
    stored = cache.features("s2")[cache.start[row] : cache.start[row + 1]]
    np.testing.assert_array_equal(observation["features"], stored[:, 2])
    assert not np.array_equal(stored[:, 2], stored[:, 1])


@pytest.mark.parametrize("option", ["streams", "views"])
def test_none_is_too_few(failure: Callable[..., str], tmp_path: Path, option: str) -> None:
    said = failure("planted", tmp_path / "p.h5", f"--{option}", "0")
    assert f"{option}=0: must be an integer of at least 1" in said
    assert not list(tmp_path.iterdir())
