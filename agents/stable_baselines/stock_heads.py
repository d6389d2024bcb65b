"""Policies of Stable-Baselines3 with heads of their own, on codes of our network for Sequential.

The others have our network's heads (`agents.stable_baselines.policies`), and are that network.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor

from agents.networks.decision import DecisionNetwork
from agents.networks.feature_table import FeatureTable
from agents.networks.network import Network, Standardised
from agents.stable_baselines.policies import IndexExtractor

# (policy, observations [B, 2 + T], memory or None before the first) -> a number for each action
# [B, n], and the memory after it.
Read: TypeAlias = Callable[[Any, Tensor, Any], tuple[Tensor, Any]]


def mean_quantiles(policy: Any, observations: Tensor, memory: Any) -> tuple[Tensor, Any]:
    """The mean of each action's quantiles, its Q-value, by a QRDQNPolicy."""
    return policy.quantile_net(observations).mean(dim=1), None


def recurrent_logits(policy: Any, observations: Tensor, memory: Any) -> tuple[Tensor, Any]:
    """The logits of a RecurrentActorCriticPolicy, whose memory is its actor's LSTM state."""
    begins = torch.zeros(len(observations), device=observations.device)
    if memory is None:
        lstm = policy.lstm_actor
        shape = lstm.num_layers, len(observations), lstm.hidden_size
        memory = (begins.new_zeros(shape), begins.new_zeros(shape))
    distribution, memory = policy.get_distribution(observations, memory, begins)
    return distribution.distribution.logits, memory


class PolicyNetwork(Standardised):
    """A policy as a network that decides like a `DecisionNetwork`, one step of a video at a time.

    Args:
        policy: (observation space, action space, step sizes, **keywords) -> the policy.
        network: Encodes what a decision is about; the policy has a copy.
        frames: T.
        read: What the policy's numbers are.
        **keywords: Of the policy, besides its extractor.
    """

    def __init__(
        self,
        policy: Callable[..., Any],
        network: DecisionNetwork,
        frames: int,
        read: Read,
        **keywords: Any,
    ) -> None:
        super().__init__(0)
        self.chunk, self._read, self._memory = network.chunk, read, None
        space = spaces.Box(0, np.iinfo(np.int32).max, (2 + frames,), np.int32)
        extractor = {"table": None, "network": network}
        self.policy = policy(
            *(space, spaces.Discrete(2), lambda _: 0.0),
            features_extractor_class=IndexExtractor,
            features_extractor_kwargs=extractor,
            **keywords,
        )

    def standardise(self, features: Tensor, valid: Tensor) -> None:
        """Set mean and scale of the networks that see the features."""
        for network in self.networks():
            network.standardise(features, valid)

    def networks(self) -> list[Network]:
        """The copies of the network: of the policy, and of its target."""
        return [one for one in self.policy.modules() if isinstance(one, Network)]

    def forget(self) -> None:
        """Drop cached encodings, the table, and the memory: episodes begin."""
        self._memory = None
        for one in self.policy.modules():
            if isinstance(one, IndexExtractor):
                one.table = None
                one.network.forget()

    def state_dict(  # type: ignore[override]
        self, *arguments: Any, **keywords: Any
    ) -> dict[str, Any]:
        """Every weight once, by its first name: policies register shared extractors three times."""
        every = super().state_dict(*arguments, **keywords)
        first = {value.data_ptr(): name for name, value in reversed(every.items())}
        return {
            name: value
            for name, value in every.items()
            if not value.numel() or first[value.data_ptr()] == name
        }

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> Any:
        """Load what `state_dict` returned."""
        own = self.state_dict()
        if strict and own.keys() != state_dict.keys():
            raise RuntimeError(f"expected {sorted(own)}, got {sorted(state_dict)}")
        return super().load_state_dict(state_dict, strict=False)

    def forward(
        self, table: FeatureTable, video: Tensor, selected: Tensor, cursor: Tensor
    ) -> Tensor:
        """A number for each action, [B, 2]; the arguments are those of `Network.codes`.

        Decisions must come in the order of the episodes that `forget` begins.
        """
        for one in self.policy.modules():
            if isinstance(one, IndexExtractor):
                one.table = table
        observations = torch.cat([video[:, None], cursor[:, None], selected], dim=1).float()
        numbers, self._memory = self._read(self.policy, observations, self._memory)
        return numbers
