"""Frame-wise heads: every frame is trained to predict its video's label, by scikit-learn.

Unlike the linear head (`data.head.linear`), whose loss is that of the averaged probabilities, these
are told that every frame shows the class: a logistic regression, and a network with one hidden
layer (multilayer perceptron, Rumelhart, Hinton and Williams, Nature 323, 1986) trained by Adam.
"""

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from data.head.heads import HiddenLayerHead, LinearHead, raw_layer
from data.head.linear import TrainingVideos

HIDDEN = 64  # units of the network
EPOCHS = 20  # passes of the network over the frames
MLP_BATCH = 64  # frames
MAX_ITERATIONS = 200  # of the logistic regression, per penalty


def fit_logistic_path(
    videos: TrainingVideos, classes: int, penalties: Sequence[float]
) -> Iterator[LinearHead]:
    """Fit one logistic regression per penalty (from strong to weak).

    The objective is the mean cross-entropy of the frames + penalty / 2 · |weight|², on features
    standardised over the training frames. Each is fitted when it is asked for.
    """
    frames, labels, mean, scale = _frames(videos)
    for penalty in penalties:
        # scikit-learn's C weighs the sum of the losses against the squared norm.
        strength = 1 / (penalty * len(frames))
        model = LogisticRegression(C=strength, max_iter=MAX_ITERATIONS)
        _fit(model, frames, labels)
        layer = _every_class(model.coef_.T, model.intercept_, model.classes_, classes)
        yield LinearHead(*raw_layer(*layer, mean, scale), probabilities=True)


def fit_mlp_path(
    videos: TrainingVideos, classes: int, penalties: Sequence[float], seed: int
) -> Iterator[HiddenLayerHead]:
    """Fit one network per penalty, scikit-learn's `alpha`; all from the seed's first weights."""
    frames, labels, mean, scale = _frames(videos)
    for penalty in penalties:
        model = MLPClassifier(
            (HIDDEN,), alpha=penalty, batch_size=MLP_BATCH, max_iter=EPOCHS, random_state=seed
        )
        _fit(model, frames, labels)
        (first, weight), (hidden, bias) = model.coefs_, model.intercepts_
        weight, bias = _every_class(weight, bias, model.classes_, classes)
        last = LinearHead(weight.astype(np.float32), bias.astype(np.float32), probabilities=True)
        yield HiddenLayerHead(*raw_layer(first, hidden, mean, scale), last)


def _frames(videos: TrainingVideos) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Standardised frames [n, D] float32, their labels [n], and the mean and scale [D]."""
    mean, scale = videos.moments()
    frames = np.concatenate([block.copy() for _, block in videos.blocks()])
    return _normal(frames, mean, scale), np.repeat(videos.labels, videos.lengths), mean, scale


def _normal(frames: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    return ((frames - mean) / scale).astype(np.float32)


def _every_class(
    weight: np.ndarray, bias: np.ndarray, shown: np.ndarray, classes: int
) -> tuple[np.ndarray, np.ndarray]:
    """Weight [D, C] and bias [C] for a softmax, which gives 0 to a class not `shown`.

    Of two classes scikit-learn keeps the one column whose sigmoid is that of the second.
    """
    if len(shown) == 2:
        weight, bias = np.hstack([np.zeros_like(weight), weight]), np.append([0.0], bias)
    weights, biases = np.zeros((len(weight), classes)), np.full(classes, -np.inf)
    weights[:, shown], biases[shown] = weight, bias
    return weights, biases


def _fit(model: Any, frames: np.ndarray, labels: np.ndarray) -> None:
    with warnings.catch_warnings():
        # A fixed number of passes is meant; cross-validation judges what comes of it. Batches are
        # cut to the number of frames where there are fewer.
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings("ignore", "Got `batch_size`", UserWarning)
        model.fit(frames, labels)
