"""Heads in a cache: of which fold, checked when written and when read."""

import numpy as np
import pytest
from cache_arrays import video

from frame_select_env import CacheError, FeatureCache, write_cache

WEIGHT, BIAS = np.float32([[1, 2], [3, 4]]), np.float32([5, 6])


def write(path, heads, axes=None, **changes):
    return write_cache(path, [video(**changes)], classes=["a", "b"], heads=heads, axes=axes)


def test_a_fold_has_its_own_head_where_it_has_its_own_predictions(tmp_path):
    told = np.tile(np.float32([0.5, 0.5]), (3, 1))
    folds = {"own": {"split": "test", "predictions": told}, "same": {"split": "val"}}
    heads = {"default": {"main": (WEIGHT, BIAS)}, "own": {"main": (2 * WEIGHT, 2 * BIAS)}}
    cache = FeatureCache(write(tmp_path / "c.h5", heads, folds=folds))
    assert cache.folds == ("default", "own", "same")
    for fold, times in (("default", 1), ("own", 2), ("same", 1)):
        weight, bias = cache.head(fold=fold)
        np.testing.assert_array_equal(weight, times * WEIGHT)
        np.testing.assert_array_equal(bias, times * BIAS)
    assert list(cache.check_values()) == [0]


def test_predictions_without_a_head_have_none(tmp_path):
    assert FeatureCache(write(tmp_path / "c.h5", None)).head() is None


@pytest.mark.parametrize(("axis", "inputs"), [("view", 2), ("object", 8)])
def test_views_share_a_head_and_objects_are_flattened(tmp_path, axis, inputs):
    features = np.ones((3, 4, 2), np.float32)
    weight = np.zeros((inputs, 2), np.float32)
    heads = {"default": {"main": (weight, BIAS)}}
    path = write(tmp_path / "c.h5", heads, {"main": axis}, features=features)
    assert FeatureCache(path).head()[0].shape == (inputs, 2)
    with pytest.raises(CacheError, match=rf"head/main: weight, bias have .*expected \[\({inputs},"):
        wrong = {"default": {"main": (weight[1:], BIAS)}}
        write(tmp_path / "d.h5", wrong, {"main": axis}, features=features)
    assert not (tmp_path / "d.h5").exists()


def test_a_head_with_a_hidden_layer_has_four_arrays(tmp_path):
    arrays = np.ones((2, 5)), np.arange(5.0), np.eye(5)[:, :2], BIAS
    cache = FeatureCache(write(tmp_path / "c.h5", {"default": {"main": arrays}}))
    for found, given in zip(cache.head(), arrays, strict=True):
        np.testing.assert_array_equal(found, given)
    assert list(cache.check_values()) == [0]


@pytest.mark.parametrize(
    "heads",
    [
        {"other": {"main": (WEIGHT, BIAS)}},
        {"default": {"rgb": (WEIGHT, BIAS)}},
        {"default": {"main": (WEIGHT, BIAS[:1])}},
        {"default": {"main": (WEIGHT * np.nan, BIAS)}},
        {"default": {"main": (BIAS, WEIGHT, BIAS)}},
        {"default": {"main": (WEIGHT, BIAS, WEIGHT[:1], BIAS)}},
    ],
)
def test_a_head_that_does_not_fit_is_refused(tmp_path, heads):
    with pytest.raises(CacheError, match=r"folds/\w+/head/\w+: "):
        write(tmp_path / "c.h5", heads)
    assert list(tmp_path.iterdir()) == []


def test_a_flipped_bit_is_found_when_the_head_is_read_and_by_the_full_check(tmp_path):
    path = write(tmp_path / "c.h5", {"default": {"main": (WEIGHT, BIAS)}})
    content = path.read_bytes()
    place = content.index(WEIGHT.tobytes())
    path.write_bytes(content[:place] + b"\x01" + content[place + 1 :])
    cache = FeatureCache(path)
    with pytest.raises(CacheError, match="folds/default/head/main/weight: has a wrong checksum"):
        cache.head()
    with pytest.raises(CacheError, match="wrong checksum"):
        list(cache.check_values())
