"""The network of sequential agents: keep or discard the frames at the cursor."""

from typing import Literal

import torch
from torch import nn

from agents.feature_table import FeatureTable
from agents.networks.network import StepNetwork

Encoder = Literal["frame", "video"]


class DecisionNetwork(StepNetwork):
    """Two numbers a decision, for discarding and for keeping: Q-values, or a policy's logits.

    The encoder "frame" sees the frames that the decision is about, averaged over the chunk;
    "video" sees the states of a BiLSTM over the whole video there. Both also see what the
    observation "frame" tells: p0, p1, and the shares of the frames that were seen and kept.

    Args:
        feature_size: D.
        outputs: C.
        encoder: What the network sees of the video.
        chunk: Contiguous frames one decision is about.
        hidden: Units of each layer; the BiLSTM has half of them in each direction.
        dropout: Dropout on the input and before the head.
    """

    def __init__(
        self,
        feature_size: int,
        outputs: int,
        encoder: Encoder = "video",
        chunk: int = 1,
        hidden: int = 128,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(feature_size, outputs, hidden, dropout, encoder == "video")
        self.chunk = chunk
        seen = feature_size if encoder == "frame" else self.encoded
        self.layers = nn.Sequential(
            nn.Linear(seen + 3 * outputs + 2, hidden),
            nn.ReLU(),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
        )
        self.head = nn.Linear(hidden, 2)

    def codes(
        self,
        table: FeatureTable,
        video: torch.Tensor,
        selected: torch.Tensor,
        cursor: torch.Tensor,
    ) -> torch.Tensor:
        """What the head sees, [B, hidden].

        Args:
            table: Where features and predictions are looked up.
            video: [B] int, rows in the cache.
            selected: [B, T], 1 where a frame has been kept.
            cursor: [B] int; past the end of the video nothing is seen.
        """
        place = table.place(video)
        frames = table.features.shape[1]
        at = cursor.long()[:, None] + torch.arange(self.chunk, device=place.device)
        # The last chunk may reach past the video's end; what is past it does not count.
        inside = (at < table.length[place][:, None]).float()
        weight = inside / inside.sum(1, keepdim=True).clamp(min=1)
        at = at.clamp(max=frames - 1)
        if self.encodings is None:
            seen = self.normal(table.features[place[:, None], at])
        else:
            codes, row = self.encodings(table, place)
            seen = codes[row[:, None], at]
        seen = _weighted(seen, weight)
        prediction = _weighted(table.predictions[place[:, None], at], weight)
        # Neither the frames past the cursor nor padding are ever selected.
        kept = selected.float()
        count = kept.sum(1, keepdim=True)
        p1 = _weighted(table.predictions[place], kept) / count.clamp(min=1)
        length = table.length[place][:, None]
        context = (cursor[:, None].float() / length, count / length)
        inputs = torch.cat([seen, prediction, table.p0[place], p1, *context], dim=1)
        return self.dropout(self.layers(self.dropout(inputs)))

    def act(self, codes: torch.Tensor) -> torch.Tensor:
        """The numbers for discarding and keeping, [B, 2], from codes."""
        return self.head(codes)

    def critic(self) -> nn.Module:
        """A new value head: [B, 1] from codes."""
        return nn.Linear(self.code_size, 1)


def _weighted(values: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """The sum of values [B, k, E] under weights [B, k]."""
    return torch.bmm(weight[:, None], values)[:, 0]
