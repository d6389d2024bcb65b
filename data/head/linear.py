"""The linear head, the frames it trains on, and its fitting for a sequence of penalties.

Classification: a softmax head trained through the consensus. The loss of a video is the
cross-entropy of its *averaged* probabilities, -log pbar_y with pbar = mean over its L frames of
P_t, because that average is the video's prediction. With r_t = P_ty / (L pbar_y), the share of
frame t in pbar_y, its gradient in the logits of frame t is r_t (P_t - e_y): a frame learns in
proportion to its contribution, so frames that do not show the class are not forced to.

Regression: the consensus of a linear head is the head's output for the mean feature, so ridge
regression on mean features fits it.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.optimize import minimize
from scipy.special import softmax
from sklearn.linear_model import Ridge

SUM_BLOCK = 8192  # rows summed at a time in float64, to bound memory
BLOCK_FRAMES = 4096  # frames whose probabilities are held at a time: they fit in the CPU's cache
SMALLEST = 1e-30  # lower bound of pbar_y, so that the logarithm is finite in float32
MAX_ITERATIONS = 50  # per penalty; each fit starts from the previous one, so few are needed
TOLERANCE = 1e-5  # relative decrease of the loss at which L-BFGS stops


@dataclass(frozen=True)
class LinearHead:
    """A trained head for raw features: the standardisation is folded into it."""

    weight: np.ndarray  # [D, C] float32 (regression: [D, K])
    bias: np.ndarray  # [C] float32
    probabilities: bool  # whether to apply a softmax (classification)

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Predictions [..., C] float32 for features [..., D]: probabilities, or values."""
        outputs = features.astype(np.float32, copy=False) @ self.weight + self.bias
        return softmax(outputs, axis=-1) if self.probabilities else outputs


@dataclass(frozen=True)
class TrainingVideos:
    """V videos with n frames in total, concatenated."""

    frames: np.ndarray  # [n, D] float16 or float32, the features
    lengths: np.ndarray  # [V] int, frames per video, at least 1
    labels: np.ndarray  # [V] int64, or [V, K] float for regression

    def __len__(self) -> int:
        return len(self.lengths)

    @cached_property
    def starts(self) -> np.ndarray:
        """[V] int64, the first frame of each video."""
        return np.cumsum(self.lengths) - self.lengths

    def part(self, chosen: np.ndarray) -> "TrainingVideos":
        """The videos for which `chosen` [V] bool is true."""
        frames = self.frames[np.repeat(chosen, self.lengths)]
        return TrainingVideos(frames, self.lengths[chosen], self.labels[chosen])

    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean [D] and standard deviation [D] over all frames, float64; 1 where it would be 0."""
        total = np.zeros(self.frames.shape[1])
        squares = np.zeros_like(total)
        # Relative to the first frame: a large common offset would cost precision.
        origin = self.frames[0].astype(np.float64)
        for first in range(0, len(self.frames), SUM_BLOCK):
            block = self.frames[first : first + SUM_BLOCK].astype(np.float64) - origin
            total += block.sum(axis=0)
            squares += (block**2).sum(axis=0)
        mean = total / len(self.frames)
        deviation = np.sqrt(np.maximum(squares / len(self.frames) - mean**2, 0))
        return mean + origin, np.where(deviation > 1e-6, deviation, 1.0)

    def video_means(self, values: np.ndarray) -> np.ndarray:
        """The mean over each video's frames, [V, ...] float64, of per-frame values [n, ...]."""
        sums = np.add.reduceat(values, self.starts, axis=0, dtype=np.float64)
        return sums / self.lengths.reshape(-1, *[1] * (values.ndim - 1))


def raw_head(
    weight: np.ndarray, bias: np.ndarray, mean: np.ndarray, scale: np.ndarray, probabilities: bool
) -> LinearHead:
    """The head that maps x to what `weight` and `bias` give for (x - mean) / scale."""
    folded = weight / scale[:, None]
    shifted = bias - mean @ folded
    return LinearHead(folded.astype(np.float32), shifted.astype(np.float32), probabilities)


def head_input(features: np.ndarray, axis: str) -> np.ndarray:
    """Features as a head takes them: objects [L, K, D] as [L, K * D], all others unchanged."""
    return features.reshape(len(features), -1) if axis == "object" else features


def training_rows(length: int, views: int, most: int) -> tuple[np.ndarray, np.ndarray]:
    """The frames [n] and views [n] of a video with L frames and V views that the head trains on.

    Row p of n = min(most, L * V) is view p mod V of frame floor((p + 1/2) L / n): evenly spaced
    over frames and views. All rows differ, because rows of one view are at least V apart and V rows
    span V L / n >= 1 frames. With one view these are the frames of
    `frame_select_env.cache.frame_index`; with n = L * V, or most = 0, everything.
    """
    count = min(most or length * views, length * views)
    row = np.arange(count, dtype=np.int64)
    return (2 * row + 1) * length // (2 * count), row % views


def consensus_loss(
    weight: np.ndarray, bias: np.ndarray, videos: TrainingVideos, classes: int
) -> tuple[float, np.ndarray, np.ndarray]:
    """Cross-entropy of the averaged probabilities, averaged over videos, and its gradient.

    `weight` [D, C] and `bias` [C] have the dtype of the frames (float32 for speed), the gradients
    in them the same shapes in float64.
    """
    loss = 0.0
    grad_weight, grad_bias = np.zeros(weight.shape), np.zeros(classes)
    # Ranges of videos with about BLOCK_FRAMES frames each.
    cuts = np.searchsorted(videos.starts, np.arange(0, len(videos.frames), BLOCK_FRAMES))
    for first, last in itertools.pairwise(np.unique([*cuts, len(videos)]).tolist()):
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
        heads.append(raw_head(weight, bias, mean, scale, probabilities=True))
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
        heads.append(raw_head(weight, bias, mean, scale, probabilities=False))
    return heads
