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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from data.head.heads import Head, LinearHead, raw_layer

BLOCK_FRAMES = 4096  # frames that are converted, and whose probabilities are held, at a time
SMALLEST = 1e-30  # lower bound of pbar_y, so that the logarithm is finite in float32
MAX_ITERATIONS = 50  # per penalty; each fit starts from the previous one, so few are needed
TOLERANCE = 1e-5  # relative decrease of the loss at which L-BFGS stops


@dataclass(frozen=True)
class TrainingVideos:
    """V videos, whose frames lie in a table, one after another."""

    frames: np.ndarray  # [n, D] float16 or float32, the features of these and maybe other videos
    lengths: np.ndarray  # [V] int, frames per video, at least 1
    labels: np.ndarray  # [V] int64, or [V, K] float for regression
    places: np.ndarray | None = (
        None  # [V] int64, the first row of each; None: the table has no more
    )

    def __len__(self) -> int:
        return len(self.lengths)

    @cached_property
    def starts(self) -> np.ndarray:
        """[V] int64, the first frame of each video, counted over these videos' frames."""
        return np.cumsum(self.lengths) - self.lengths

    @cached_property
    def count(self) -> int:
        """The number of frames of all videos."""
        return int(self.lengths.sum())

    def part(self, chosen: np.ndarray) -> "TrainingVideos":
        """The videos for which `chosen` [V] bool is true; their frames are not copied."""
        places = self.starts if self.places is None else self.places
        return TrainingVideos(
            self.frames, self.lengths[chosen], self.labels[chosen], places[chosen]
        )

    def blocks(self, dtype: type | np.dtype = np.float32) -> Iterator[tuple[slice, np.ndarray]]:
        """Ranges of videos with about BLOCK_FRAMES frames each, and their frames as `dtype`.

        Each block is a new array, or reuses the memory of the last one.
        """
        cuts = np.searchsorted(self.starts, np.arange(0, self.count, BLOCK_FRAMES))
        buffer = np.empty((0, self.frames.shape[1]), dtype)
        for first, last in itertools.pairwise(np.unique([*cuts, len(self)]).tolist()):
            some, lengths = slice(first, last), self.lengths[first:last]
            begin, size = int(self.starts[first]), int(lengths.sum())
            if self.places is None:
                frames = self.frames[begin : begin + size]
            else:
                shift = np.repeat(self.places[some] - (self.starts[some] - begin), lengths)
                frames = self.frames.take(shift + np.arange(size), axis=0)
            if len(buffer) < size:
                buffer = np.empty((size, self.frames.shape[1]), dtype)
            np.copyto(buffer[:size], frames)
            yield some, buffer[:size]

    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean [D] and standard deviation [D] over all frames, float64; 1 where it would be 0."""
        total = np.zeros(self.frames.shape[1])
        squares = np.zeros_like(total)
        # Relative to the first frame: a large common offset would cost precision.
        first = 0 if self.places is None else self.places[0]
        origin = self.frames[first].astype(np.float64)
        for _, block in self.blocks(np.float64):
            block -= origin
            total += block.sum(axis=0)
            squares += np.einsum("nd,nd->d", block, block)
        mean = total / self.count
        deviation = np.sqrt(np.maximum(squares / self.count - mean**2, 0))
        return mean + origin, np.where(deviation > 1e-6, deviation, 1.0)

    def video_means(self, head: Head | None = None) -> np.ndarray:
        """The mean over each video's frames, [V, ...] float64: of features, or of predictions."""
        means = []
        for some, block in self.blocks():
            values = block if head is None else head.predict(block)
            begin = self.starts[some] - self.starts[some.start]
            sums = np.add.reduceat(values, begin, axis=0, dtype=np.float64)
            means.append(sums / self.lengths[some, None])
        return np.concatenate(means)


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
    weight: np.ndarray,
    bias: np.ndarray,
    videos: TrainingVideos,
    classes: int,
    mean: np.ndarray | float = 0.0,
) -> tuple[float, np.ndarray, np.ndarray]:
    """Cross-entropy of the averaged probabilities, averaged over videos, and its gradient.

    `weight` [D, C] and `bias` [C], for features minus `mean` [D], have one dtype (float32 for
    speed); the gradients in them are of the same shapes in float64.
    """
    loss = 0.0
    grad_weight, grad_bias = np.zeros(weight.shape), np.zeros(classes)
    for some, frames in videos.blocks(weight.dtype):
        begin, lengths = videos.starts[some.start], videos.lengths[some]
        frames -= mean
        # Classes first: reductions over few classes then run along contiguous frames.
        p = weight.T @ frames.T
        p += bias[:, None]
        p -= p.max(axis=0)
        np.exp(p, out=p)
        p /= p.sum(axis=0)
        label = np.repeat(videos.labels[some], lengths)
        column = np.arange(len(frames))
        p_label = p[label, column]
        mean_label = np.add.reduceat(p_label, videos.starts[some] - begin) / lengths
        mean_label = np.maximum(mean_label, SMALLEST)
        loss -= float(np.log(mean_label).sum())
        share = (p_label / np.repeat(mean_label * lengths * len(videos), lengths)).astype(p.dtype)
        p *= share
        p[label, column] -= share
        grad_weight += frames.T @ p.T
        grad_bias += p.sum(axis=1)
    return loss / len(videos), grad_weight, grad_bias


