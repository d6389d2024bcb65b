"""Regression: the consensus of a linear head is the head of the mean feature, so ridge fits it."""

from collections.abc import Sequence

import numpy as np
from sklearn.linear_model import Ridge

from data.head.linear import LinearHead
from data.head.training_videos import TrainingVideos


def fit_ridge_path(videos: TrainingVideos, penalties: Sequence[float]) -> list[LinearHead]:
    """Fit one ridge regression per penalty on the videos' mean features.

    The objective is the mean squared error of a video's consensus + penalty · |weight|², on
    features standardised over the training frames.

    Args:
        videos: The training videos, features as stored; labels [V, K].
        penalties: From strong to weak.

    Returns:
        One head per penalty, for features as stored.
    """
    mean, scale = videos.moments()
    means = (videos.video_means(videos.frames) - mean) / scale
    heads = []
    for penalty in penalties:
        # scikit-learn's alpha weighs the squared norm against the sum of the squares.
        ridge = Ridge(alpha=penalty * len(videos)).fit(means, videos.labels.astype(np.float64))
        weight = np.atleast_2d(ridge.coef_).T
        bias = np.atleast_1d(ridge.intercept_)
        heads.append(LinearHead.from_standardised(weight, bias, mean, scale, probabilities=False))
    return heads
