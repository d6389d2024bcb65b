"""The loss of the head: a hand-worked video, finite differences, and what minimising it does."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.head.linear import BLOCK_FRAMES, TrainingVideos, consensus_loss, fit_softmax_path


def test_a_video_of_two_frames_by_hand() -> None:
    # One feature, two classes, weight (0, 1), bias 0: frame x has P_1 = 1 / (1 + exp(-x)).
    # x = 0 and x = log 3 give P_1 = 1/2 and 3/4, so pbar_1 = 5/8 and the loss is log(8/5).
    videos = TrainingVideos(np.array([[0.0], [np.log(3)]]), np.array([2]), np.array([1]))
    loss, grad_weight, grad_bias = consensus_loss(
        np.array([[0.0, 1.0]]), np.zeros(2), videos, classes=2
    )
    assert loss == pytest.approx(np.log(8 / 5))
    # r = (1/2, 3/4) / (2 · 5/8) = (0.4, 0.6); r (P - e_1) is (0.2, -0.2) and (0.15, -0.15).
    np.testing.assert_allclose(grad_bias, [0.35, -0.35])
    np.testing.assert_allclose(grad_weight, [[0.15 * np.log(3), -0.15 * np.log(3)]])


def test_one_frame_is_plain_cross_entropy() -> None:
    videos = TrainingVideos(np.array([[2.0]]), np.array([1]), np.array([0]))
    loss, _, grad_bias = consensus_loss(np.array([[1.0, 0.0]]), np.zeros(2), videos, classes=2)
    p = 1 / (1 + np.exp(-2))
    assert loss == pytest.approx(-np.log(p))
    np.testing.assert_allclose(grad_bias, [p - 1, 1 - p])


@settings(max_examples=25)
@given(
    lengths=st.lists(st.integers(1, 5), min_size=1, max_size=5),
    size=st.integers(1, 4),
    classes=st.integers(2, 4),
    seed=st.integers(0, 2**16),
)
def test_gradient_is_that_of_finite_differences(
    lengths: list[int], size: int, classes: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    videos = TrainingVideos(
        rng.normal(size=(sum(lengths), size)),
        np.array(lengths),
        rng.integers(0, classes, len(lengths)),
    )
    weight, bias = rng.normal(size=(size, classes)), rng.normal(size=classes)
    _, grad_weight, grad_bias = consensus_loss(weight, bias, videos, classes)
    direction_w, direction_b = rng.normal(size=weight.shape), rng.normal(size=classes)
    step = 1e-6
    ahead, _, _ = consensus_loss(
        weight + step * direction_w, bias + step * direction_b, videos, classes
    )
    behind, _, _ = consensus_loss(
        weight - step * direction_w, bias - step * direction_b, videos, classes
    )
    slope = (grad_weight * direction_w).sum() + (grad_bias * direction_b).sum()
    assert (ahead - behind) / (2 * step) == pytest.approx(slope, abs=1e-7, rel=1e-5)


def test_many_blocks_add_up_to_the_mean_over_videos() -> None:
    # More frames than one block holds, and one video that is longer than a block by itself.
    rng = np.random.default_rng(0)
    lengths = np.array([10, BLOCK_FRAMES + 7, 3, BLOCK_FRAMES - 5, 1])
    frames, labels = rng.normal(size=(lengths.sum(), 3)), np.array([0, 1, 2, 0, 1])
    weight, bias = rng.normal(size=(3, 3)), rng.normal(size=3)
    whole = consensus_loss(weight, bias, TrainingVideos(frames, lengths, labels), 3)
    ends = np.cumsum(lengths)
    single = [
        consensus_loss(
            weight, bias, TrainingVideos(frames[e - n : e], np.array([n]), labels[i : i + 1]), 3
        )
        for i, (n, e) in enumerate(zip(lengths, ends, strict=True))
    ]
    for part in range(3):
        np.testing.assert_allclose(whole[part], np.mean([s[part] for s in single], axis=0))


def test_a_hopeless_video_leaves_loss_and_gradient_finite() -> None:
    videos = TrainingVideos(np.array([[200.0]], np.float32), np.array([1]), np.array([0]))
    weight = np.array([[0.0, 1.0]], np.float32)
    loss, grad_weight, _ = consensus_loss(weight, np.zeros(2, np.float32), videos, classes=2)
    assert np.isfinite(loss) and loss > 50
    assert np.isfinite(grad_weight).all()


def planted(seed: int) -> TrainingVideos:
    """40 videos of 10 frames; two frames tell the class, the others are the same for all."""
    rng = np.random.default_rng(seed)
    labels = np.arange(40) % 2
    frames = rng.normal(size=(40, 10, 2))
    frames[:, :, 1] -= 2
    for video, label in enumerate(labels):
        frames[video, :2] = [3 * (2 * label - 1), 3] + rng.normal(size=(2, 2)) / 4
    return TrainingVideos(frames.reshape(400, 2).astype(np.float32), np.full(40, 10), labels)


def test_frames_that_tell_nothing_are_left_undecided() -> None:
    head = list(fit_softmax_path(planted(0), 2, [1.0, 0.1, 0.01]))[-1]
    test = planted(1)
    confidence = head.predict(test.frames).max(axis=1).reshape(40, 10)
    assert confidence[:, :2].mean() > 0.95
    assert confidence[:, 2:].mean() < 0.75
    consensus = test.video_means(head)
    assert (consensus.argmax(axis=1) == test.labels).mean() > 0.85


def test_weaker_penalties_fit_closer_with_larger_weights() -> None:
    videos = planted(0)
    heads = list(fit_softmax_path(videos, 2, [1.0, 0.1, 0.01]))
    losses = [-np.log(videos.video_means(h)[np.arange(40), videos.labels]).mean() for h in heads]
    assert losses[0] > losses[1] > losses[2]
    norms = [np.linalg.norm(head.weight) for head in heads]
    assert norms[0] < norms[1] < norms[2]


def test_features_may_be_scaled_and_shifted() -> None:
    videos = planted(0)
    moved = TrainingVideos(videos.frames * [100, 0.01] + [50, -3], videos.lengths, videos.labels)
    (a,) = fit_softmax_path(videos, 2, [0.1])
    (b,) = fit_softmax_path(moved, 2, [0.1])
    np.testing.assert_allclose(a.predict(videos.frames), b.predict(moved.frames), atol=2e-3)


def test_a_class_without_training_videos_gets_next_to_no_probability() -> None:
    videos = planted(0)
    head = list(fit_softmax_path(videos, 3, [0.1, 0.01]))[-1]
    assert np.isfinite(head.weight).all() and np.isfinite(head.bias).all()
    assert head.predict(videos.frames)[:, 2].mean() < 0.1