def fit_softmax_path(
    videos: TrainingVideos, classes: int, penalties: Sequence[float]
) -> Iterator[LinearHead]:
    """Fit one softmax head per penalty (from strong to weak), each starting from the previous one.

    The objective is `consensus_loss` + penalty / 2 · |weight|² on features standardised over the
    training frames. It is not convex; starting from strong penalties picks the smooth solution.
    The heads are for raw features. Each is fitted when it is asked for.
    """
    from scipy.optimize import minimize  # slow to import

    mean, scale = videos.moments()
    shape = (len(mean), classes)
    size = shape[0] * shape[1]
    narrow_mean = mean.astype(np.float32)

    def objective(theta: np.ndarray, penalty: float) -> tuple[float, np.ndarray]:
        # Dividing the weights instead of the features saves a pass over the frames.
        weight, bias = theta[:size], theta[size:].astype(np.float32)
        narrow = (weight.reshape(shape) / scale[:, None]).astype(np.float32)
        loss, grad_weight, grad_bias = consensus_loss(narrow, bias, videos, classes, narrow_mean)
        grad_weight /= scale[:, None]
        gradient = np.concatenate([grad_weight.ravel() + penalty * weight, grad_bias])
        return loss + penalty / 2 * float(weight @ weight), gradient

    theta = np.zeros(size + classes)
    options = {"maxiter": MAX_ITERATIONS, "ftol": TOLERANCE}
    for penalty in penalties:
        theta = minimize(objective, theta, (penalty,), "L-BFGS-B", jac=True, options=options).x
        weight, bias = theta[:size].reshape(shape), theta[size:]
        yield LinearHead(*raw_layer(weight, bias, mean, scale), probabilities=True)


def fit_ridge_path(videos: TrainingVideos, penalties: Sequence[float]) -> Iterator[LinearHead]:
    """Fit one ridge regression per penalty on the videos' mean features.

    The objective is the mean squared error of a video's consensus + penalty · |weight|², on
    features standardised over the training frames; labels are [V, K].
    """
    from sklearn.linear_model import Ridge  # slow to import

    mean, scale = videos.moments()
    means = (videos.video_means() - mean) / scale
    for penalty in penalties:
        # scikit-learn's alpha weighs the squared norm against the sum of squares, not the mean.
        ridge = Ridge(alpha=penalty * len(videos)).fit(means, videos.labels.astype(np.float64))
        weight = np.atleast_2d(ridge.coef_).T
        bias = np.atleast_1d(ridge.intercept_)
        yield LinearHead(*raw_layer(weight, bias, mean, scale), probabilities=False)
