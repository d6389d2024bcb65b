"""Rewards for where the selected frames lie in the video."""

import numpy as np

from frame_select_env.rewards.outcome import Outcome
from frame_select_env.rewards.registry import register_reward


@register_reward("spread", needs=())
def spread(outcome: Outcome) -> np.ndarray:
    """How evenly the selected frames cover the video's time, from 0 to 1.

    Frame t of L valid ones lies at u = (t + 1/2) / L. The i-th of n evenly spread frames would lie
    at (2 i - 1) / (2 n); the reward is 1 minus the largest distance of a selected frame from its
    place. So n frames are as good as any other number if they are evenly spread: all of them, or
    the middle one alone, earn 1. Frames huddled at one end earn about 1/2; an empty selection 0.

    Formula: 1 - max_i |u_(i) - (2 i - 1) / (2 n)|

    Source: the star discrepancy of n points, Niederreiter, "Random Number Generation and
    Quasi-Monte Carlo Methods", SIAM 1992, Theorem 2.6, without its term 1 / (2 n).
    """
    kept = outcome.selected & outcome.valid
    count = np.maximum(kept.sum(axis=1, keepdims=True), 1)
    place = (2 * kept.cumsum(axis=1) - 1) / (2 * count)
    here = (np.arange(kept.shape[1]) + 0.5) / outcome.valid.sum(axis=1, keepdims=True)
    worst = np.where(kept, np.abs(here - place), 0.0).max(axis=1)
    return np.where(kept.any(axis=1), 1.0 - worst, 0.0)


@register_reward("span", needs=("importance",))
def span(outcome: Outcome, threshold: float = 0.0) -> np.ndarray:
    """The share of the selected frames that truly matter.

    It needs a cache that knows the frames' importance. An empty selection earns 0.

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
