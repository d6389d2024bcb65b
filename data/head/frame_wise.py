"""Frame-wise heads: every frame is trained to predict its video's label, by scikit-learn.

Unlike the linear head (`data.head.linear`), whose loss is that of the averaged probabilities, these
are told that every frame shows the class: a logistic regression, and a network with one hidden
layer (multilayer perceptron, Rumelhart, Hinton and Williams, Nature 323, 1986) trained by Adam.
"""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from data.head.linear import TrainingVideos

HIDDEN = 64  # units of the network
EPOCHS = 20  # passes of the network over the frames
MLP_BATCH = 64  # frames
MAX_ITERATIONS = 200  # of the logistic regression, per penalty


@dataclass(frozen=True)
class FrameWiseHead:
    """A trained classifier of standardised frames."""

    model: Any  # has predict_proba and classes_
    mean: np.ndarray  # [D] float64, of the training frames
    scale: np.ndarray  # [D] float64
    outputs: int  # C

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Probabilities [..., C] float32 for features [..., D]; 0 of a class it was not shown."""
        flat = features.reshape(-1, features.shape[-1]).astype(np.float32)
        told = np.zeros((len(flat), self.outputs), np.float32)
        told[:, self.model.classes_] = self.model.predict_proba(
            _normal(flat, self.mean, self.scale)
        )
        return told.reshape(*features.shape[:-1], self.outputs)


def fit_logistic_path(
    videos: TrainingVideos, classes: int, penalties: Sequence[float]
) -> Iterator[FrameWiseHead]:
    """Fit one logistic regression per penalty (from strong to weak).

    The objective is the mean cross-entropy of the frames + penalty / 2 · |weight|², on features
    standardised over the training frames. Each is fitted when it is asked for.
    """
    frames, labels, mean, scale = _frames(videos)
    for penalty in penalties:
        # scikit-learn's C weighs the sum of the losses against the squared norm.
        strength = 1 / (penalty * len(frames))
        model = LogisticRegression(C=strength, max_iter=MAX_ITERATIONS)
        yield FrameWiseHead(_fitted(model, frames, labels), mean, scale, classes)


def fit_mlp_path(
    videos: TrainingVideos, classes: int, penalties: Sequence[float], seed: int
) -> Iterator[FrameWiseHead]:
    """Fit one network per penalty, scikit-learn's `alpha`; all from the seed's first weights."""
    frames, labels, mean, scale = _frames(videos)
    for penalty in penalties:
        model = MLPClassifier(
            (HIDDEN,), alpha=penalty, batch_size=MLP_BATCH, max_iter=EPOCHS, random_state=seed
        )
        yield FrameWiseHead(_fitted(model, frames, labels), mean, scale, classes)


def _frames(videos: TrainingVideos) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Standardised frames [n, D] float32, their labels [n], and the mean and scale [D]."""
    mean, scale = videos.moments()
    frames = np.concatenate([block.copy() for _, block in videos.blocks()])
    return _normal(frames, mean, scale), np.repeat(videos.labels, videos.lengths), mean, scale


def _normal(frames: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    return ((frames - mean) / scale).astype(np.float32)


def _fitted(model: Any, frames: np.ndarray, labels: np.ndarray) -> Any:
    with warnings.catch_warnings():
        # A fixed number of passes is meant; cross-validation judges what comes of it. Batches are
        # cut to the number of frames where there are fewer.
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings("ignore", "Got `batch_size`", UserWarning)
        return model.fit(frames, labels)
