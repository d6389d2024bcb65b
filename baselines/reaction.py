"""The reaction network: recurrence, a token that reads the frames, and its losses, in plain torch.

The network of the team HKUST-NISL in the Emotional Reaction Intensity challenge of the ABAW5
workshop (CVPR 2023). In each modality a GRU goes through the video, a transformer reads its states
into a learnt token, and the tokens of all modalities together give the answer.

Readings of what its description leaves open: every modality has a GRU, a token and a transformer
of its own; the token's first value is drawn from a standard normal distribution; dropout in the
transformer is on attention weights and on the output of every linear layer after the first GELU or
the attention; the two linear layers of the head have nothing but dropout between them.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

Loss: TypeAlias = Literal["mse", "l1", "pcc"]


class Reading(NamedTuple):
    """What the network made of B videos."""

    logits: Tensor  # [B, K], of the targets' places in their ranges, or of the classes
    attention: Tensor  # [B, T], of the tokens to each frame; 0 at padding


class Reaction(nn.Module):
    """GRU, token and transformer for each modality, and one head on all tokens.

    No layer needs the frames' positions: what order tells is in the states of the GRU. It is
    unidirectional, so that padding, which is at the end, changes no state of a frame.

    Args:
        sizes: Size D of a frame's feature in each modality.
        outputs: K, targets or classes.
        hidden_size: H, units of the GRU's layers, of the transformer and of the head.
        num_layers: Layers of each GRU.
        depth: Layers of each transformer.
        num_heads: Heads of its attention, of H / num_heads units each.
        dropout: Probability of dropping a unit in the transformers.
        head_dropout: Probability of dropping a unit between the two layers of the head.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        outputs: int,
        hidden_size: int = 256,
        *,
        num_layers: int = 2,
        depth: int = 4,
        num_heads: int = 4,
        dropout: float = 0.2,
        head_dropout: float = 0.3,
    ) -> None:
        super().__init__()
        self.readers = nn.ModuleList(
            Reader(size, hidden_size, num_layers, depth, num_heads, dropout) for size in sizes
        )
        self.head = nn.Sequential(
            nn.Linear(len(sizes) * hidden_size, hidden_size, bias=False),
            nn.Dropout(head_dropout),
            nn.Linear(hidden_size, outputs, bias=False),
        )

    def forward(self, modalities: Sequence[Tensor], valid: Tensor) -> Reading:
        """Read videos.

        Args:
            modalities: [B, T, D] of each modality.
            valid: [B, T] bool, False at padding, which is at the end.
        """
        read = [reader(one, valid) for reader, one in zip(self.readers, modalities, strict=True)]
        tokens, weights = zip(*read, strict=True)
        return Reading(self.head(torch.cat(tokens, dim=1)), torch.stack(weights).mean(0))


class Reader(nn.Module):
    """One modality: a GRU, and a transformer that reads its states into a learnt token."""

    def __init__(
        self, size: int, hidden_size: int, num_layers: int, depth: int, heads: int, dropout: float
    ) -> None:
        super().__init__()
        self.gru = nn.GRU(size, hidden_size, num_layers, batch_first=True)
        self.token = nn.Parameter(torch.randn(hidden_size))
        self.layers = nn.ModuleList(Layer(hidden_size, heads, dropout) for _ in range(depth))

    def forward(self, frames: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
        """The token [B, H] and its attention to the frames [B, T], from frames [B, T, D]."""
        token = self.token.expand(len(frames), 1, -1)
        states = torch.cat([token, self.gru(frames)[0]], dim=1)
        hidden = functional.pad(~valid, (1, 0))  # the token never is
        *layers, last = self.layers
        for layer in layers:
            states = layer(states, states, hidden)[0]
        # Of the last layer nothing but the token is used.
        token, weights = last(states[:, :1], states, hidden, weigh=True)
        return token[:, 0], weights[:, 0, 1:]


class Layer(nn.Module):
    """A pre-norm layer of a transformer: attention, then an MLP, each added to its input."""

    def __init__(self, size: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.before_attention, self.before_mlp = nn.LayerNorm(size), nn.LayerNorm(size)
        self.attention = nn.MultiheadAttention(size, heads, dropout, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.mlp = nn.Sequential(
            *(nn.Linear(size, size), nn.GELU(), nn.Dropout(dropout)),
            *(nn.Linear(size, size), nn.Dropout(dropout)),
        )

    def forward(
        self, some: Tensor, every: Tensor, hidden: Tensor, weigh: bool = False
    ) -> tuple[Tensor, Tensor]:
        """Let some states [B, S, H] attend to every one [B, N, H] that is not hidden [B, N].

        Returns the new states [B, S, H] and, if asked to `weigh`, the attention [B, S, N] averaged
        over heads.
        """
        keys = self.before_attention(every)
        queries = keys if some is every else self.before_attention(some)
        read, weights = self.attention(
            queries, keys, keys, key_padding_mask=hidden, need_weights=weigh
        )
        some = some + self.dropout(read)
        return some + self.mlp(self.before_mlp(some)), weights


def reaction_loss(predicted: Tensor, target: Tensor, kind: Loss = "mse") -> Tensor:
    """The loss of predictions [B, K] in [0, 1], averaged over targets.

    "mse" and "l1" are averaged over videos too; "pcc" is 1 - Pearson's correlation over the videos
    of the batch.
    """
    if kind == "pcc":
        return 1 - pearson(predicted, target).mean()
    distance = functional.mse_loss if kind == "mse" else functional.l1_loss
    return distance(predicted, target)


def pearson(first: Tensor, second: Tensor) -> Tensor:
    """Pearson's correlation over B videos of [B, K] and [B, K], [K]; 0 for a constant."""
    first, second = first - first.mean(0), second - second.mean(0)
    # A constant's root has no finite gradient: the bound is inside the root.
    scale = (first.square().sum(0) * second.square().sum(0)).clamp(min=1e-12).sqrt()
    return (first * second).sum(0) / scale
