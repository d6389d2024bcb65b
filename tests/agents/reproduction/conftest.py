"""Planted caches with streams, views and folds, and a cache with one of each."""

import pytest

from data.synthetic.planted import Recipe, planted_videos, write_planted
from frame_select_env import write_cache

MANY = Recipe(videos=30, frames=6, classes=3, features=3, streams=2, views=2, signal=4.0)
SPLITS = {"one": ("train", "test", "train"), "two": ("test", "train", "train")}


@pytest.fixture(scope="session")
def folded(tmp_path_factory):
    """30 videos, streams s1 and s2 of two views each, folds default, one and two."""

    def videos():
        for row, video in enumerate(planted_videos(MANY)):
            folds = {name: {"split": splits[row % 3]} for name, splits in SPLITS.items()}
            yield {**video, "folds": folds}

    path = tmp_path_factory.mktemp("folded") / "folded.h5"
    axes = dict.fromkeys(MANY.stream_names, "view")
    return str(write_cache(path, videos(), classes=["c0", "c1", "c2"], axes=axes))


@pytest.fixture(scope="session")
def plain(tmp_path_factory):
    """10 videos with one stream, one view and the fold default."""
    path = tmp_path_factory.mktemp("plain") / "plain.h5"
    return str(write_planted(path, Recipe(videos=10, frames=6, classes=3, features=3)))
