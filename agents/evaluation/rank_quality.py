"""How good a ranking is: against the frames that truly matter, and against the oracle."""

from collections.abc import Mapping, Sequence

import numpy as np

from agents.evaluation.result import Evaluation
from agents.evaluation.scoring import FrameCount, VideoResults
from frame_select_env.key_frames import key_frames

ORACLE = "oracle"


def average_precision(scores: np.ndarray, key: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """The average precision of every video's ranking at putting first the frames that matter.

    AP = sum_k (R_k - R_{k-1}) P_k over the distinct scores as thresholds, frames of equal score
    entering together; as scikit-learn's `average_precision_score`, for all videos at once. All
    arguments are [N, T]; `key` bool marks the frames that matter, see `key_frames`. Returns [N]
    float64, NaN for a video whose valid frames all matter, or none.
    """
    ranked = np.where(valid, scores, -np.inf)
    order = np.argsort(-ranked, axis=1, kind="stable")
    ranked = np.take_along_axis(ranked, order, axis=1)
    # A valid frame may score -inf as well: what counts is whether it is valid.
    counts = np.take_along_axis(valid, order, axis=1)
    hits = np.take_along_axis(key & valid, order, axis=1)
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


def spearman(scores: np.ndarray, importance: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Spearman's rank correlation of every video's scores with its frames' importance.

    The Pearson correlation of the ranks, equal values sharing the mean of their ranks; as SciPy's
    `spearmanr`, for all videos at once. All arguments are [N, T]. Returns [N] float64, 0 for equal
    scores and NaN where all frames are equally important.
    """
    x, y = (_centred_ranks(values, valid) for values in (scores, importance))
    scale = np.sqrt((x * x).sum(axis=1) * (y * y).sum(axis=1))
    correlation = (x * y).sum(axis=1) / np.where(scale > 0, scale, 1.0)
    return np.where((y * y).any(axis=1), correlation, np.nan)


def _centred_ranks(values: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """The rank of each valid frame, less the mean rank; 0 at padding, [N, T] float64."""
    from scipy.stats import rankdata  # slow to import

    # Padding ranks above every valid frame, even one with an infinite score.
    ranks = rankdata(values, axis=1)
    ranks = rankdata(np.where(valid, ranks, np.inf), axis=1)
    return np.where(valid, ranks - (valid.sum(axis=1, keepdims=True) + 1) / 2, 0.0)


def mean_quality(
    evaluation: Evaluation, key_share: float | None = None
) -> tuple[dict[str, float], dict[str, float]]:
    """The mean average precision and Spearman's rho over runs, videos and units, by ranking.

    `key_share` is that of `key_frames`. Rankings for which a measure is undefined are absent, as
    all are if the cache knows no importance.
    """
    settings, valid = evaluation.settings, evaluation.valid
    if "importance" not in settings.cache.frame_datasets:
        return {}, {}
    importance = settings.cache.read_frames("importance", evaluation.rows, settings.num_frames)
    key = key_frames(importance, valid, key_share)
    precision: dict[str, float] = {}
    correlation: dict[str, float] = {}
    for name, scores in evaluation.scores.items():
        units = np.concatenate(scores.swapaxes(1, 2))  # [R * U, n, T]
        for found, quality in (
            (precision, np.stack([average_precision(unit, key, valid) for unit in units])),
            (correlation, np.stack([spearman(unit, importance, valid) for unit in units])),
        ):
            measured = np.isfinite(quality[0])
            if measured.any():
                found[name] = float(quality[:, measured].mean())
    return precision, correlation


def regrets(
    results: Mapping[tuple[str, str], VideoResults],
    choices: Mapping[tuple[str, str], Sequence[FrameCount]],
) -> dict[tuple[str, str], float]:
    """The oracle's accuracy minus a ranking's, both keeping m frames, for every row with an m.

    For a regression, by how much its MAE is above the oracle's. A row in `choices`, of what the
    runs chose, is compared run by run at that run's m, where "all" leaves the oracle no choice
    either. Rows `free` and `all` have no m and no regret, nor has a row whose runs all chose to
    keep all frames, from which nobody can choose. The oracle is greedy, so a regret may be
    negative; without its rows there is none.
    """
    least = {
        frames: float(one.error.mean())
        for (name, frames), one in results.items()
        if name == ORACLE and frames.isdigit()
    }
    if not least:
        return {}
    least["all"] = float(results["all", "all"].error.mean())
    found = {}
    for (name, frames), one in results.items():
        if set(choices.get((name, frames), ())) == {"all"}:
            continue
        if (name, frames) in choices:
            same = float(np.mean([least[str(m)] for m in choices[name, frames]]))
        elif frames.isdigit():
            same = least[frames]
        else:
            continue
        found[name, frames] = float(one.error.mean() - same)
    return found
