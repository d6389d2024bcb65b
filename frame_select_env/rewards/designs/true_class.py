"""Rewards that read the true class's probability in the consensus."""

import numpy as np

from frame_select_env.probability import clipped_log, of_class
from frame_select_env.probability import margin as margin_of
from frame_select_env.rewards.outcome import Outcome
from frame_select_env.rewards.registry import CLASSIFICATION, register_reward


@register_reward("delta_logp", needs=("label",), tasks=CLASSIFICATION)
def delta_logp(outcome: Outcome) -> np.ndarray:
    """The true class's gain in log-probability: by how much the cross-entropy falls.

    Probabilities below 1e-6 count as 1e-6, so an empty selection costs at most 13.8.

    Formula: log p1_c - log p0_c

    Source: the logarithmic score, Good, "Rational Decisions", J. R. Stat. Soc. B 14(1), 1952.
    """
    after = clipped_log(of_class(outcome.p1, outcome.label))
    return after - clipped_log(of_class(outcome.p0, outcome.label))


@register_reward("margin", needs=("label",), tasks=CLASSIFICATION)
def margin(outcome: Outcome) -> np.ndarray:
    """By how much the true class's lead over the best other class grows.

    An empty selection answers nothing; its margin is -1, that of certainty in a wrong class (zeros
    would give 0, better than any wrong answer).

    AdaFrame pays the rise of the margin above its best so far in the episode,
    max(0, m_t - max_{s < t} m_s): that is `dense="best"` of the multi-step environments, where the
    first margin to beat is p0's.

    Formula: (p1_c - max_{k != c} p1_k) - (p0_c - max_{k != c} p0_k)

    Source: Wu, Xiong, Ma, Socher and Davis, "AdaFrame: Adaptive Frame Selection for Fast Video
    Recognition", CVPR 2019, the reward of the selection network.
    """
    after = margin_of(outcome.p1, outcome.label)
    return np.where(outcome.unanswered, -1.0, after) - margin_of(outcome.p0, outcome.label)


@register_reward("confidence", needs=("label",), tasks=CLASSIFICATION)
def confidence(outcome: Outcome) -> np.ndarray:
    """The true class's probability after the selection.

    It is `delta_prob` without its baseline: the same best selection for every video, but a return
    whose mean is far from 0.

    Formula: p1_c

    Source: Dong, Zhang and Tan, AAAI 2019, Eq. 1, the true class's entry.
    """
    return of_class(outcome.p1, outcome.label)
