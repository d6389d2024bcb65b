"""The F-score of video summaries: shots chosen by knapsack, compared with what raters kept.

The protocol is that of Zhang, Chao, Sha and Grauman, "Video Summarization with Long Short-term
Memory", ECCV 2016, and of the papers on TVSum and SumMe since: a shot's value is the mean score of
its frames, and the summary holds the shots of the highest total value within 15 % of the video.
"""

from dataclasses import dataclass

import numpy as np

from frame_select_env.cache import Summaries
from frame_select_env.cache.summaries import NO_SHOT

PERCENT = 15  # of the frames of a video that a summary may have


@dataclass(frozen=True)
class Shots:
    """The S shots of a video, counted in frames of the original video.

    Attributes:
        frames: Number of frames of the video.
        lengths: [S] int64, the frames of each shot.
        stood_for: [S, L] int32, how many of a shot's frames each of the L cached frames stands for.
        kept: [S, r] int64, how many of a shot's frames each rater kept.
        total: [r] int64, how many frames each rater kept, in shots or not.
    """

    frames: int
    lengths: np.ndarray
    stood_for: np.ndarray
    kept: np.ndarray
    total: np.ndarray

    @classmethod
    def of(cls, summaries: Summaries, length: int) -> "Shots":
        """The shots of a video with `length` frames in the cache."""
        inside = summaries.shot != NO_SHOT
        shot, raters = summaries.shot[inside], summaries.raters
        count = int(shot.max()) + 1
        stood_for = np.zeros((count, length), np.int32)
        np.add.at(stood_for, (shot, summaries.frame[inside]), 1)
        kept = np.zeros((count, raters.shape[1]), np.int64)
        np.add.at(kept, shot, raters[inside])
        lengths = stood_for.sum(axis=1)
        return cls(len(inside), lengths, stood_for, kept, raters.sum(axis=0))

    def best(self, scores: np.ndarray) -> np.ndarray:
        """The summary [S] bool by the scores [L] of the cached frames, which are not negative."""
        values = self.stood_for @ scores / self.lengths
        return knapsack(values, self.lengths, self.frames * PERCENT // 100)

    def f_scores(self, chosen: np.ndarray) -> np.ndarray:
        """The F-score of the shots `chosen` [S] bool against each rater, [r] in [0, 1]."""
        return dice(self.kept[chosen].sum(axis=0), self.lengths[chosen].sum() + self.total)


def knapsack(values: np.ndarray, weights: np.ndarray, capacity: int) -> np.ndarray:
    """The items of the highest total value whose total weight is at most `capacity`.

    The 0/1 knapsack, exact, by dynamic programming over capacities in O(S * capacity).

    Args:
        values: [S] float, not negative.
        weights: [S] int, at least 1.
        capacity: At least 0.

    Returns:
        [S] bool. Of equal totals, that without the later items.
    """
    best = np.zeros(capacity + 1)  # the highest value within each capacity, of the items so far
    taken = np.zeros((len(values), capacity + 1), bool)
    for item, (value, weight) in enumerate(zip(values, weights, strict=True)):
        if weight <= capacity:
            with_it = best[: capacity + 1 - weight] + value
            taken[item, weight:] = with_it > best[weight:]
            best[weight:] = np.maximum(with_it, best[weight:])
    chosen, left = np.zeros(len(values), bool), capacity
    for item in reversed(range(len(values))):
        if taken[item, left]:
            chosen[item] = True
            left -= weights[item]
    return chosen


def dice(both: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """2 |A and B| / (|A| + |B|), which is the harmonic mean of precision and recall; 0 of nothing.

    `sizes` is |A| + |B|.
    """
    return 2 * both / np.maximum(sizes, 1)


def joined(f_scores: np.ndarray, rule: str) -> np.ndarray:
    """F-scores [..., r] against several raters as one, by the "mean" or the "max"."""
    return f_scores.max(axis=-1) if rule == "max" else f_scores.mean(axis=-1)


def human_f_score(raters: np.ndarray, rule: str) -> float:
    """How well what each rater kept, [n, r] bool, agrees with the others, averaged; r >= 2."""
    kept = raters.astype(np.float64)
    size = kept.sum(axis=0)
    pairs = dice(kept.T @ kept, size[:, None] + size)
    others = pairs[~np.eye(len(size), dtype=bool)].reshape(len(size), -1)
    return float(joined(others, rule).mean())
