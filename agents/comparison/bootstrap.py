"""Figures over several data sets; intervals resample runs and videos within each data set.

The figures are those of Agarwal, Schwarzer, Castro, Courville and Bellemare, "Deep Reinforcement
Learning at the Edge of the Statistical Precipice", NeurIPS 2021: the interquartile mean, the
probability of improvement and the stratified bootstrap, with the data sets as strata. Theirs
resamples runs alone; since a run's score is itself a mean over test videos, the videos are
resampled too, by the pigeonhole bootstrap of `agents.evaluation.intervals`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import trim_mean

from agents.evaluation.intervals import Interval, Resamples, percentiles

QUARTER = 0.25


@dataclass(frozen=True)
class Sample:
    """The scores of R runs on one data set, as they are and in S resamples."""

    score: np.ndarray  # [R] float64, each run's mean over the videos
    # [S, R] float64, the same in every resample, of the runs and over the videos that it drew
    resampled: np.ndarray


def sample(values: np.ndarray, resamples: Resamples) -> Sample:
    """The scores of R runs and their resamples, from a score for every run and video, [R, n].

    Samples of equally many runs from the same `resamples` draw the same runs and videos, which
    pairs equal seeds and equal videos: pass runs in the order of their seeds.
    """
    runs = len(values)
    by_run = resamples.weight @ values.T / resamples.size[:, None]
    times = np.rint(runs * resamples.run_weight(runs)).astype(np.int64)
    every = np.tile(np.arange(runs), resamples.count)
    drawn = np.repeat(every, times.ravel()).reshape(resamples.count, runs)
    # Rounded, so that equal scores are ties whatever the order of their additions.
    resampled = np.take_along_axis(np.round(by_run, 12), drawn, axis=1)
    return Sample(np.round(values.mean(axis=1), 12), resampled)


def interquartile_mean(scores: np.ndarray) -> np.ndarray:
    """The mean of the last axis without its lowest and highest quarter (of 8 numbers 2 each)."""
    return trim_mean(scores, QUARTER, axis=-1)


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


def pooled_difference(pairs: Sequence[tuple[Sample, Sample]]) -> Interval:
    """The mean of the first minus that of the second, averaged over data sets, one pair each."""
    value = np.mean([first.score.mean() - second.score.mean() for first, second in pairs])
    means = [
        first.resampled.mean(axis=1) - second.resampled.mean(axis=1) for first, second in pairs
    ]
    resampled = np.stack(means).mean(axis=0)
    # Equal scores give 0, not a rounding error.
    return percentiles(float(np.round(value, 12)), np.round(resampled, 12))


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
