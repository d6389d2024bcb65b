"""The rankings by place, entropy and features, on numbers worked by hand."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baselines import CumulativeMotion, Diversity, make_ranking
from frame_select_env import Clips, FrameSelectError
from frame_select_env.ranking import top_frames


def clips_of(features, lengths=None):
    """Clips from features [B, T, D]; everything from `lengths` on is padding."""
    features = np.asarray(features, np.float32)
    batch, frames, _ = features.shape
    lengths = np.full(batch, frames) if lengths is None else np.asarray(lengths)
    valid = np.arange(frames) < lengths[:, None]
    features = np.where(valid[..., None], features, 0)
    predictions = np.where(valid[..., None], np.float32(0.5), 0).repeat(2, axis=2)
    return Clips(features, predictions, valid, np.zeros(valid.shape), np.arange(batch))


def along_a_line(*places):
    return np.array(places, np.float32)[None, :, None]


def test_centre_takes_the_middle_of_the_valid_frames():
    clips = clips_of(np.zeros((2, 6, 1)), lengths=[6, 3])
    scores = make_ranking("centre").scores(clips)
    np.testing.assert_allclose(scores[0], [-2.5, -1.5, -0.5, -0.5, -1.5, -2.5])
    np.testing.assert_allclose(scores[1], [-1, 0, -1, *[-np.inf] * 3])
    # Of the two middle frames the earlier one.
    assert np.flatnonzero(top_frames(scores, clips.valid, 1)[0]).tolist() == [2]


def test_entropy_of_certainty_of_two_classes_and_of_ignorance():
    clips = clips_of(np.zeros((1, 4, 1)), lengths=[3])
    predictions = np.array([[[1, 0, 0], [0.5, 0.5, 0], [1 / 3] * 3, [0, 0, 0]]], np.float32)
    clips = Clips(clips.features, predictions, clips.valid, clips.time, clips.video)
    scores = make_ranking("entropy").scores(clips)
    np.testing.assert_allclose(scores, [[0, -np.log(2), -np.log(3), -np.inf]], atol=1e-6)


def test_motion_is_the_mean_change_to_the_neighbours():
    clips = clips_of(np.concatenate([along_a_line(0, 3, 4, 9), along_a_line(5, 9, 9, 9)]), [4, 1])
    scores = make_ranking("motion").scores(clips)
    np.testing.assert_allclose(scores[0], [3, (3 + 1) / 2, (1 + 5) / 2, 5])
    np.testing.assert_allclose(scores[1], [0, -np.inf, -np.inf, -np.inf])


def test_motion_is_the_euclidean_length_of_the_change():
    scores = make_ranking("motion").scores(clips_of([[[0, 0], [3, 4]]]))
    np.testing.assert_allclose(scores, [[5, 5]])


def test_diversity_is_farthest_point_order():
    # The mean is 4, to which 3 is as near as 5 and earlier. Furthest from 3 is 10, then 0 (3 away),
    # then 5 (2 away), then 1 (1 away), and the other 5 last.
    clips = clips_of(along_a_line(3, 10, 0, 5, 1, 5), lengths=[6])
    scores = Diversity().scores(clips)
    assert np.argsort(-scores[0]).tolist() == [0, 1, 2, 3, 4, 5]
    assert scores[0].tolist() == [6, 5, 4, 3, 2, 1]


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6))
def test_diversity_covers_at_most_twice_as_badly_as_the_best(seed):
    points = np.random.default_rng(seed).normal(size=(8, 2))
    distance = np.linalg.norm(points[:, None] - points, axis=2)
    scores = Diversity().scores(clips_of(points[None]))[0]
    for m in (2, 3, 4):
        radius = distance[np.argsort(-scores)[:m]].min(axis=0).max()
        best = min(distance[list(some)].min(axis=0).max() for some in combinations(range(8), m))
        assert radius <= 2 * best + 1e-6


def chosen(clips, frames):
    scores = CumulativeMotion().scores(clips, frames=frames)
    mask = top_frames(scores, clips.valid, frames)
    np.testing.assert_array_equal(mask, scores == 1)
    return [np.flatnonzero(row).tolist() for row in mask]


def test_cumulative_motion_takes_equal_steps():
    # Changes 0, 1, 4, 1, 0; their roots 0, 1, 2, 1, 0; shares 0, 0, 1/4, 3/4, 1, 1. The middles
    # 1/4 and 3/4 of two steps are frames 2 and 3. Those of three, 1/6, 1/2 and 5/6: frame 2
    # (1/12 away), then 3 (1/4 away; 2 is taken), then 4 (1/6 away; 3 is taken, 5 is later).
    clips = clips_of(along_a_line(0, 0, 1, 5, 6, 6))
    assert chosen(clips, 2) == [[2, 3]]
    assert chosen(clips, 3) == [[2, 3, 4]]
    # The middle of one step: frame 2 and frame 3 are equally near.
    assert chosen(clips, 1) == [[2]]


def test_cumulative_motion_of_a_still_video_and_of_short_ones():
    features = np.ones((3, 5, 1))
    clips = clips_of(features, lengths=[5, 2, 1])
    # Shares 0, 1/4, 1/2, 3/4, 1; the middles 1/4 and 3/4.
    assert chosen(clips, 2) == [[1, 3], [0, 1], [0]]
    assert chosen(clips, np.array([1, 1, 3])) == [[2], [0], [0]]


@pytest.mark.parametrize("frames", [None, 0])
def test_cumulative_motion_wants_to_know_how_many(frames):
    with pytest.raises(FrameSelectError, match="cumulative-motion: frames is"):
        CumulativeMotion().scores(clips_of(np.zeros((1, 3, 1))), frames=frames)
