"""What all networks have in common."""

from abc import ABC, abstractmethod

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

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


class StepNetwork(Network):
    """A network of agents that take decisions one after another, in view of what is selected.

    Args:
        feature_size: D.
        outputs: C.
        hidden: Units of each layer; the BiLSTM has half of them in each direction.
        dropout: Dropout on the input and before the head.
        whole_video: Whether there is a BiLSTM over the whole video.

    Attributes:
        encoded: Units of its state of a frame.
    """

    def __init__(
        self, feature_size: int, outputs: int, hidden: int, dropout: float, whole_video: bool = True
    ) -> None:
        super().__init__(feature_size)
        self.code_size, self.encoded = hidden, 2 * (hidden // 2)
        self.dropout = nn.Dropout(dropout)
        if whole_video:
            size = feature_size + outputs
            self.lstm = nn.LSTM(size, hidden // 2, batch_first=True, bidirectional=True)
            self.encodings = Encodings(self.lstm, self._encode)

    def forward(
        self,
        table: FeatureTable,
        video: torch.Tensor,
        selected: torch.Tensor,
        cursor: torch.Tensor,
    ) -> torch.Tensor:
        """Numbers for the actions, [B, n]; the arguments are those of `codes`."""
        return self.act(self.codes(table, video, selected, cursor))

    def _encode(
        self, features: torch.Tensor, predictions: torch.Tensor, valid: torch.Tensor
    ) -> torch.Tensor:
        inputs = self.normal(features)
        seen = self.dropout(torch.cat([inputs, predictions], dim=2))
        return run_lstm(self.lstm, seen, valid)


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


def run_lstm(lstm: nn.LSTM, inputs: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
    """The states [B, T, 2H] of a bidirectional LSTM over the valid frames of inputs [B, T, E]."""
    if valid.all():
        return lstm(inputs)[0]
    packed = pack_padded_sequence(
        inputs, valid.sum(1).cpu(), batch_first=True, enforce_sorted=False
    )
    hidden, _ = pad_packed_sequence(lstm(packed)[0], batch_first=True, total_length=valid.shape[1])
    return hidden
