"""Two factors, learner and design: how much of the scores' variance each has, and who agrees."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np


@dataclass(frozen=True)
class Shares:
    """The shares of the sum of squares of scores, which add up to 1 (eta squared).

    With one run of each pair the residual is NaN: what runs differ by is in the interaction.
    """

    learner: float
    design: float
    interaction: float
    residual: float


def variance_shares(scores: np.ndarray) -> Shares:
    """The two-way analysis of variance of scores [learners, designs, runs], fixed effects.

    NaN where all scores are equal.

    Source: Fisher, "Statistical Methods for Research Workers", 1925, Chapter VIII.
    """
    learners, designs, runs = scores.shape
    cell = scores.mean(axis=2)
    learner = cell.mean(axis=1, keepdims=True) - cell.mean()
    design = cell.mean(axis=0, keepdims=True) - cell.mean()
    parts = [
        designs * runs * (learner**2).sum(),
        learners * runs * (design**2).sum(),
        runs * ((cell - learner - design - cell.mean()) ** 2).sum(),
        ((scores - cell[..., None]) ** 2).sum(),
    ]
    total = sum(parts)
    if total < 1e-12:
        return Shares(*[np.nan] * 4)
    of_learner, of_design, of_both, rest = (float(part / total) for part in parts)
    return Shares(of_learner, of_design, of_both, rest if runs > 1 else np.nan)


def kendalls_w(scores: np.ndarray) -> float:
    """How far the learners rank the designs alike, of scores [learners, designs]: 0 to 1.

    Kendall's coefficient of concordance, corrected for ties; NaN for fewer than two learners or
    three designs, or where a learner tells none apart.

    Source: Kendall and Babington Smith, "The Problem of m Rankings", Annals of Mathematical
    Statistics 10(3), 1939.
    """
    from scipy.stats import friedmanchisquare  # slow to import

    learners, designs = scores.shape
    if learners < 2 or designs < 3 or (scores == scores[:, :1]).all():
        return np.nan
    # Friedman's statistic is W times its largest value.
    return float(friedmanchisquare(*scores.T).statistic / (learners * (designs - 1)))


def mean_tau(scores: np.ndarray) -> float:
    """Kendall's tau-b of the rankings of every two rows of scores [rows, things], averaged.

    Rows that tell nothing apart have no tau; NaN if no pair has one.
    """
    from scipy.stats import kendalltau

    found = [
        kendalltau(one, other).statistic
        for one, other in combinations(scores, 2)
        if np.ptp(one) and np.ptp(other)
    ]
    return float(np.mean(found)) if found else np.nan
