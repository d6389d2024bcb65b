"""The reward of attention-aware sampling (AS), and its parts.

AS is Dong, Zhang and Tan, "Attention-Aware Sampling via Deep Reinforcement Learning for Action
Recognition", AAAI 2019.
"""

import numpy as np

from frame_select_env.consensus import of_class
from frame_select_env.rewards.outcome import Outcome
from frame_select_env.rewards.registry import CLASSIFICATION, register_reward


@register_reward("sign_omega", needs=("label", "statistics"))
def sign_omega(
    outcome: Outcome, omega: float = 10.0, tie: float = 0.0, tolerance: float = 0.5
) -> np.ndarray:
    """The sign of the true class's gain in probability, or +-omega if the prediction flips.

    +omega if the selection turns a wrong prediction right, -omega if it turns a right one wrong,
    else r0, the sign. An empty selection gives no answer, which is worse than any answer that stays
    wrong: -1.

    Of a regression, a prediction is right if its error, in standard deviations of the training
    videos' labels and averaged over targets, is at most `tolerance`; the sign is that of the
    decrease of the error.

    Formula: +-omega for a flip, else r0 = sgn(p1_c - p0_c) of the true class c. Of a regression
    sgn(e0 - e1) with e = mean_k |p_k - y_k| / sigma_k.

    Source: Dong, Zhang and Tan, "Attention-Aware Sampling via Deep Reinforcement Learning for
    Action Recognition", AAAI 2019, Eq. 2 to 4.

    Args:
        outcome: The facts.
        omega: The reward of a flip.
        tie: r0 where the gain is exactly 0. Eq. 2 gives 0; the text, r0 in {-1, 1}, allows -1.
        tolerance: The largest error of a regression that counts as right.
    """
    if outcome.label.ndim == 2:
        deviation = outcome.statistics.label_sd
        errors = [np.abs(p - outcome.label) / deviation for p in (outcome.p0, outcome.p1)]
        before, after = (error.mean(axis=1) <= tolerance for error in errors)
        gain = errors[0].mean(axis=1) - errors[1].mean(axis=1)
    else:
        before, after = outcome.correct_before, outcome.correct_after
        gain = delta_prob(outcome)
    reward = np.sign(gain)
    if tie:
        reward[gain == 0] = tie
    if outcome.label.ndim == 1:  # a regression answers the training mean
        reward[outcome.unanswered] = -1.0
    return np.where(before != after, np.where(after, omega, -omega), reward)


@register_reward("delta_prob", needs=("label",), tasks=CLASSIFICATION)
def delta_prob(outcome: Outcome) -> np.ndarray:
    """The true class's gain in probability.

    Formula: p1_c - p0_c

    Source: Dong, Zhang and Tan, AAAI 2019, Eq. 2 without the sign.
    """
    return of_class(outcome.p1, outcome.label) - of_class(outcome.p0, outcome.label)


@register_reward("flip_only", needs=("label",), tasks=CLASSIFICATION)
def flip_only(outcome: Outcome) -> np.ndarray:
    """+1 for a prediction turned right, -1 for one turned wrong, else 0.

    Formula: [argmax p1 = c] - [argmax p0 = c]

    Source: Dong, Zhang and Tan, AAAI 2019, Eq. 4 without r0.
    """
    return outcome.correct_after.astype(np.float64) - outcome.correct_before


@register_reward("budget", needs=())
def budget(outcome: Outcome) -> np.ndarray:
    """A penalty for selecting more or fewer frames than the target.

    The target is m frames (`target_frames`), or all L valid frames of a video with fewer.

    Formula: -|n / L - min(m, L) / L| for n selected frames.

    Source: Dong, Zhang and Tan, AAAI 2019, Eq. 9, there a loss on the probabilities of keeping.
    """
    length = outcome.valid.sum(axis=1)
    target = np.minimum(outcome.target_frames, length)
    return -np.abs(outcome.selected.sum(axis=1) - target) / length
