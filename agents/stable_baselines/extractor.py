"""The features extractor that looks index observations up in a table."""

import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor

from agents.feature_table import FeatureTable
from agents.networks.network import Network


class IndexExtractor(BaseFeaturesExtractor):
    """From index observations to the codes of a network, which heads turn into actions and values.

    With it and a `DecisionNetwork` any policy of Stable-Baselines3 can be given the index
    observations of Sequential: as `features_extractor_class`, with the other arguments in
    `features_extractor_kwargs`. The other networks have a code for every frame, which takes the
    heads of `agents.stable_baselines.policies`.

    Args:
        observation_space: The environment's: index observations, or the flattened [2 + T].
        table: The features; they are no part of the policy's weights.
        network: Whose `codes` are the features.
    """

    def __init__(
        self, observation_space: spaces.Space, table: FeatureTable, network: Network
    ) -> None:
        super().__init__(observation_space, network.code_size)
        self.table, self.network = table, network

    def forward(self, observations: torch.Tensor | dict[str, torch.Tensor]) -> torch.Tensor:
        """Codes of a batch of observations."""
        return self.network.codes(self.table, *read_index(observations))


def read_index(
    observations: torch.Tensor | dict[str, torch.Tensor],
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Video [B], selected [B, T] and cursor [B] of index observations, flattened or not."""
    if isinstance(observations, dict):
        video, cursor = observations["video"][:, 0], observations["cursor"][:, 0]
        return video, observations["selected"], cursor
    return observations[:, 0], observations[:, 2:], observations[:, 1]
