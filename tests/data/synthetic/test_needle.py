"""The needle videos: their recipe, and what a composed video is made of."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from data.synthetic.cues import SHARES
from data.synthetic.needle import NeedleRecipe, clips_source, write_needle
from data.synthetic.scans import divide_images
from frame_select_env import FeatureCache, FrameSelectError

SMALL = NeedleRecipe(length=12, needle=3, videos=(60, 40, 40))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> FeatureCache:
    return FeatureCache(write_needle(SMALL, tmp_path_factory.mktemp("needle") / "needle.h5"))


def test_a_needle_of_three_frames_among_twelve(cache: FeatureCache) -> None:
    rows = np.arange(len(cache))
    key = cache.read_frames("importance", rows, 12)
    assert key.shape == (140, 12) and set(key.sum(axis=1).tolist()) == {3.0}
    assert Counter(cache.splits().tolist()) == {"train": 60, "val": 40, "test": 40}
    assert len(cache.classes) == 5 and cache.provenance["crossfit"] == "group"
    assert cache.provenance["recipe"]["length"] == 12


def test_the_same_recipe_makes_the_same_videos(cache: FeatureCache, tmp_path: Path) -> None:
    again = FeatureCache(write_needle(SMALL, tmp_path / "again.h5"))
    np.testing.assert_array_equal(cache.features(), again.features())
    np.testing.assert_array_equal(cache.labels, again.labels)
    assert [one.name for one in tmp_path.iterdir()] == ["again.h5"]


def test_no_two_splits_share_an_image() -> None:
    source = clips_source(NeedleRecipe(length=12, needle=3, videos=(60, 40, 40), noise=0.0))
    images = divide_images(SHARES, np.random.default_rng(0))
    white = {
        split: {(one / one.max()).round(2).tobytes() for one in images[split].pixels}
        for split in SHARES
    }
    for row in (0, 60, 139):
        own = source.splits["default"][row]
        for frame in source.frames["thumbnail"](row) / 255.0:
            # Contrast is the only change, and the brightest pixel tells it.
            near = {
                split: min(
                    np.abs(frame / frame.max() - np.frombuffer(one).reshape(8, 8)).max()
                    for one in white[split]
                )
                for split in white
            }
            assert near[own] < 0.02 and min(near, key=near.get) == own


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"noise": float("nan")}, "noise=nan: must be from 0 to 1"),
        ({"needle": 100}, "needle=100: must be less than length=100"),
        ({"videos": (0, 10, 10)}, "videos="),
    ],
)
def test_bad_recipes_are_one_line(changes, words) -> None:
    with pytest.raises(FrameSelectError, match=words):
        NeedleRecipe(**changes)
