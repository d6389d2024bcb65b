"""The reward of unsupervised video summarization: diverse and representative frames."""

import numpy as np

from frame_select_env.errors import FrameSelectError
from frame_select_env.rewards.outcome import Outcome
from frame_select_env.rewards.registry import register_reward


@register_reward("diversity_representativeness", needs=("features",))
def diversity_representativeness(
    outcome: Outcome, distance_threshold: int | None = 20, normalize: bool = False
) -> np.ndarray:
    """How different the selected frames' features are, plus how near every frame is to one of them.

    It needs neither label nor prediction. A single frame has no diversity; an empty selection earns
    0. The authors' code weighs both terms by 1/2 and squares the distances in R_rep; the paper's
    equations, followed here, do neither.

    Formula: R_div + R_rep with R_div = mean over pairs t != u of S of d(x_t, x_u), d = 1 - cosine,
    and 1 for |t - u| > threshold; R_rep = exp(-mean_t min_{u in S} ||x_t - x_u||_2) over all t.

    Source: Zhou, Qiao and Xiang, "Deep Reinforcement Learning for Unsupervised Video Summarization
    with Diversity-Representativeness Reward", AAAI 2018, Eq. 3 to 6.

    Args:
        outcome: The facts.
        distance_threshold: In frames of the T; frames further apart count as entirely different.
            None: none do.
        normalize: Whether R_rep too compares directions only (features of length 1). Long features
            push the exponential, and with it R_rep, to 0.

    Raises:
        FrameSelectError: for a threshold below 1.
    """
    if distance_threshold is not None and distance_threshold < 1:
        raise FrameSelectError(
            f"diversity_representativeness: distance_threshold is {distance_threshold}; "
            "it must be at least 1, or None"
        )
    features = outcome.features.astype(np.float64)
    kept = outcome.selected & outcome.valid
    length = np.sqrt(np.square(features).sum(axis=2, keepdims=True))
    directions = features / np.where(length > 0, length, 1.0)
    reward = _diversity(directions, kept, distance_threshold)
    reward += _representativeness(directions if normalize else features, kept, outcome.valid)
    return np.where(kept.any(axis=1), reward, 0.0)


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
