"""Stable-Baselines3's policies with our networks: an extractor makes codes, our heads act."""

import copy
from typing import Any

from gymnasium import spaces
from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.type_aliases import Schedule
from stable_baselines3.dqn.policies import DQNPolicy, QNetwork
from torch import Tensor, nn

from agents.networks.feature_table import FeatureTable
from agents.networks.network import Network


class IndexExtractor(BaseFeaturesExtractor):
    """From index observations to the codes of a network, whose features come from a table.

    With it and a `DecisionNetwork`, any policy of Stable-Baselines3 can learn from the index
    observations of Sequential: pass it as `features_extractor_class`, and the other arguments as
    `features_extractor_kwargs`. The codes of the other networks need the policies below.

    Args:
        observation_space: The environment's: index observations, or the flattened [2 + T].
        table: The features; they do not become part of the policy's weights. None: to be set before
            the first observation.
        network: The extractor uses a copy of it.
    """

    def __init__(
        self, observation_space: spaces.Space, table: FeatureTable | None, network: Network
    ) -> None:
        super().__init__(observation_space, network.code_size)
        network.forget()  # not to copy cached encodings
        self.table, self.network = table, copy.deepcopy(network)

    def forward(self, observations: Tensor | dict[str, Tensor]) -> Tensor:
        """Codes of a batch of observations."""
        assert self.table is not None
        if isinstance(observations, dict):
            video, cursor = self.table.entries(observations), observations["cursor"][:, 0]
            return self.network.codes(self.table, video, observations["selected"], cursor)
        video, cursor = observations[:, 0], observations[:, 1]
        return self.network.codes(self.table, video, observations[:, 2:], cursor)


class Actor(nn.Module):
    """A network's `act` as a head; the weights stay the network's."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self._network = (network,)  # in a tuple, so that it is not registered a second time

    def forward(self, codes: Tensor) -> Tensor:
        """One number per action, [B, n], from codes."""
        return self._network[0].act(codes)


class NetworkPolicy(ActorCriticPolicy):
    """An actor-critic policy whose heads are the network's own and its critic."""

    def _build(self, lr_schedule: Schedule) -> None:
        _build_heads(self, lr_schedule)


class MaskableNetworkPolicy(MaskableActorCriticPolicy):
    """The same with action masks, for sb3-contrib's MaskablePPO."""

    def _build(self, lr_schedule: Schedule) -> None:
        _build_heads(self, lr_schedule)


def _build_heads(policy: Any, lr_schedule: Schedule) -> None:
    policy._build_mlp_extractor()  # without layers, so it passes the codes on
    network = policy.features_extractor.network
    policy.action_net = Actor(network)
    policy.value_net = network.critic()
    policy.optimizer = policy.optimizer_class(
        policy.parameters(), lr=lr_schedule(1), **policy.optimizer_kwargs
    )


class NetworkQPolicy(DQNPolicy):
    """A Q-network and its target network, whose heads are the network's own."""

    def make_q_net(self) -> QNetwork:
        """A Q-network with a copy of the network."""
        made = super().make_q_net()
        extractor: Any = made.features_extractor
        made.q_net = nn.Sequential(Actor(extractor.network))
        return made
