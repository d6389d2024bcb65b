"""Classification: a linear softmax head trained through the consensus.

The loss of a video is the cross-entropy of its *averaged* probabilities, -log pbar_y with
pbar = mean over its L frames of P_t, because that average is what the video is judged by. With
r_t = P_ty / (L pbar_y), the share of frame t in pbar_y, its gradient in the logits of frame t is
r_t (P_t - e_y): a frame learns as much as it contributed, so frames that show nothing of the class
are not forced to.
"""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import minimize

from data.head.linear import LinearHead
from data.head.training_videos import TrainingVideos

BLOCK_FRAMES = 4096  # frames whose probabilities are held at a time: they stay in the CPU's cache
SMALLEST = 1e-30  # pbar_y below this counts as this: the logarithm stays finite in float32
MAX_ITERATIONS = 50  # per penalty; the path is warm-started, so each step has little left to do
TOLERANCE = 1e-5  # relative fall of the loss at which L-BFGS stops


def consensus_loss(
    weight: np.ndarray, bias: np.ndarray, videos: TrainingVideos, classes: int
) -> tuple[float, np.ndarray, np.ndarray]:
    """Cross-entropy of the averaged probabilities, averaged over videos, and its gradient.

    Args:
        weight: [D, C], in the dtype of the frames (float32 for speed).
        bias: [C], likewise.
        videos: V videos; labels [V] int in 0..C-1.
        classes: C.

    Returns:
        The loss, its gradient in weight [D, C] and in bias [C], float64.
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
    """Fit one head per penalty, each starting from the one before.

    The objective is `consensus_loss` + penalty / 2 · |weight|² on features standardised over the
    training frames. It is not convex; coming from strong penalties picks the smooth solution.

    Args:
        videos: The training videos, features as stored.
        classes: C.
        penalties: From strong to weak.

    Returns:
        One head per penalty, for features as stored.
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
    heads = []
    for penalty in penalties:
        theta = minimize(
            objective,
            theta,
            args=(penalty,),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": MAX_ITERATIONS, "ftol": TOLERANCE},
        ).x
        weight, bias = theta[:size].reshape(shape), theta[size:]
        heads.append(LinearHead.from_standardised(weight, bias, mean, scale, probabilities=True))
    return heads


def _blocks(videos: TrainingVideos) -> list[tuple[int, int]]:
    """Ranges of videos that hold about BLOCK_FRAMES frames each."""
    cuts = np.searchsorted(videos.starts, np.arange(0, len(videos.frames), BLOCK_FRAMES))
    edges = np.unique([*cuts, len(videos)]).tolist()
    return list(zip(edges[:-1], edges[1:], strict=True))
