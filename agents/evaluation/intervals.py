"""Bootstrap intervals that resample runs and videos together."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

LEVEL = 0.95
FEWEST_GROUPS = 8  # that are resampled: two have three distinct resamples, which is no interval


@dataclass(frozen=True)
class Interval:
    """A figure and its 95 % interval."""

    value: float
    low: float
    high: float


def interval_columns(names: Iterable[str]) -> list[str]:
    """The columns of figures in a CSV file: for each its value and the ends of its interval."""
    return [name + end for name in names for end in ("", "_low", "_high")]


def resampled_groups(group: np.ndarray | None) -> tuple[np.ndarray | None, str]:
    """What to resample of videos in groups [n]: the groups, or None for the videos themselves.

    Few groups are not resampled; then a line says so, which else is empty.
    """
    count = 0 if group is None else len(np.unique(group))
    if not 0 < count < FEWEST_GROUPS:
        return group, ""
    many = "group is" if count == 1 else "groups are"
    return None, (
        f"{count} {many} too few to resample (below {FEWEST_GROUPS}): intervals resample videos, "
        "and say nothing about other groups"
    )


class Resamples:
    """Bootstrap resamples of the videos of one split, drawn once and used for every figure.

    A figure averages R runs (seeds) over n videos. Each resample draws R runs and, independently,
    the videos, both with replacement: the pigeonhole bootstrap of crossed effects (Owen, "The
    pigeonhole bootstrap", Annals of Applied Statistics 1(2), 2007), which is mildly conservative.
    Where videos come in groups (speakers, say; of few, see `resampled_groups`), whole groups are
    drawn, so the size of a resample varies. Every figure uses the same resamples of the videos,
    which makes differences paired. Intervals are percentiles of the resampled figures. With few
    runs or groups they are too narrow, as any bootstrap is; if all videos are right they have no
    width.

    Args:
        videos: n, the number of videos.
        group: [n] of any type, or None to draw videos one by one.
        count: S, the number of resamples.
        seed: Seed of the bootstrap.
    """

    def __init__(
        self, videos: int, group: np.ndarray | None = None, count: int = 2000, seed: int = 0
    ) -> None:
        self.count, self.seed = count, seed
        member = np.arange(videos) if group is None else np.unique(group, return_inverse=True)[1]
        groups = int(member.max()) + 1
        # [S, n] float64: how often each video is in each resample.
        self.weight = _counts(np.random.default_rng([seed, 0]), groups, count)[:, member]
        self.size = self.weight.sum(axis=1)

    def run_weight(self, runs: int) -> np.ndarray:
        """The share of each of R runs in each resample, [S, R]."""
        return _counts(np.random.default_rng([self.seed, runs]), runs, self.count) / runs

    def mean(self, values: np.ndarray) -> Interval:
        """The mean over runs and videos of `values` [R, n], with its interval."""
        by_run = self.weight @ values.T / self.size[:, None]
        resampled = (by_run * self.run_weight(len(values))).sum(axis=1)
        return percentiles(float(values.mean()), resampled)

    def correlation(self, predicted: np.ndarray, label: np.ndarray) -> Interval:
        """The Pearson correlation of `predicted` [R, n, K] with `label` [n, K], with its interval.

        It is averaged over runs and targets.
        """
        resampled = self._correlations(predicted, label).mean(axis=1)
        return percentiles(correlation(predicted, label), resampled)

    def correlations(self, predicted: np.ndarray, label: np.ndarray) -> list[Interval]:
        """The same for each of the K targets, averaged over runs alone."""
        values, resampled = correlations(predicted, label), self._correlations(predicted, label)
        return [percentiles(*one) for one in zip(values.tolist(), resampled.T, strict=True)]

    def correlation_gain(
        self, predicted: np.ndarray, reference: np.ndarray, label: np.ndarray
    ) -> Interval:
        """The correlation of `predicted` minus that of `reference` [n, K]."""
        value = correlation(predicted, label) - correlation(reference[None], label)
        resampled = self._correlations(predicted, label)
        resampled = (resampled - self._correlations(reference[None], label)).mean(axis=1)
        # Equal predictions give 0, not a rounding error.
        return percentiles(float(np.round(value, 12)), np.round(resampled, 12))

    def _correlations(self, predicted: np.ndarray, label: np.ndarray) -> np.ndarray:
        """The correlation of each target in each resample, [S, K]."""
        by_run = [weighted_correlation(run, label, self.weight) for run in predicted]
        return (np.stack(by_run, axis=1) * self.run_weight(len(predicted))[:, :, None]).sum(axis=1)


def percentiles(value: float, resampled: np.ndarray) -> Interval:
    """The figure with the 2.5th and the 97.5th percentile of its resamples [S]."""
    low, high = np.quantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(value, float(low), float(high))


def correlation(predicted: np.ndarray, label: np.ndarray) -> float:
    """The Pearson correlation of [R, n, K] with [n, K], averaged over runs and targets."""
    return float(correlations(predicted, label).mean())


def correlations(predicted: np.ndarray, label: np.ndarray) -> np.ndarray:
    """The Pearson correlation of [R, n, K] with [n, K], averaged over runs, [K]."""
    once = np.ones((1, len(label)))
    return np.mean([weighted_correlation(run, label, once)[0] for run in predicted], axis=0)


def weighted_correlation(
    predicted: np.ndarray, label: np.ndarray, weight: np.ndarray
) -> np.ndarray:
    """The Pearson correlation of two [n, K] under each `weight` [S, n], by target, [S, K].

    A constant correlates with nothing: its correlation is 0.
    """
    # Centred on the plain means first, which keeps the differences of moments accurate.
    x = predicted.astype(np.float64) - predicted.mean(axis=0, dtype=np.float64)
    y = label.astype(np.float64) - label.mean(axis=0, dtype=np.float64)
    size = weight.sum(axis=1, keepdims=True)
    mean_x, mean_y = weight @ x / size, weight @ y / size
    covariance = weight @ (x * y) / size - mean_x * mean_y
    variance_x = weight @ (x * x) / size - mean_x**2
    variance_y = weight @ (y * y) / size - mean_y**2
    constant = (variance_x <= _noise(x)) | (variance_y <= _noise(y))
    scale = np.sqrt(np.where(constant, 1.0, variance_x * variance_y))
    return np.where(constant, 0.0, covariance / scale)


def _noise(centred: np.ndarray) -> np.ndarray:
    """The variance that rounding alone can leave, [K]."""
    return 1e-12 * np.square(centred).max(axis=0) + 1e-30


def _counts(rng: np.random.Generator, things: int, count: int) -> np.ndarray:
    """How often each of `things` is drawn in `count` draws of as many, [count, things] float64."""
    return rng.multinomial(things, np.full(things, 1 / things), size=count).astype(np.float64)
