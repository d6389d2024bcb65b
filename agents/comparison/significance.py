"""How sure a difference is: p values, their correction for many tests, and the seeds it needs."""

from collections.abc import Sequence

import numpy as np


def p_value(resampled: np.ndarray) -> float:
    """The two-sided p value of a figure from its bootstrap resamples [S], for the hypothesis of 0.

    It is the least level at which the percentile interval excludes 0, and so agrees with the
    intervals: below 0.05 where 0 is outside of them (Efron and Tibshirani, "An Introduction to the
    Bootstrap", 1993, section 15.4). One is added to both counts (Davison and Hinkley, "Bootstrap
    Methods and their Application", 1997, eq. 4.11), so it is never below `least_p_value`.
    """
    tail = min((resampled <= 0).sum(), (resampled >= 0).sum())
    return float(min(1.0, 2 * (tail + 1) / (len(resampled) + 1)))


def least_p_value(resamples: int) -> float:
    """The smallest `p_value` that so many resamples can give."""
    return 2 / (resamples + 1)


def holm(values: Sequence[float]) -> list[float]:
    """The p values of several tests, adjusted so that below 0.05 holds for all of them at once.

    Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
    Statistics 6(2), 1979: the k-th smallest of n is multiplied by n - k + 1, and is at least as
    large as those before it. The tests may depend on each other.
    """
    order = np.argsort(values, kind="stable")
    raised = np.array(values, float)[order] * np.arange(len(values), 0, -1)
    adjusted = np.empty(len(values))
    adjusted[order] = np.minimum(np.maximum.accumulate(raised), 1.0)
    return adjusted.tolist()


def seeds_needed(difference: np.ndarray, most: int, power: float = 0.8) -> int | None:
    """The number of seeds with which a paired t-test at 5 % is likely to find a difference.

    Args:
        difference: Differences of runs with equal seeds, [R] float64; their mean and standard
            deviation are taken for the true ones, which few runs estimate poorly.
        most: Largest number that is tried.
        power: The probability that the test finds it.

    Returns:
        The least number of seeds, at least 2; None if there is no such number up to `most`, or
        fewer than two runs.
    """
    from scipy.stats import nct, t  # slow to import

    if len(difference) < 2 or np.allclose(difference.mean(), 0, atol=1e-12):
        return None
    spread = difference.std(ddof=1)
    if spread < 1e-12:
        return 2
    seeds = np.arange(2, most + 1)
    critical = t.ppf(0.975, seeds - 1)
    shift = abs(difference.mean()) / spread * np.sqrt(seeds)
    # The other tail, where the test finds the opposite, is no find. NaN: the shift is enormous.
    found = np.nan_to_num(nct.sf(critical, seeds - 1, shift), nan=1.0) >= power
    return int(seeds[found.argmax()]) if found.any() else None
