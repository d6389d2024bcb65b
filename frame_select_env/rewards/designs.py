"""The reward designs that come with the library."""

import numpy as np

from frame_select_env.errors import FrameSelectError
from frame_select_env.rewards.outcome import Outcome
from frame_select_env.rewards.registry import register_reward


def _of_true_class(probabilities: np.ndarray, label: np.ndarray) -> np.ndarray:
    """[B], the probability of each video's true class."""
    if label.ndim != 1:
        raise FrameSelectError("the reward needs classes; for regression use delta_error")
    return probabilities[np.arange(len(label)), label]


@register_reward("sign_omega", needs=("label",))
def sign_omega(outcome: Outcome, omega: float = 10.0, tie: float = 0.0) -> np.ndarray:
    """The reward of attention-aware sampling: the sign of the gain, or +-omega for a flip.

    +omega if the selection turns a wrong prediction right, -omega if it turns a right one wrong,
    else r0 = sgn(p1_c - p0_c) of the true class c. An empty selection answers nothing and is worse
    than any answer that stays wrong: -1.

    Source: Dong, Zhang and Tan, "Attention-Aware Sampling via Deep Reinforcement Learning for
    Action Recognition", AAAI 2019, Eq. 2 to 4.

    Args:
        outcome: The facts.
        omega: The reward of a flip.
        tie: r0 where the gain is exactly 0. Eq. 2 gives 0; the text, r0 in {-1, 1}, allows -1.
    """
    gain = _of_true_class(outcome.p1, outcome.label) - _of_true_class(outcome.p0, outcome.label)
    reward = np.sign(gain)
    if tie:
        reward[gain == 0] = tie
    reward[~outcome.p1.any(axis=1)] = -1.0
    flipped = outcome.correct_before != outcome.correct_after
    reward[flipped] = np.where(outcome.correct_after[flipped], omega, -omega)
    return reward


@register_reward("delta_prob", needs=("label",))
def delta_prob(outcome: Outcome) -> np.ndarray:
    """The gain in the true class's probability, p1_c - p0_c: AS Eq. 2 without the sign."""
    return _of_true_class(outcome.p1, outcome.label) - _of_true_class(outcome.p0, outcome.label)


@register_reward("flip_only", needs=("label",))
def flip_only(outcome: Outcome) -> np.ndarray:
    """+1 for a prediction turned right, -1 for one turned wrong, else 0: AS Eq. 3 without r0."""
    return outcome.correct_after.astype(np.float64) - outcome.correct_before


@register_reward("budget", needs=())
def budget(outcome: Outcome) -> np.ndarray:
    """Minus the distance of the share of selected frames from the target's: -|n/L - m/L|.

    AS Eq. 9 as a reward: there it is a loss on the probabilities of keeping. A target above the
    number of valid frames L counts as L.
    """
    length = outcome.valid.sum(axis=1)
    target = np.minimum(outcome.target_frames, length)
    return -np.abs(outcome.selected.sum(axis=1) - target) / length


@register_reward("delta_error", needs=("label",))
def delta_error(outcome: Outcome) -> np.ndarray:
    """For regression: by how much the mean absolute error over the targets falls."""
    before = np.abs(outcome.p0 - outcome.label).mean(axis=1)
    return before - np.abs(outcome.p1 - outcome.label).mean(axis=1)
