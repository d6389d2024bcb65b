"""Raters in a cache: what is written is read, what is wrong is named, older files still open."""

import dataclasses

import h5py
import numpy as np
import pytest
from cache_arrays import video

from frame_select_env import CacheError, FeatureCache, FrameSelectError, write_cache
from frame_select_env.cache import Summaries

RATERS = np.float32([[1, 5, np.nan], [2, 4, np.nan], [3, 3, np.nan]])
# Three cached frames stand for five original ones; two shots, and a last frame in none.
SUMMARIES = Summaries(
    frame=np.int32([0, 0, 1, 2, 2]),
    shot=np.int32([0, 0, 1, 1, -1]),
    kept=np.uint8([[1, 0, 255], [1, 0, 255], [0, 1, 255], [0, 1, 255], [0, 0, 255]]),
)


def written(tmp_path, *videos):
    return FeatureCache(write_cache(tmp_path / "c.h5", videos, classes=["a", "b"]))


def rated(name="v", **changes):
    return video(name, raters=RATERS, summaries=dataclasses.replace(SUMMARIES, **changes))


def test_what_was_written_is_read(tmp_path):
    longer = Summaries(*(np.concatenate([one, one[-1:]]) for one in vars(SUMMARIES).values()))
    cache = written(tmp_path, rated(), {**rated("w"), "summaries": longer})
    assert cache.raters == 3 and cache.has_summaries
    assert cache.frame_datasets == ("raters",)
    np.testing.assert_array_equal(cache.read_frames("raters", [1], 3)[0], RATERS)
    for row, expected in enumerate((SUMMARIES, longer)):
        for name, values in vars(expected).items():
            np.testing.assert_array_equal(getattr(cache.summaries(row), name), values)
    assert cache.summaries(0).raters.tolist() == [[1, 0], [1, 0], [0, 1], [0, 1], [0, 0]]
    assert list(cache.check_values()) == [0, 1]


def test_a_cache_without_raters_says_so(tmp_path):
    cache = written(tmp_path, video())
    assert cache.raters == 0 and not cache.has_summaries
    with pytest.raises(FrameSelectError, match="has no summaries of raters"):
        cache.summaries(0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"frame": np.int32([0, 0, 1, 2, 3])}, "summaries/frame must rise, from 0 to at most 2"),
        ({"frame": np.int32([0, 1, 0, 2, 2])}, "summaries/frame must rise"),
        ({"shot": np.int32([0, 0, 2, 2, -1])}, "summaries/shot must number shots from 0 in order"),
        ({"shot": np.int32([-1] * 5)}, "summaries/shot must number"),
        ({"shot": np.int32([0, 0])}, "must have one row for every original frame"),
        ({"kept": np.uint8([[2]] * 5)}, "summaries/kept must be 0, 1, or 255"),
        ({"kept": np.uint8([[255], [1], [1], [1], [1]])}, "has all frames or, with 255, none"),
        ({"kept": np.full((5, 2), 255, np.uint8)}, "one has to be there"),
    ],
)
def test_wrong_summaries_are_refused(tmp_path, changes, message):
    with pytest.raises(CacheError, match=message):
        written(tmp_path, rated(**changes))
    assert not (tmp_path / "c.h5").exists()


@pytest.mark.parametrize("score", [np.nan, np.inf])
def test_a_score_may_not_lack_in_one_frame(tmp_path, score):
    scores = RATERS.copy()
    scores[1, 0] = score
    with pytest.raises(CacheError, match="a rater's scores must be finite, or all NaN"):
        written(tmp_path, video(raters=scores))
    with pytest.raises(CacheError, match="one rater at least"):
        written(tmp_path, video(raters=np.full((3, 2), np.nan)))


def test_some_videos_with_summaries_and_some_without_are_refused(tmp_path):
    with pytest.raises(CacheError, match="must have the same keys"):
        written(tmp_path, rated(), video("w", raters=RATERS))


@pytest.mark.parametrize("dataset", ["summaries/kept", "summaries/frame", "frames/raters"])
def test_a_damaged_value_is_found(tmp_path, dataset):
    path = written(tmp_path, rated()).path
    with h5py.File(path) as file:
        offset = file[dataset].id.get_offset()
    content = bytearray(path.read_bytes())
    content[offset] ^= 1
    path.write_bytes(content)
    with pytest.raises(CacheError, match=f"{dataset}|summaries/"):
        list(FeatureCache(path).check_values())


def test_a_missing_part_is_found_on_opening(tmp_path):
    path = written(tmp_path, rated()).path
    with h5py.File(path, "r+") as file:
        del file["summaries/shot"]
    with pytest.raises(CacheError, match="summaries/shot: is missing"):
        FeatureCache(path)
