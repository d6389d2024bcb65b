"""How well importance scores find the frames that truly matter, where a cache knows them."""

import numpy as np


def average_precision(scores: np.ndarray, relevant: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """The average precision of every video's ranking.

    AP = sum_k (R_k - R_{k-1}) P_k over the distinct scores as thresholds, frames of equal score
    entering together; as scikit-learn's `average_precision_score`, for all videos at once.

    Args:
        scores: [N, T] float, higher is better.
        relevant: [N, T] bool, the frames that matter.
        valid: [N, T] bool; padding never counts.

    Returns:
        [N] float64; NaN for a video whose valid frames all matter, or none.
    """
    ranked = np.where(valid, scores, -np.inf)
    order = np.argsort(-ranked, axis=1, kind="stable")
    ranked = np.take_along_axis(ranked, order, axis=1)
    # A valid frame may score -inf as well: what counts is whether it is valid.
    counts = np.take_along_axis(valid, order, axis=1)
    hits = np.take_along_axis(relevant & valid, order, axis=1)
    frames = ranked.shape[1]
    last = np.ones(ranked.shape, bool)  # the last of a run of equal scores
    last[:, :-1] = ranked[:, :-1] != ranked[:, 1:]
    ends = np.where(last, np.arange(frames), frames)
    ends = np.minimum.accumulate(ends[:, ::-1], axis=1)[:, ::-1]
    found = np.take_along_axis(hits.cumsum(axis=1), ends, axis=1)
    seen = np.take_along_axis(counts.cumsum(axis=1), ends, axis=1)
    positives = hits.sum(axis=1)
    precision = np.where(hits, found / np.maximum(seen, 1), 0.0).sum(axis=1)
    mixed = (positives > 0) & (positives < valid.sum(axis=1))
    return np.where(mixed, precision / np.maximum(positives, 1), np.nan)
