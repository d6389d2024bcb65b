"""Regression: ridge on video means is the head whose consensus fits best."""

import numpy as np
import pytest

from data.head.crossfit import fit_heads
from data.head.linear import TrainingVideos, fit_ridge_path


def planted(videos: int = 60, noise: float = 0.05) -> TrainingVideos:
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 6, videos)
    frames = rng.normal(size=(lengths.sum(), 3)) * [1, 20, 0.1] + 4
    bare = TrainingVideos(frames, lengths, np.zeros(videos))
    means = bare.video_means()
    labels = means @ [[1.0, 0.0], [0.0, 0.1], [-10.0, 0.0]] + [2, 1]
    return TrainingVideos(frames, lengths, labels + noise * rng.normal(size=labels.shape))


def test_without_noise_and_penalty_the_consensus_is_the_label() -> None:
    videos = planted(noise=0)
    head = next(fit_ridge_path(videos, [1e-9]))
    consensus = videos.video_means(head)
    np.testing.assert_allclose(consensus, videos.labels, atol=1e-3)


def test_it_solves_the_normal_equations() -> None:
    videos = planted()
    penalty = 0.3
    mean, scale = videos.moments()
    x = (videos.video_means() - mean) / scale
    centred, y = x - x.mean(axis=0), videos.labels - videos.labels.mean(axis=0)
    weight = np.linalg.solve(
        centred.T @ centred / len(videos) + penalty * np.eye(3), centred.T @ y / len(videos)
    )
    head = next(fit_ridge_path(videos, [penalty]))
    np.testing.assert_allclose(head.weight, weight / scale[:, None], rtol=1e-4)


def test_one_target_keeps_its_axis() -> None:
    videos = planted()
    one = TrainingVideos(videos.frames, videos.lengths, videos.labels[:, :1])
    head = next(fit_ridge_path(one, [0.1]))
    assert head.weight.shape == (3, 1) and head.bias.shape == (1,)


def test_the_score_is_the_cross_validated_mean_squared_error() -> None:
    heads = fit_heads(planted(noise=0.05), outputs=2)
    assert heads.score == pytest.approx(0.05**2, rel=0.8)
    assert heads.penalty < 0.01
