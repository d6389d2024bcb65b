"""What all networks have in common."""

from abc import ABC, abstractmethod

import torch
from torch import nn

from agents.feature_table import FeatureTable
from agents.networks.encoding import Encodings


class Network(nn.Module, ABC):
    """Standardised features in, numbers for actions out, with the codes in between.

    Args:
        feature_size: D.

    Attributes:
        mean: [D], subtracted from the features. scale: [D], multiplied with what is left.
        code_size: Units of a code. encodings: Of frames, if there are any to be kept.
    """

    mean: torch.Tensor
    scale: torch.Tensor
    code_size: int
    encodings: Encodings | None = None

    def __init__(self, feature_size: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(feature_size))
        self.register_buffer("scale", torch.ones(feature_size))

    @abstractmethod
    def codes(
        self,
        table: FeatureTable,
        video: torch.Tensor,
        selected: torch.Tensor,
        cursor: torch.Tensor,
    ) -> torch.Tensor:
        """What the heads see of an index observation, [B, ...].

        Args:
            table: Where features and predictions are looked up.
            video: [B] int, rows in the cache.
            selected: [B, T], 1 where a frame is selected.
            cursor: [B] int.
        """

    @abstractmethod
    def act(self, codes: torch.Tensor) -> torch.Tensor:
        """Numbers for the actions, [B, n]: Q-values or logits, from codes."""

    @abstractmethod
    def critic(self) -> nn.Module:
        """A new value head: [B, 1] from codes."""

    def forget(self) -> None:
        """Forget kept encodings.

        Which videos were encoded together moves the last bit; a run that is resumed has kept none.
        """
        if self.encodings is not None:
            self.encodings.forget()

    def normal(self, features: torch.Tensor) -> torch.Tensor:
        """Features [..., D] of any dtype, standardised, float32."""
        return (features.float() - self.mean) * self.scale

    def standardise(self, features: torch.Tensor, valid: torch.Tensor) -> None:
        """Take the mean and scale from the valid frames of features [n, T, D].

        A feature that is constant there, which says nothing, is left out: its scale is 0.
        """
        # A few videos at a time: as float32 they may be twice as large as the table.
        total = valid.sum().clamp(min=1)
        size = features.shape[2]
        first, second = (torch.zeros(size, dtype=torch.float64) for _ in range(2))
        first, second = first.to(features.device), second.to(features.device)
        for some, there in zip(features.split(256), valid.split(256), strict=True):
            frames = some[there].double()
            first += frames.sum(0)
            second += frames.square().sum(0)
        mean = first / total
        deviation = (second / total - mean.square()).clamp(min=0).sqrt()
        varies = deviation > 1e-4 * deviation.max()
        self.mean = mean.float()
        self.scale = torch.where(varies, 1 / deviation.clamp(min=1e-12), 0.0).float()


class PooledCritic(nn.Module):
    """A value from the mean code over the frames (or actions) whose last channel is 1.

    Args:
        size: Units of a code, without the last channel.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.head = nn.Linear(size, 1)

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        """[B, 1] from codes [B, n, size + 1]."""
        weight = codes[..., -1:]
        mean = (codes[..., :-1] * weight).sum(1) / weight.sum(1).clamp(min=1)
        return self.head(mean)
