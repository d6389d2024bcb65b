"""Rewards that look at the selected frames: position, importance, prediction, feature.

The rewards of OCSampler follow the authors' code (github.com/MCG-NJU/OCSampler, `reward_kind` 2 and
3). They read the selected frames' own predictions, not the consensus, so neither `alpha` nor
`empty` affects them.
"""

import numpy as np

from frame_select_env.consensus import of_class
from frame_select_env.errors import FrameSelectError
from frame_select_env.ranking import evenly_spaced_frames
from frame_select_env.rewards.outcome import Outcome
from frame_select_env.rewards.registry import CLASSIFICATION, register_reward


@register_reward("looks", needs=())
def looks(outcome: Outcome) -> np.ndarray:
    """The number of frames looked at; give it a negative weight, the price of a look.

    What is looked at is what is selected, except in `FrameSelect/Sequential-v0` with `skips` or
    the observation "looked", where it is every frame that the cursor stood on.

    Formula: |O| for the frames O looked at.

    Source: the penalty on the features that are acquired for an example, Dulac-Arnold, Denoyer,
    Preux and Gallinari, "Datum-Wise Classification: A Sequential Approach to Sparsity", ECML PKDD
    2011.
    """
    return outcome.looked.sum(axis=1).astype(np.float64)


@register_reward("spread", needs=())
def spread(outcome: Outcome) -> np.ndarray:
    """How evenly the selected frames cover the video's time, 0 to 1.

    Frame t of L valid ones is at u = (t + 1/2) / L. Of n evenly spaced frames, the i-th is at
    (2 i - 1) / (2 n); the reward is 1 minus the largest distance of a selected frame from that
    position. Any number of evenly spaced frames earns 1: all of them, or the middle one alone.
    Frames crowded at one end earn about 1/2; an empty selection earns 0.

    Formula: 1 - max_i |u_(i) - (2 i - 1) / (2 n)|

    Source: the star discrepancy of n points, Niederreiter, "Random Number Generation and
    Quasi-Monte Carlo Methods", SIAM 1992, Theorem 2.6, without its term 1 / (2 n).
    """
    kept = outcome.selected & outcome.valid
    count = np.maximum(kept.sum(axis=1, keepdims=True), 1)
    even = (2 * kept.cumsum(axis=1) - 1) / (2 * count)
    position = (np.arange(kept.shape[1]) + 0.5) / outcome.valid.sum(axis=1, keepdims=True)
    worst = np.where(kept, np.abs(position - even), 0.0).max(axis=1)
    return np.where(kept.any(axis=1), 1.0 - worst, 0.0)


@register_reward("span", needs=("importance",))
def span(outcome: Outcome, threshold: float = 0.0) -> np.ndarray:
    """The share of the selected frames that truly matter.

    It needs a cache with importance scores. An empty selection earns 0.

    Formula: |S and {t: importance_t > threshold}| / |S|

    Source: precision, Manning, Raghavan and Schuetze, "Introduction to Information Retrieval",
    Cambridge University Press 2008, Section 8.3.

    Args:
        outcome: The facts.
        threshold: The importance above which a frame matters.
    """
    kept = outcome.selected & outcome.valid
    hits = (kept & (outcome.importance > threshold)).sum(axis=1)
    return hits / np.maximum(kept.sum(axis=1), 1)


@register_reward("oc_frame", needs=("label", "predictions"), tasks=CLASSIFICATION)
def oc_frame(outcome: Outcome, compare: bool = True) -> np.ndarray:
    """How well the selected frames show the true class one by one, compared with uniform frames.

    A frame whose most probable class is the true one scores its probability, another one how far
    the true class falls short of the most probable one. The selected frames' mean is compared with
    that of as many evenly spaced frames (the code draws one from each of as many equal parts; their
    middles avoid that noise). An empty selection scores -1, the lowest score of a frame, and is
    compared with the one middle frame.

    Formula: mean_{t in S} s_t - mean_{t in U} s_t with s_t = p_t,c if c = argmax p_t, else
    p_t,c - max_k p_t,k; U are |S| evenly spaced frames.

    Source: Lin, Duan, Chen, Lin and Wang, "OCSampler: Compressing Videos to One Clip with
    Single-step Sampling", CVPR 2022, the authors' code, `reward_kind=2`.

    Args:
        outcome: The facts.
        compare: Whether to subtract the score of the uniform frames.
    """
    predictions, own = _own_class(outcome)
    score = np.where(
        predictions.argmax(axis=2) == outcome.label[:, None], own, own - predictions.max(axis=2)
    )
    kept = outcome.selected & outcome.valid
    count = kept.sum(axis=1)
    reward = np.where(count > 0, _mean(score, kept), -1.0)
    if compare:
        reward -= _mean(score, evenly_spaced_frames(outcome.valid, np.maximum(count, 1)))
    return reward


