"""diversity-dpp, adaptive-split and inverse-transform, on numbers worked by hand."""

from itertools import combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from baselines.adaptive_split import AdaptiveSplit
from baselines.determinantal import DiversityDPP, greedy_map, similarities
from baselines.inverse_transform import InverseTransform
from frame_select_env import Clips


def clips_of(features, confidence=None):
    """One clip of features [T, D], each frame with the given probability of class 0."""
    features = np.asarray(features, np.float32)[None]
    confidence = np.full(features.shape[1], 0.5) if confidence is None else np.array(confidence)
    predictions = np.stack([confidence, 1 - confidence], axis=-1).astype(np.float32)[None]
    valid = np.ones(features.shape[:2], bool)
    return Clips(features, predictions, valid, np.zeros(valid.shape), np.zeros(1, np.int64))


def sure(*confidence):
    return clips_of(np.zeros((len(confidence), 1)), confidence)


def kept(ranking, clips, frames):
    return np.flatnonzero(ranking.scores(clips, frames=frames)[0] == 1).tolist()


def test_a_dpp_takes_directions_that_are_not_there_yet():
    # Frames 0 and 2 have one direction, whatever the norm; 1 is at a right angle, 3 between the
    # two and the most like all. From it, 0, 1 and 2 add a half each; then the other direction of
    # the plane adds nothing, so the earlier frames come first.
    clips = clips_of([[1, 0], [0, 1], [5, 0], [1, 1]])
    assert DiversityDPP().scores(clips)[0].tolist() == [3, 2, 1, 4]


def test_a_dpp_leaves_empty_features_for_last():
    clips = clips_of([[0, 0, 0], [0, 0, 1], [0, 1, 0], [1, 1, 1]])
    scores = DiversityDPP().scores(clips)[0]
    assert scores.tolist() == [1, 3, 2, 4]


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6))
def test_a_dpp_adds_the_frame_of_the_largest_determinant(seed):
    kernel = similarities(np.random.default_rng(seed).normal(size=(7, 5)))
    order = greedy_map(kernel)
    assert sorted(order) == list(range(7))
    for chosen in range(1, 5):
        rest = set(range(7)) - set(order[:chosen])
        volumes = {
            item: np.linalg.det(kernel[np.ix_(some, some)])
            for item in rest
            for some in [[*order[:chosen], item]]
        }
        assert volumes[order[chosen]] >= max(volumes.values()) - 1e-8


def test_frames_that_stand_out_are_taken_wherever_they_are():
    # Scaled to 0..1: the best two are 1 and 1, the mean of the ten .2: the lead is .8.
    assert kept(AdaptiveSplit(), sure(1, 1, *[0.5] * 8), 2) == [0, 1]
    # With .6 beside them the mean is .22, the lead .78: one of each half of the video.
    assert kept(AdaptiveSplit(), sure(1, 1, *[0.5] * 7, 0.6), 2) == [0, 9]


def test_of_an_odd_number_the_surer_half_gets_one_more():
    early, late = [0.9, 0.8, 0.7, 0.5], [0.6, 0.55, 0.5, 0.5]
    assert kept(AdaptiveSplit(), sure(*early, *late), 3) == [0, 2, 4]
    assert kept(AdaptiveSplit(), sure(*late, *early), 3) == [0, 4, 6]


@settings(max_examples=50)
@given(seed=st.integers(0, 10**6), frames=st.integers(1, 14))
def test_as_many_frames_as_asked_for_or_all(seed, frames):
    rng = np.random.default_rng(seed)
    length = int(rng.integers(1, 13))
    clips = sure(*rng.choice([0.5, 0.6, 0.9, 1.0], length))
    for ranking in (AdaptiveSplit(), InverseTransform()):
        assert len(kept(ranking, clips, frames)) == min(frames, length)


def test_equal_steps_of_the_cumulative_confidence():
    # Scaled and cubed: 0, 1/8, 0, 1, 1/8; of 10/8 the shares are 0, .1, .1, .9, 1. The middles of
    # two steps, .25 and .75, are both in frame 3; the second takes its nearest, of two the earlier.
    clips = sure(0.5, 0.75, 0.5, 1.0, 0.75)
    assert kept(InverseTransform(), clips, 1) == [3]
    assert kept(InverseTransform(), clips, 2) == [2, 3]


def test_equal_confidence_gives_the_evenly_spaced_frames():
    found = {frames: kept(InverseTransform(), sure(*[0.7] * 12), frames) for frames in (2, 3, 4)}
    # The frame at which (t + 1) / 12 reaches (i + 1/2) / m.
    assert found == {2: [2, 8], 3: [1, 5, 9], 4: [1, 4, 7, 10]}


def test_a_set_of_frames_has_the_volume_of_its_features():
    features = np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 2.0]])
    kernel = similarities(features)
    for some in combinations(range(3), 2):
        volume = np.linalg.det(
            features[list(some)] / np.linalg.norm(features[list(some)], axis=1)[:, None]
        )
        np.testing.assert_allclose(np.linalg.det(kernel[np.ix_(some, some)]), volume**2, atol=1e-12)
