"""The network of attention-aware sampling: a BiLSTM that scores every frame of a video."""

from typing import Literal

import torch
from torch import nn

from agents.feature_table import FeatureTable
from agents.networks.encoding import Encodings
from agents.networks.network import Network, PooledCritic, run_lstm

State = Literal["feature", "feature+prediction"]


class FrameScorer(Network):
    """BiLSTM + fully connected layer: one logit of keeping per frame (AS, section "Agent").

    Args:
        feature_size: D.
        outputs: C.
        state: What the network sees of a frame: its feature, or feature and prediction.
        hidden: Units of the LSTM in each direction.
        layers: Number of LSTM layers.
        dropout: Dropout on the network's input and on the LSTM's output.
    """

    encodings: Encodings

    def __init__(
        self,
        feature_size: int,
        outputs: int,
        state: State = "feature+prediction",
        hidden: int = 256,
        layers: int = 1,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(feature_size)
        self.state, self.code_size = state, 2 * hidden
        size = feature_size + (outputs if state == "feature+prediction" else 0)
        self.dropout = nn.Dropout(dropout)
        self.lstm = nn.LSTM(size, hidden, layers, batch_first=True, bidirectional=True)
        self.head = nn.Linear(2 * hidden, 1)
        self.encodings = Encodings(self.lstm, self.hidden)
        with torch.no_grad():
            self.head.bias.zero_()  # every frame is kept with probability 1/2, or near it

    def hidden(
        self, features: torch.Tensor, predictions: torch.Tensor, valid: torch.Tensor
    ) -> torch.Tensor:
        """The LSTM's states [B, T, 2H], from features [B, T, D], predictions [B, T, C], valid.

        Padding changes nothing: the backward LSTM starts at a video's last valid frame.
        """
        inputs = self.normal(features)
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

    def codes(
        self,
        table: FeatureTable,
        video: torch.Tensor,
        selected: torch.Tensor,
        cursor: torch.Tensor,
    ) -> torch.Tensor:
        """What the head sees of the videos [B], [B, T, 2H + 1]; the last channel is validity.

        Args:
            table: Where features and predictions are looked up.
            video: [B] int, rows in the cache.
            selected: Not used: everything is decided at once.
            cursor: Not used.
        """
        place = table.place(video)
        codes, row = self.encodings(table, place)
        return torch.cat([codes[row], table.valid[place][..., None].float()], dim=2)

    def act(self, codes: torch.Tensor) -> torch.Tensor:
        """Logits of keeping [B, T] from codes; the constant 0 at padding.

        There its terms cancel out of a ratio of probabilities, and have no gradient.
        """
        return self.head(codes[..., :-1]).squeeze(2) * codes[..., -1]

    def critic(self) -> nn.Module:
        """A new value head: [B, 1] from codes."""
        return PooledCritic(self.code_size)
