"""The training videos: means over frames, moments, parts."""

import numpy as np
import pytest

from data.head.heads import LinearHead, raw_layer
from data.head.linear import BLOCK_FRAMES, TrainingVideos


def test_video_means_by_hand() -> None:
    videos = TrainingVideos(np.array([[1.0], [3.0], [5.0]]), np.array([2, 1]), np.array([0, 1]))
    np.testing.assert_array_equal(videos.video_means(), [[2.0], [5.0]])


def test_moments_are_those_of_all_frames_also_far_from_zero() -> None:
    rng = np.random.default_rng(0)
    frames = (rng.normal(size=(BLOCK_FRAMES + 100, 3)) * [1, 10, 0.1] + [1000, 0, -5]).astype(
        np.float32
    )
    videos = TrainingVideos(frames, np.array([len(frames)]), np.array([0]))
    mean, scale = videos.moments()
    np.testing.assert_allclose(mean, frames.mean(axis=0, dtype=np.float64), rtol=1e-9)
    np.testing.assert_allclose(scale, frames.std(axis=0, dtype=np.float64), rtol=1e-6)


def test_a_constant_feature_is_divided_by_one() -> None:
    _, scale = TrainingVideos(np.full((4, 2), 7.0), np.array([4]), np.array([0])).moments()
    np.testing.assert_array_equal(scale, [1.0, 1.0])


def test_half_precision_frames_do_not_overflow() -> None:
    frames = np.full((5000, 1), 60000, np.float16)
    frames[::2] = 0
    mean, scale = TrainingVideos(frames, np.array([5000]), np.array([0])).moments()
    assert mean[0] == pytest.approx(30000, rel=1e-3)
    assert scale[0] == pytest.approx(30000, rel=1e-3)


def test_a_part_keeps_whole_videos() -> None:
    videos = TrainingVideos(np.arange(6.0)[:, None], np.array([1, 2, 3]), np.array([4, 5, 6]))
    part = videos.part(np.array([True, False, True]))
    ((some, frames),) = part.blocks()
    assert (some.start, some.stop) == (0, 2) and part.frames is videos.frames
    np.testing.assert_array_equal(frames[:, 0], [0, 3, 4, 5])
    last = part.part(np.array([False, True]))
    np.testing.assert_array_equal(last.video_means(), [[4.0]])
    np.testing.assert_allclose(last.moments(), [[4.0], [np.sqrt(2 / 3)]])
    np.testing.assert_array_equal(part.lengths, [1, 3])
    np.testing.assert_array_equal(part.labels, [4, 6])


def test_a_head_takes_features_as_they_are_stored() -> None:
    rng = np.random.default_rng(0)
    weight, bias = rng.normal(size=(3, 2)), rng.normal(size=2)
    mean, scale = np.array([5.0, -2.0, 0.0]), np.array([2.0, 0.5, 1.0])
    features = rng.normal(size=(7, 3)).astype(np.float32)
    head = LinearHead(*raw_layer(weight, bias, mean, scale), probabilities=False)
    expected = (features - mean) / scale @ weight + bias
    np.testing.assert_allclose(head.predict(features), expected, rtol=1e-4, atol=1e-5)
    shares = LinearHead(head.weight, head.bias, probabilities=True).predict(features)
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(shares[:, 0] / shares[:, 1], np.exp(expected @ [1, -1]), rtol=1e-3)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_blocks_have_every_frame_once_and_whole_videos(dtype: type, monkeypatch) -> None:
    monkeypatch.setattr("data.head.linear.BLOCK_FRAMES", 8)
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 12, 20)
    frames = rng.normal(size=(lengths.sum(), 3)).astype(dtype)
    videos = TrainingVideos(frames, lengths, np.arange(20))
    chosen = rng.random(20) < 0.6
    part = videos.part(chosen)
    rows = np.repeat(chosen, lengths)
    found = [(range(20)[some], block.copy()) for some, block in part.blocks()]
    assert all(block.dtype == np.float32 for _, block in found)
    np.testing.assert_array_equal(np.concatenate([block for _, block in found]), frames[rows])
    assert [i for some, _ in found for i in some] == list(range(chosen.sum()))
    assert all(len(block) == part.lengths[list(some)].sum() for some, block in found)
    np.testing.assert_allclose(part.moments()[0], frames[rows].mean(axis=0, dtype=np.float64))
    means = [frames[rows][s : s + n].mean(axis=0, dtype=np.float64)
             for s, n in zip(part.starts, part.lengths, strict=True)]  # fmt: skip
    np.testing.assert_allclose(part.video_means(), means, rtol=1e-6)
