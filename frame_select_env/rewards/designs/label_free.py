"""Rewards that compare the predictions before and after without a label."""

import numpy as np

from frame_select_env.probability import clipped_log, entropy
from frame_select_env.rewards.outcome import Outcome
from frame_select_env.rewards.registry import CLASSIFICATION, register_reward


@register_reward("entropy_drop", needs=(), tasks=CLASSIFICATION)
def entropy_drop(outcome: Outcome) -> np.ndarray:
    """By how many nats the selection makes the prediction more certain, right or wrong.

    An empty selection answers nothing and knows nothing: its entropy is log C, the largest there is
    (zeros would give 0, the smallest).

    Formula: H(p0) - H(p1), H(p) = -sum_k p_k log p_k

    Source: the objective of Wang, Shelhamer, Liu, Olshausen and Darrell, "Tent: Fully Test-Time
    Adaptation by Entropy Minimization", ICLR 2021, here as a difference.
    """
    nothing = np.log(outcome.p1.shape[1])
    return entropy(outcome.p0) - np.where(outcome.unanswered, nothing, entropy(outcome.p1))


@register_reward("minus_kl", needs=(), tasks=CLASSIFICATION)
def minus_kl(outcome: Outcome) -> np.ndarray:
    """Minus how far the prediction of the selected frames strays from that of all frames, in nats.

    At most 0, which keeping all frames earns: it is a reward to weigh against `budget`, for few
    frames that still say what all of them do. Probabilities below 1e-6 count as 1e-6 in the
    logarithms, so an empty selection costs at most 13.8.

    Formula: -KL(p0 || p1) = -sum_k p0_k (log p0_k - log p1_k)

    Source: the loss of Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural Network",
    2015, at temperature 1: p0 teaches p1.
    """
    return -(outcome.p0 * (clipped_log(outcome.p0) - clipped_log(outcome.p1))).sum(axis=1)
