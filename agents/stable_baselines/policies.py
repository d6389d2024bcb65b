"""Stable-Baselines3's policies around our networks: codes by the extractor, then our heads."""

from collections.abc import Callable
from typing import Any

import torch
from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.type_aliases import Schedule
from stable_baselines3.dqn.policies import DQNPolicy, QNetwork
from torch import nn

from agents.feature_table import FeatureTable
from agents.networks import Network
from agents.stable_baselines.extractor import IndexExtractor


class Actor(nn.Module):
    """A network's `act` as a head; the weights stay the network's.

    Args:
        network: The network.
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        self._network = (network,)  # in a tuple it is not registered a second time

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        """Numbers for the actions, [B, n], from codes."""
        return self._network[0].act(codes)


def policy_keywords(
    make_network: Callable[[], Network], table: FeatureTable, weight_decay: float
) -> dict[str, Any]:
    """The `policy_kwargs` of the policies below."""
    return {
        "features_extractor_class": _extractor,
        "features_extractor_kwargs": {"table": table, "make_network": make_network},
        "net_arch": [],
        "optimizer_kwargs": {"weight_decay": weight_decay},
    }


def _extractor(
    observation_space: Any, table: FeatureTable, make_network: Callable[[], Network]
) -> IndexExtractor:
    """A features extractor with a network of its own: DQN makes two, alike."""
    return IndexExtractor(observation_space, table, make_network())


class NetworkPolicy(ActorCriticPolicy):
    """An actor-critic policy for index observations: per-frame logits or keep and discard."""

    def _build(self, lr_schedule: Schedule) -> None:
        _build_heads(self, lr_schedule)


class MaskableNetworkPolicy(MaskableActorCriticPolicy):
    """The same with action masks, for sb3-contrib's MaskablePPO."""

    def _build(self, lr_schedule: Schedule) -> None:
        _build_heads(self, lr_schedule)


def _build_heads(policy: Any, lr_schedule: Schedule) -> None:
    """Make an actor-critic policy's heads the network's own and its critic."""
    policy._build_mlp_extractor()  # without layers: it hands the codes through
    network = policy.features_extractor.network
    policy.action_net = Actor(network)
    policy.value_net = network.critic()
    policy.optimizer = policy.optimizer_class(
        policy.parameters(), lr=lr_schedule(1), **policy.optimizer_kwargs
    )


class NetworkQPolicy(DQNPolicy):
    """A Q-network and its target for index observations."""

    def make_q_net(self) -> QNetwork:
        """A Q-network whose head is the network's own."""
        made = super().make_q_net()
        extractor: Any = made.features_extractor
        made.q_net = nn.Sequential(Actor(extractor.network))
        return made
