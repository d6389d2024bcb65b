"""Frame-wise heads: logistic regression and a small network, trained on frames."""

import numpy as np
import pytest
from scipy.special import softmax

from data.head import frame_wise
from data.head.crossfit import fit_heads
from data.head.frame_wise import fit_logistic_path, fit_mlp_path
from data.head.heads import head_from
from data.head.linear import TrainingVideos


def corners(videos: int = 40) -> TrainingVideos:
    """Frames at the corners of a square; the label is whether both signs agree: not linear."""
    rng = np.random.default_rng(0)
    label = np.arange(videos) % 2
    first = rng.choice([-1.0, 1.0], videos * 10)
    second = first * np.where(np.repeat(label, 10) == 1, 1, -1)
    frames = (
        np.stack([first, second], axis=1) * 3 + 5 + rng.normal(scale=0.3, size=(videos * 10, 2))
    )
    return TrainingVideos(frames.astype(np.float32), np.full(videos, 10), label)


def accuracy(videos: TrainingVideos, head) -> float:
    told = head.predict(videos.frames)
    np.testing.assert_allclose(told.sum(axis=1), 1, atol=1e-5)
    return float((told.argmax(axis=1) == np.repeat(videos.labels, videos.lengths)).mean())


def test_only_the_network_tells_what_no_plane_divides() -> None:
    videos = corners(120)
    *_, line = fit_logistic_path(videos, 2, [1e-3])
    *_, network = fit_mlp_path(videos, 2, [1e-3], seed=0)
    assert accuracy(videos, line) < 0.65
    assert accuracy(videos, network) > 0.95


def test_the_logistic_head_is_the_minimum_of_its_objective() -> None:
    """The gradient of mean cross-entropy + penalty / 2 |weight|^2 vanishes, for three classes."""
    rng = np.random.default_rng(1)
    label = np.arange(30) % 3
    frames = rng.normal(size=(60, 4)) + np.repeat(label, 2)[:, None]
    videos = TrainingVideos(frames.astype(np.float32), np.full(30, 2), label)
    (head,) = fit_logistic_path(videos, 3, [0.1])
    normal = (frames - frames.mean(axis=0)) / frames.std(axis=0)
    weight = (head.weight * frames.std(axis=0)[:, None]).T
    told = softmax(frames @ head.weight + head.bias, axis=1)
    np.testing.assert_allclose(head.predict(videos.frames), told, atol=1e-4)
    off = (told - np.eye(3)[np.repeat(label, 2)]) / 60
    np.testing.assert_allclose(off.T @ normal + 0.1 * weight, 0, atol=2e-4)


@pytest.mark.parametrize("classes", [2, 3])
def test_heads_for_raw_features_are_scikit_learns_for_standardised_ones(classes, monkeypatch):
    fitted, fit = [], frame_wise._fit
    monkeypatch.setattr(frame_wise, "_fit", lambda *given: (fit(*given), fitted.append(given))[0])
    videos = corners(24)
    labels = np.arange(24) % classes
    videos = TrainingVideos(videos.frames, videos.lengths, labels)
    heads = [next(fit_logistic_path(videos, classes, [0.1]))]
    heads += fit_mlp_path(videos, classes, [0.1], seed=0)
    assert [len(head.arrays) for head in heads] == [2, 4]
    for head, (model, normal, _) in zip(heads, fitted, strict=True):
        told = model.predict_proba(normal)
        np.testing.assert_allclose(head.predict(videos.frames), told, atol=1e-5)
        again = head_from(head.arrays, probabilities=True)
        np.testing.assert_array_equal(again.predict(videos.frames), head.predict(videos.frames))


@pytest.mark.parametrize("kind", ["logistic", "mlp"])
def test_a_class_that_a_part_lacks_has_probability_0_there(kind) -> None:
    videos = corners(12)
    labels = np.where(np.arange(12) == 0, 2, videos.labels)  # one video of class 2
    heads = fit_heads(TrainingVideos(videos.frames, videos.lengths, labels), 3, kind=kind)
    own = heads.for_training_video(0).predict(videos.frames[:10])
    assert own.shape == (10, 3) and not own[:, 2].any()
    assert heads.final.predict(videos.frames[:10])[:, 2].all()


def test_a_network_is_that_of_its_seed() -> None:
    told = [
        fit_heads(corners(12), 2, kind="mlp", seed=seed).final.predict(corners(12).frames[:5])
        for seed in (0, 0, 1)
    ]
    np.testing.assert_array_equal(told[0], told[1])
    assert np.abs(told[0] - told[2]).max() > 0
