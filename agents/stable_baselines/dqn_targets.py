"""What DQN regresses Q(s, a) on: plain targets, those of double Q-learning, Munchausen targets.

`target` and `online` are the two networks of DQN, from observations to Q-values [B, n]; an action
that is not legal has a value so low (`FORBIDDEN`) that no maximum and no softmax takes it. Rewards,
dones and discounts of a batch are [B, 1], and so are targets. With n-step returns r is the sum of n
rewards, s' the state after them, and `done` says that the episode ended on the way.
"""

from collections.abc import Callable
from typing import TypeAlias

from stable_baselines3.common.type_aliases import ReplayBufferSamples
from torch import Tensor

QFunction: TypeAlias = Callable[[Tensor], Tensor]
Targets: TypeAlias = Callable[[ReplayBufferSamples, QFunction, QFunction], Tensor]


def plain_targets(batch: ReplayBufferSamples, target: QFunction, online: QFunction) -> Tensor:
    """The reward, and the target network's largest value: r + (1 - done) max_a Q_target(s', a).

    Source: Mnih et al., "Human-level control through deep reinforcement learning", Nature 2015.
    """
    values = target(batch.next_observations).max(dim=1, keepdim=True).values
    return batch.rewards + _bootstrap(batch, values)


def double_targets(batch: ReplayBufferSamples, target: QFunction, online: QFunction) -> Tensor:
    """The target network's value of the online network's choice.

    r + (1 - done) Q_target(s', argmax_a Q_online(s', a))

    Source: van Hasselt, Guez and Silver, "Deep Reinforcement Learning with Double Q-learning", AAAI
    2016, Eq. 4.
    """
    action = online(batch.next_observations).argmax(dim=1, keepdim=True)
    return batch.rewards + _bootstrap(batch, target(batch.next_observations).gather(1, action))


def munchausen_targets(
    batch: ReplayBufferSamples,
    target: QFunction,
    online: QFunction,
    alpha: float = 0.9,
    tau: float = 0.03,
    clip: float = -1.0,
) -> Tensor:
    """The reward with the log-policy of the action added, and the soft value of s'.

    r + alpha max(tau log pi(a | s), clip) + (1 - done) sum_b pi(b | s') (Q(s', b) - tau log pi(b |
    s')), where pi is the softmax of Q / tau and Q the target network's; so the sum is tau log sum_b
    exp(Q(s', b) / tau). With n-step returns the log-policy is that of the return's first action, as
    in the authors' code.

    Source: Vieillard, Pietquin and Geist, "Munchausen Reinforcement Learning", NeurIPS 2020, the
    targets of M-DQN; `clip` is their l0.
    """
    here = target(batch.observations)
    log_policy = here.gather(1, batch.actions.long()) - _soft_value(here, tau)
    bonus = alpha * log_policy.clamp(clip, 0.0)
    values = _soft_value(target(batch.next_observations), tau)
    return batch.rewards + bonus + _bootstrap(batch, values)


def _soft_value(values: Tensor, tau: float) -> Tensor:
    """The soft maximum tau log sum_a exp(Q(a) / tau), [B, 1] from [B, n]."""
    return tau * (values / tau).logsumexp(dim=1, keepdim=True)


def _bootstrap(batch: ReplayBufferSamples, values: Tensor) -> Tensor:
    """What values [B, 1] of s' add to a target: nothing where the episode is over."""
    discounts = 1.0 if batch.discounts is None else batch.discounts
    return (1 - batch.dones) * discounts * values
