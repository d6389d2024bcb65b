"""Rewards of regressions: errors in units of the labels' spread, and Pearson's correlation."""

import numpy as np

from frame_select_env.rewards.outcome import Outcome
from frame_select_env.rewards.registry import register_reward

REGRESSION = ("regression",)


@register_reward("delta_error", needs=("label",), tasks=REGRESSION)
def delta_error(outcome: Outcome) -> np.ndarray:
    """The decrease of the absolute error, averaged over targets, in their own units.

    Formula: mean_k (|p0_k - y_k| - |p1_k - y_k|)

    Source: `delta_prob` carried over to the mean absolute error, the measure of regression here.
    """
    before, after = np.abs(outcome.p0 - outcome.label), np.abs(outcome.p1 - outcome.label)
    return (before - after).mean(axis=1)


@register_reward("mse", needs=("label", "statistics"), tasks=REGRESSION)
def mse(outcome: Outcome) -> np.ndarray:
    """The decrease of the squared error, in units of the labels' variance, averaged over targets.

    Formula: mean_k [(p0_k - y_k)^2 - (p1_k - y_k)^2] / sigma_k^2, with the standard deviation of
    the training videos' labels.

    Source: the loss of regression networks, as a gain over keeping all frames.
    """
    before, after = (outcome.p0 - outcome.label) ** 2, (outcome.p1 - outcome.label) ** 2
    return ((before - after) / outcome.statistics.label_sd**2).mean(axis=1)


@register_reward("pcc", needs=("label", "statistics"), tasks=REGRESSION)
def pcc(outcome: Outcome) -> np.ndarray:
    """How far the selection raises Pearson's correlation of predictions and labels, to first order.

    Correlation is of many videos; this is its derivative with respect to one of them, so that the
    mean reward is the change of the correlation for small changes of the predictions. Stretching
    all p0 alike earns 0.

    Formula: mean_k [(y_k - mu_k) / sigma_k - rho_k (p0_k - m_k) / s_k] (p1_k - p0_k) / s_k, with
    mean mu and standard deviation sigma of the labels, m and s of p0, and the correlation rho of
    the two, over the training videos.

    Source: the first-order change of the correlation coefficient, the measure of emotional reaction
    intensity (ABAW5).
    """
    known = outcome.statistics
    wanted = (outcome.label - known.label_mean) / known.label_sd
    told = known.correlation * (outcome.p0 - known.p0_mean) / known.p0_sd
    return ((wanted - told) * (outcome.p1 - outcome.p0) / known.p0_sd).mean(axis=1)