@register_reward("oc_best", needs=("label", "predictions"), tasks=CLASSIFICATION)
def oc_best(outcome: Outcome, compare: bool = False) -> np.ndarray:
    """The true class's probability in the selected frame where it is highest.

    It pays for one good frame, and nothing for leaving out bad ones. An empty selection earns 0.

    Formula: max_{t in S} p_t,c, with `compare` minus max_t p_t,c over all frames.

    Source: Lin, Duan, Chen, Lin and Wang, "OCSampler: Compressing Videos to One Clip with
    Single-step Sampling", CVPR 2022, the authors' code, `reward_kind=3`.

    Args:
        outcome: The facts.
        compare: Whether to subtract the probability in the best frame of the video; then the
            maximum is 0, for every selection with that frame.
    """
    _, own = _own_class(outcome)
    best = np.where(outcome.selected & outcome.valid, own, 0.0).max(axis=1)
    return best - np.where(outcome.valid, own, 0.0).max(axis=1) if compare else best


@register_reward("diversity_representativeness", needs=("features",))
def diversity_representativeness(
    outcome: Outcome, distance_threshold: int | None = 20, normalize: bool = False
) -> np.ndarray:
    """How much the selected frames' features differ, plus how close every frame is to one of them.

    It needs neither labels nor predictions. A single frame has no diversity; an empty selection
    earns 0. The authors' code weights both terms by 1/2 and squares the distances in R_rep; the
    paper's equations, followed here, do neither.

    Formula: R_div + R_rep with R_div = mean over pairs t != u of S of d(x_t, x_u), d = 1 - cosine,
    and 1 for |t - u| > threshold; R_rep = exp(-mean_t min_{u in S} ||x_t - x_u||_2) over all t.

    Source: Zhou, Qiao and Xiang, "Deep Reinforcement Learning for Unsupervised Video Summarization
    with Diversity-Representativeness Reward", AAAI 2018, Eq. 3 to 6.

    Args:
        outcome: The facts.
        distance_threshold: Frames further apart than this, of the T, count as entirely different;
            at least 1, or None for no threshold.
        normalize: Whether R_rep too compares directions only (features of length 1). Long features
            push the exponential, and with it R_rep, to 0.
    """
    if distance_threshold is not None and distance_threshold < 1:
        wrong = f"distance_threshold is {distance_threshold}; it must be at least 1, or None"
        raise FrameSelectError(f"diversity_representativeness: {wrong}")
    features = outcome.features.astype(np.float64)
    kept = outcome.selected & outcome.valid
    length = np.sqrt(np.square(features).sum(axis=2, keepdims=True))
    directions = features / np.where(length > 0, length, 1.0)
    reward = _diversity(directions, kept, distance_threshold)
    reward += _representativeness(directions if normalize else features, kept, outcome.valid)
    return np.where(kept.any(axis=1), reward, 0.0)


def _own_class(outcome: Outcome) -> tuple[np.ndarray, np.ndarray]:
    """Predictions [B, T, C] float64, and those of the true class [B, T]."""
    predictions = outcome.predictions.astype(np.float64)
    label = np.broadcast_to(outcome.label[:, None], predictions.shape[:2])
    return predictions, of_class(predictions, label)


def _mean(values: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """The mean of values [B, T] over the frames [B, T] bool; 0 where there are none."""
    return np.where(frames, values, 0.0).sum(axis=1) / np.maximum(frames.sum(axis=1), 1)


def _diversity(directions: np.ndarray, kept: np.ndarray, threshold: int | None) -> np.ndarray:
    """R_div [B] of directions [B, T, D]."""
    distance = 1.0 - directions @ directions.transpose(0, 2, 1)
    frame = np.arange(kept.shape[1])
    apart = np.abs(frame[:, None] - frame)
    if threshold is not None:
        distance = np.where(apart > threshold, 1.0, distance)
    pairs = kept[:, :, None] & kept[:, None, :] & (apart > 0)
    count = kept.sum(axis=1)
    total = np.where(pairs, distance, 0.0).sum(axis=(1, 2))
    return total / np.maximum(count * (count - 1), 1)


def _representativeness(points: np.ndarray, kept: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """R_rep [B] of points [B, T, D]."""
    square = np.square(points).sum(axis=2)
    # ||x - y||^2 = ||x||^2 + ||y||^2 - 2 x.y takes [B, T, T] memory; differences would take D times
    # as much.
    distance = square[:, :, None] + square[:, None, :] - 2 * points @ points.transpose(0, 2, 1)
    nearest = np.where(kept[:, None, :], distance, np.inf).min(axis=2)
    nearest = np.sqrt(np.maximum(nearest, 0.0))
    nearest[kept | ~valid] = 0.0  # exactly, whatever rounding left
    return np.exp(-nearest.sum(axis=1) / valid.sum(axis=1))
