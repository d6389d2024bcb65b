"""The reward for regression."""

import numpy as np

from frame_select_env.rewards.outcome import Outcome
from frame_select_env.rewards.registry import register_reward


@register_reward("delta_error", needs=("label",), tasks=("regression",))
def delta_error(outcome: Outcome) -> np.ndarray:
    """By how much the absolute error falls, averaged over the targets.

    Formula: mean_k |p0_k - y_k| - mean_k |p1_k - y_k|

    Source: `delta_prob` carried over to the mean absolute error, the measure of regression here.
    """
    before = np.abs(outcome.p0 - outcome.label).mean(axis=1)
    return before - np.abs(outcome.p1 - outcome.label).mean(axis=1)
