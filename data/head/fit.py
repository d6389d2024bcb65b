"""Fitting a linear head for a sequence of penalties.

Classification: a softmax head trained through the consensus. The loss of a video is the
cross-entropy of its *averaged* probabilities, -log pbar_y with pbar = mean over its L frames of
P_t, because that average is the video's prediction. With r_t = P_ty / (L pbar_y), the share of
frame t in pbar_y, its gradient in the logits of frame t is r_t (P_t - e_y): a frame learns in
proportion to its contribution, so frames that do not show the class are not forced to.

Regression: the consensus of a linear head is the head's output for the mean feature, so ridge
regression on mean features fits it.
"""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import minimize
from sklearn.linear_model import Ridge

from data.head.linear import LinearHead, TrainingVideos

BLOCK_FRAMES = 4096  # frames whose probabilities are held at a time: they fit in the CPU's cache
SMALLEST = 1e-30  # lower bound of pbar_y, so that the logarithm is finite in float32
MAX_ITERATIONS = 50  # per penalty; each fit starts from the previous one, so few are needed
TOLERANCE = 1e-5  # relative decrease of the loss at which L-BFGS stops


def consensus_loss(
    weight: np.ndarray, bias: np.ndarray, videos: TrainingVideos, classes: int
) -> tuple[float, np.ndarray, np.ndarray]:
    """Cross-entropy of the averaged probabilities, averaged over videos, and its gradient.

    `weight` [D, C] and `bias` [C] have the dtype of the frames (float32 for speed), the gradients
    in them the same shapes in float64.
    """
    loss = 0.0
    grad_weight, grad_bias = np.zeros(weight.shape), np.zeros(classes)
    for first, last in _blocks(videos):
        begin, lengths = videos.starts[first], videos.lengths[first:last]
        frames = videos.frames[begin : begin + lengths.sum()]
        # Classes first: reductions over few classes then run along contiguous frames.
        p = weight.T @ frames.T
        p += bias[:, None]
        p -= p.max(axis=0)
        np.exp(p, out=p)
        p /= p.sum(axis=0)
        label = np.repeat(videos.labels[first:last], lengths)
        column = np.arange(len(frames))
        p_label = p[label, column]
        mean = np.add.reduceat(p_label, videos.starts[first:last] - begin) / lengths
        mean = np.maximum(mean, SMALLEST)
        loss -= float(np.log(mean).sum())
        share = (p_label / np.repeat(mean * lengths * len(videos), lengths)).astype(p.dtype)
        p *= share
        p[label, column] -= share
        grad_weight += frames.T @ p.T
        grad_bias += p.sum(axis=1)
    return loss / len(videos), grad_weight, grad_bias


def fit_softmax_path(
    videos: TrainingVideos, classes: int, penalties: Sequence[float]
) -> list[LinearHead]:
    """Fit one softmax head per penalty (from strong to weak), each starting from the previous one.

    The objective is `consensus_loss` + penalty / 2 · |weight|² on features standardised over the
    training frames. It is not convex; starting from strong penalties picks the smooth solution.
    The heads are for raw features.
    """
    mean, scale = videos.moments()
    standard = videos.frames.astype(np.float32)
    standard -= mean.astype(np.float32)
    standard /= scale.astype(np.float32)
    standardised = TrainingVideos(standard, videos.lengths, videos.labels)
    shape = (standard.shape[1], classes)
    size = shape[0] * shape[1]

    def objective(theta: np.ndarray, penalty: float) -> tuple[float, np.ndarray]:
        narrow = theta.astype(np.float32)
        loss, grad_weight, grad_bias = consensus_loss(
            narrow[:size].reshape(shape), narrow[size:], standardised, classes
        )
        weight = theta[:size]
        gradient = np.concatenate([grad_weight.ravel() + penalty * weight, grad_bias])
        return loss + penalty / 2 * float(weight @ weight), gradient

    theta = np.zeros(size + classes)
    options = {"maxiter": MAX_ITERATIONS, "ftol": TOLERANCE}
    heads = []
    for penalty in penalties:
        theta = minimize(objective, theta, (penalty,), "L-BFGS-B", jac=True, options=options).x
        weight, bias = theta[:size].reshape(shape), theta[size:]
        heads.append(LinearHead.from_standardised(weight, bias, mean, scale, probabilities=True))
    return heads


def fit_ridge_path(videos: TrainingVideos, penalties: Sequence[float]) -> list[LinearHead]:
    """Fit one ridge regression per penalty on the videos' mean features.

    The objective is the mean squared error of a video's consensus + penalty · |weight|², on
    features standardised over the training frames; labels are [V, K].
    """
    mean, scale = videos.moments()
    means = (videos.video_means(videos.frames) - mean) / scale
    heads = []
    for penalty in penalties:
        # scikit-learn's alpha weighs the squared norm against the sum of squares, not the mean.
        ridge = Ridge(alpha=penalty * len(videos)).fit(means, videos.labels.astype(np.float64))
        weight = np.atleast_2d(ridge.coef_).T
        bias = np.atleast_1d(ridge.intercept_)
        heads.append(LinearHead.from_standardised(weight, bias, mean, scale, probabilities=False))
    return heads


def _blocks(videos: TrainingVideos) -> list[tuple[int, int]]:
    """Ranges of videos with about BLOCK_FRAMES frames each."""
    cuts = np.searchsorted(videos.starts, np.arange(0, len(videos.frames), BLOCK_FRAMES))
    edges = np.unique([*cuts, len(videos)]).tolist()
    return list(zip(edges[:-1], edges[1:], strict=True))
