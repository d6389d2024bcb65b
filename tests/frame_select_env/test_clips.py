"""Clips of one video in memory: those that a cache with that video gives."""

import numpy as np
import pytest

from frame_select_env import FeatureCache
from frame_select_env.cache import clips_of_video


@pytest.mark.parametrize("num_frames", [4, 14])
@pytest.mark.parametrize("stream", ["rgb", "rgb+flow"])
@pytest.mark.parametrize("view", [None, 2, "random"])
def test_they_are_those_of_the_cache(viewed, num_frames, stream, view):
    cache, row = FeatureCache(viewed), 5
    frames = slice(cache.start[row], cache.start[row + 1])
    features = {one: cache.features(one)[frames] for one in stream.split("+")}
    predictions = {one: cache.predictions(one)[frames] for one in stream.split("+")}
    time = np.arange(cache.lengths[row]) / 25
    made = clips_of_video(features, predictions, time, num_frames, view)
    video, one = cache.clips_of(np.array([row]), stream, view)
    there = cache.read(video, num_frames, stream=stream, view=one)
    for name in ("features", "predictions", "valid", "time", "view"):
        np.testing.assert_array_equal(getattr(made, name), getattr(there, name), err_msg=name)
    assert made.features.dtype == there.features.dtype
    assert made.predictions.dtype == there.predictions.dtype


def test_the_arrays_that_are_given_stay_as_they_are():
    features, told = np.ones((2, 3)), np.full((2, 4), 0.25)
    clips = clips_of_video({"main": features}, {"main": told}, np.arange(2), 5)
    assert clips.features.shape == (1, 5, 3) and not clips.features[0, 2:].any()
    assert (features == 1).all() and (told == 0.25).all()
