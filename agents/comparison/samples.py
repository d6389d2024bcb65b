"""Scores of runs with their resamples, and figures of them over data sets.

The figures are those of Agarwal, Schwarzer, Castro, Courville and Bellemare, "Deep Reinforcement
Learning at the Edge of the Statistical Precipice", NeurIPS 2021: the interquartile mean, the
optimality gap, the performance profile and the probability of improvement, with the stratified
bootstrap, whose strata are the data sets. Theirs resamples runs alone; since a run's score is
itself a mean over test videos, the videos are resampled too, by the pigeonhole bootstrap of
`agents.evaluation.intervals`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from agents.evaluation.intervals import Interval, Resamples, percentiles, weighted_correlation

THRESHOLDS = 301  # of a performance profile


@dataclass(frozen=True)
class Sample:
    """The scores of R runs on one data set, as they are and in S resamples."""

    score: np.ndarray  # [R] float64, each run's mean over the videos
    # [S, R] float64, the same in every resample, of the runs and over the videos that it drew
    resampled: np.ndarray

    def scaled(self, factor: float) -> "Sample":
        """The same in another unit: every score times `factor`."""
        return Sample(factor * self.score, factor * self.resampled)


@dataclass(frozen=True)
class Profile:
    """The share of runs with a score above each threshold, with pointwise 95 % intervals."""

    threshold: np.ndarray  # [P] float64, ascending
    share: np.ndarray  # [P] float64, averaged over data sets
    low: np.ndarray  # [P] float64
    high: np.ndarray  # [P] float64


def sample(values: np.ndarray, resamples: Resamples) -> Sample:
    """The scores of R runs and their resamples, from a score for every run and video, [R, n].

    Samples of equally many runs from the same `resamples` draw the same runs and videos, which
    pairs equal seeds and equal videos: pass runs in the order of their seeds.
    """
    by_run = resamples.weight @ values.T / resamples.size[:, None]
    return _draw_runs(values.mean(axis=1), by_run, resamples)


def correlation_sample(
    predicted: np.ndarray, reference: np.ndarray | None, label: np.ndarray, resamples: Resamples
) -> Sample:
    """The same of correlations: those of R runs' predictions [R, n, K] with labels [n, K].

    With a `reference` [n, K], the gains over its correlation. All are averaged over targets.
    """
    once = np.ones((1, len(label)))

    def told(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
        return weighted_correlation(values, label, weight).mean(axis=1)

    score = np.concatenate([told(run, once) for run in predicted])
    by_run = np.stack([told(run, resamples.weight) for run in predicted], axis=1)
    if reference is not None:
        score = score - told(reference, once)
        by_run = by_run - told(reference, resamples.weight)[:, None]
    return _draw_runs(score, by_run, resamples)


def _draw_runs(score: np.ndarray, by_run: np.ndarray, resamples: Resamples) -> Sample:
    """The sample of R runs, from their scores [R] in every resample of the videos, [S, R]."""
    runs = len(score)
    times = np.rint(runs * resamples.run_weight(runs)).astype(np.int64)
    every = np.tile(np.arange(runs), resamples.count)
    drawn = np.repeat(every, times.ravel()).reshape(resamples.count, runs)
    # Rounded, so that equal scores are ties whatever the order of their additions.
    resampled = np.take_along_axis(np.round(by_run, 12), drawn, axis=1)
    return Sample(np.round(score, 12), resampled)


def interquartile_mean(scores: np.ndarray) -> np.ndarray:
    """The mean of the last axis without its lowest and highest quarter (of 8 numbers 2 each)."""
    from scipy.stats import trim_mean  # slow to import

    return trim_mean(scores, 0.25, axis=-1)


def pooled_iqm(samples: Sequence[Sample]) -> Interval:
    """The interquartile mean over the runs of all data sets together, one sample each."""
    value = interquartile_mean(np.concatenate([one.score for one in samples]))
    resampled = np.concatenate([one.resampled for one in samples], axis=1)
    return percentiles(float(value), interquartile_mean(resampled))


def pooled_mean(samples: Sequence[Sample]) -> Interval:
    """The mean over runs, averaged over data sets, one sample each."""
    value = np.mean([one.score.mean() for one in samples])
    resampled = np.stack([one.resampled.mean(axis=1) for one in samples]).mean(axis=0)
    return percentiles(float(value), resampled)


def optimality_gap(scores: np.ndarray) -> np.ndarray:
    """How far normalised scores [..., R] stay below 1 on average, [...]; above 1 counts as 1."""
    return np.maximum(1 - scores, 0).mean(axis=-1)


def pooled_gap(samples: Sequence[Sample]) -> Interval:
    """The optimality gap of normalised scores, averaged over data sets, one sample each."""
    value = np.mean([optimality_gap(one.score) for one in samples])
    resampled = np.stack([optimality_gap(one.resampled) for one in samples]).mean(axis=0)
    return percentiles(float(value), resampled)


def profile_thresholds(samples: Iterable[Sample], ends: Sequence[float]) -> np.ndarray:
    """Evenly spaced thresholds [P] for profiles of `samples`: all scores and `ends` are within."""
    values = np.concatenate([ends, *(one.score for one in samples)])
    low, high = values.min(), values.max()
    margin = 0.05 * max(high - low, 0.02)
    return np.linspace(low - margin, high + margin, THRESHOLDS)


def performance_profile(samples: Sequence[Sample], threshold: np.ndarray) -> Profile:
    """The share of runs that score above each `threshold` [P], averaged over data sets.

    It is the score distribution of Agarwal et al., the tail of the runs' scores: the area between
    two profiles is the difference of their means.
    """
    share = np.mean([(one.score > threshold[:, None]).mean(axis=1) for one in samples], axis=0)
    # One threshold at a time: all of them with all resamples would take much memory.
    ends = [
        percentiles(0.0, np.mean([(one.resampled > tau).mean(axis=1) for one in samples], axis=0))
        for tau in threshold
    ]
    low, high = np.array([(one.low, one.high) for one in ends]).T
    return Profile(threshold, share, low, high)


def difference(pairs: Sequence[tuple[Sample, Sample]]) -> tuple[float, np.ndarray]:
    """The mean of the first minus that of the second, averaged over data sets, one pair each.

    Returns:
        It and its resamples, [S].
    """
    value = np.mean([one.score.mean() - other.score.mean() for one, other in pairs])
    means = [one.resampled.mean(axis=1) - other.resampled.mean(axis=1) for one, other in pairs]
    resampled = np.stack(means).mean(axis=0)
    # Equal scores give 0, not a rounding error.
    return float(np.round(value, 12)), np.round(resampled, 12)


def pooled_difference(pairs: Sequence[tuple[Sample, Sample]]) -> Interval:
    """This difference with its interval."""
    return percentiles(*difference(pairs))


def improvement(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The probability that a run of the first [..., R] scores above one of the second [..., Q].

    Ties count half: this is the Mann-Whitney U statistic over the number of pairs, [...] float64.
    """
    above = first[..., :, None] > second[..., None, :]
    equal = first[..., :, None] == second[..., None, :]
    return (above + 0.5 * equal).mean(axis=(-2, -1))


def pooled_improvement(pairs: Sequence[tuple[Sample, Sample]]) -> Interval:
    """The probability of improvement, averaged over data sets, one pair each."""
    value = np.mean([improvement(first.score, second.score) for first, second in pairs])
    resampled = [improvement(first.resampled, second.resampled) for first, second in pairs]
    return percentiles(float(value), np.stack(resampled).mean(axis=0))
