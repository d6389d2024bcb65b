"""Rewards that compare the predictions before and after the selection, p0 and p1."""

import numpy as np

from frame_select_env.consensus import clipped_log, entropy, of_class
from frame_select_env.consensus import margin as margin_of
from frame_select_env.rewards.outcome import Outcome
from frame_select_env.rewards.registry import CLASSIFICATION, register_reward


@register_reward("delta_logp", needs=("label",), tasks=CLASSIFICATION)
def delta_logp(outcome: Outcome) -> np.ndarray:
    """The true class's gain in log-probability: the decrease of the cross-entropy.

    Probabilities are clipped at 1e-6, so an empty selection costs at most 13.8.

    Formula: log p1_c - log p0_c

    Source: the logarithmic score, Good, "Rational Decisions", J. R. Stat. Soc. B 14(1), 1952.
    """
    after = clipped_log(of_class(outcome.p1, outcome.label))
    return after - clipped_log(of_class(outcome.p0, outcome.label))


@register_reward("log_prob", needs=("label",), tasks=CLASSIFICATION)
def log_prob(outcome: Outcome) -> np.ndarray:
    """The true class's log-probability after the selection: minus the cross-entropy.

    It is `delta_logp` without its baseline. Probabilities are clipped at 1e-6, so an empty
    selection earns -13.8.

    Formula: log p1_c

    Source: the logarithmic score, Good, "Rational Decisions", J. R. Stat. Soc. B 14(1), 1952.
    """
    return clipped_log(of_class(outcome.p1, outcome.label))


@register_reward("margin_tanh", needs=("label",), tasks=CLASSIFICATION)
def margin_tanh(outcome: Outcome) -> np.ndarray:
    """The true class against its strongest rival, -1 to 1; 0 where they are level.

    Of the logits z = log p it is tanh of half the margin, which is (p_c - p_k) / (p_c + p_k). An
    empty selection earns -1.

    Formula: tanh((z_c - max_{k != c} z_k) / 2), z = log p1

    Source: Lee, Kim, Kim and Ro, "ReFoCUS: Reinforcement-guided Frame Optimization for Contextual
    Understanding", arXiv 2506.01274, the reward of a subset of frames.
    """
    own, lead = of_class(outcome.p1, outcome.label), margin_of(outcome.p1, outcome.label)
    both = 2 * own - lead  # with the rival p_c - lead
    return np.where(outcome.unanswered, -1.0, lead / np.where(both > 0, both, 1.0))


@register_reward("cost_asymmetric", needs=("label",), tasks=CLASSIFICATION)
def cost_asymmetric(outcome: Outcome, rescue: float = 1.0, breaks: float = 4.0) -> np.ndarray:
    """What a flip is worth where turning a right answer wrong costs more than a rescue earns.

    With equal weights it is `flip_only`. A designer who must not lose what all frames already get
    right raises `breaks`.

    Formula: rescue if wrong before and right after, -breaks if right before and wrong after, else 0

    Source: the cost matrix of Elkan, "The Foundations of Cost-Sensitive Learning", IJCAI 2001.

    Args:
        outcome: The facts.
        rescue: What turning a wrong prediction right earns.
        breaks: What turning a right prediction wrong costs.
    """
    before, after = outcome.correct_before, outcome.correct_after
    return rescue * (after & ~before) - breaks * (before & ~after)


@register_reward("margin", needs=("label",), tasks=CLASSIFICATION)
def margin(outcome: Outcome) -> np.ndarray:
    """The increase of the true class's lead over the best other class.

    An empty selection gives no answer; its margin is -1, that of certainty in a wrong class (zeros
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

    It is `delta_prob` without its baseline: the best selection of every video is the same, but the
    mean return is far from 0.

    Formula: p1_c

    Source: Dong, Zhang and Tan, AAAI 2019, Eq. 3, the true class's entry.
    """
    return of_class(outcome.p1, outcome.label)


@register_reward("correct", needs=("label",), tasks=CLASSIFICATION)
def correct(outcome: Outcome) -> np.ndarray:
    """1 if the selection's prediction is right, else 0.

    Its mean is the accuracy; an empty selection is wrong.

    Formula: [argmax p1 = c]

    Source: the complement of the zero-one loss, Hastie, Tibshirani and Friedman, "The Elements of
    Statistical Learning", Springer 2009, Section 2.4.
    """
    return outcome.correct_after.astype(np.float64)


@register_reward("entropy_drop", needs=(), tasks=CLASSIFICATION)
def entropy_drop(outcome: Outcome) -> np.ndarray:
    """How much more certain the selection makes the prediction, right or wrong, in nats.

    An empty selection gives no answer: its entropy is log C, the largest possible (zeros would give
    0, the smallest).

    Formula: H(p0) - H(p1), H(p) = -sum_k p_k log p_k

    Source: the objective of Wang, Shelhamer, Liu, Olshausen and Darrell, "Tent: Fully Test-Time
    Adaptation by Entropy Minimization", ICLR 2021, here as a difference.
    """
    largest = np.log(outcome.p1.shape[1])
    return entropy(outcome.p0) - np.where(outcome.unanswered, largest, entropy(outcome.p1))


@register_reward("minus_kl", needs=(), tasks=CLASSIFICATION)
def minus_kl(outcome: Outcome) -> np.ndarray:
    """Minus the divergence of the selection's prediction from that of all frames, in nats.

    At most 0, which keeping all frames earns: combine it with `budget`, to find few frames that
    still give the prediction of all of them. Probabilities are clipped at 1e-6 in the logarithms,
    so an empty selection costs at most 13.8.

    Formula: -KL(p0 || p1) = -sum_k p0_k (log p0_k - log p1_k)

    Source: the loss of Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural Network",
    2015, at temperature 1: p0 teaches p1.
    """
    return -(outcome.p0 * (clipped_log(outcome.p0) - clipped_log(outcome.p1))).sum(axis=1)
