"""The network of attention-aware sampling: a BiLSTM that scores every frame of a video."""

from typing import Literal

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

State = Literal["feature", "feature+prediction"]


class FrameScorer(nn.Module):
    """BiLSTM + fully connected layer: one logit of keeping per frame (AS, section "Agent").

    Args:
        feature_size: D.
        outputs: C.
        state: What the network sees of a frame: its feature, or feature and prediction.
        hidden: Units of the LSTM in each direction.
        layers: Number of LSTM layers.
        dropout: Dropout on the network's input and on the LSTM's output.
        keep: Initial probability of keeping a frame, the bias of the last layer.
    """

    mean: torch.Tensor
    scale: torch.Tensor

    def __init__(
        self,
        feature_size: int,
        outputs: int,
        state: State = "feature+prediction",
        hidden: int = 256,
        layers: int = 1,
        dropout: float = 0.0,
        keep: float = 0.5,
    ) -> None:
        super().__init__()
        self.state = state
        size = feature_size + (outputs if state == "feature+prediction" else 0)
        self.register_buffer("mean", torch.zeros(feature_size))
        self.register_buffer("scale", torch.ones(feature_size))
        self.dropout = nn.Dropout(dropout)
        self.lstm = nn.LSTM(size, hidden, layers, batch_first=True, bidirectional=True)
        self.head = nn.Linear(2 * hidden, 1)
        with torch.no_grad():
            self.head.bias.fill_(float(torch.logit(torch.tensor(keep))))

    def standardise(self, features: torch.Tensor, valid: torch.Tensor) -> None:
        """Take the mean and scale of the inputs from the valid frames of [n, T, D] features."""
        self.mean, self.scale = mean_and_scale(features, valid)

    def hidden(
        self, features: torch.Tensor, predictions: torch.Tensor, valid: torch.Tensor
    ) -> torch.Tensor:
        """The LSTM's states [B, T, 2H], from features [B, T, D], predictions [B, T, C], valid.

        Padding changes nothing: the backward LSTM starts at a video's last valid frame.
        """
        inputs = (features.float() - self.mean) * self.scale
        if self.state == "feature+prediction":
            inputs = torch.cat([inputs, predictions], dim=2)
        return self.dropout(run_lstm(self.lstm, self.dropout(inputs), valid))

    def forward(
        self, features: torch.Tensor, predictions: torch.Tensor, valid: torch.Tensor
    ) -> torch.Tensor:
        """Logits of keeping, [B, T], from features [B, T, D], predictions [B, T, C], valid [B, T].

        At padding they mean nothing.
        """
        return self.head(self.hidden(features, predictions, valid)).squeeze(2)


def mean_and_scale(
    features: torch.Tensor, valid: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean [D] and 1 / standard deviation [D] over the valid frames of features [n, T, D].

    A feature that is constant there, which says nothing, gets the scale 0.
    """
    total = valid.sum().clamp(min=1)
    weight = valid[..., None].float()
    mean = (features.float() * weight).sum((0, 1)) / total
    variance = ((features.float() - mean).square() * weight).sum((0, 1)) / total
    deviation = variance.sqrt()
    varies = deviation > 1e-4 * deviation.max()
    return mean, torch.where(varies, 1 / deviation.clamp(min=1e-12), 0.0)


def run_lstm(lstm: nn.LSTM, inputs: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
    """The states [B, T, 2H] of a bidirectional LSTM over the valid frames of inputs [B, T, E]."""
    if valid.all():
        return lstm(inputs)[0]
    packed = pack_padded_sequence(
        inputs, valid.sum(1).cpu(), batch_first=True, enforce_sorted=False
    )
    hidden, _ = pad_packed_sequence(lstm(packed)[0], batch_first=True, total_length=valid.shape[1])
    return hidden
