"""What all networks share: standardised inputs, a BiLSTM, and encodings that are computed once."""

import itertools
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from agents.networks.bilstm import run_lstm
from agents.networks.feature_table import FeatureTable

FRAMES = 2**12  # that are standardised at a time


class Standardised(nn.Module):
    """A network that standardises its inputs.

    Attributes:
        mean: [D], subtracted from the features. scale: [D], then multiplied with them.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, feature_size: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(feature_size))
        self.register_buffer("scale", torch.ones(feature_size))

    def normal(self, features: Tensor) -> Tensor:
        """Features [..., D] of any dtype, standardised, float32."""
        return (features - self.mean).mul_(self.scale)  # one copy: the difference is float32

    def standardise(self, features: Tensor, valid: Tensor) -> None:
        """Set mean and scale, 0 for constant features, from the valid frames of [n, T, D]."""
        self.mean, self.scale = mean_and_scale(features, valid)

    def standardise_parts(
        self, features: Tensor, valid: Tensor, parts: Iterable[tuple[int, int]]
    ) -> None:
        """The same for parts of the features, say streams, from their begin to their end.

        What counts as constant depends on the other features of the part.
        """
        for begin, end in parts:
            found = mean_and_scale(features[..., begin:end], valid)
            self.mean[begin:end], self.scale[begin:end] = found


def mean_and_scale(features: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and 1 / standard deviation, 0 for constant features, [D] each.

    They are those of the features [n, T, D] where `valid` [n, T] is True.
    """
    # A few frames at a time: as float64 they are four times as large as in the table.
    total = valid.sum().clamp(min=1)
    first = torch.zeros(features.shape[2], dtype=torch.float64, device=features.device)
    second = torch.zeros_like(first)
    frames = features.flatten(0, 1).split(FRAMES)
    for some, there in zip(frames, valid.flatten().split(FRAMES), strict=True):
        block = some.double() * there[:, None]
        first += block.sum(0)
        second += block.square().sum(0)
    mean = first / total
    deviation = (second / total - mean.square()).clamp(min=0).sqrt()
    varies = deviation > 1e-4 * deviation.max()
    return mean.float(), torch.where(varies, 1 / deviation.clamp(min=1e-12), 0.0).float()


class Network(Standardised, ABC):
    """From index observations to codes, and from codes to one number per action.

    Decisions of one episode are about the same video, as are many decisions of a batch, so each
    distinct video is encoded once per forward pass. Without gradients, while episodes are played,
    encodings are cached until the weights change.

    Attributes:
        code_size: Units of a code.
        lstm: The BiLSTM that encodes the video, if the network has one.
    """

    code_size: int
    lstm: nn.LSTM
    dropout: nn.Dropout
    _made_by: Any
    _encodings: Tensor
    _cached: Tensor

    def __init__(self, feature_size: int) -> None:
        super().__init__(feature_size)
        self.forget()

    @abstractmethod
    def codes(self, table: FeatureTable, video: Tensor, selected: Tensor, cursor: Tensor) -> Tensor:
        """The heads' inputs for a batch of index observations, [B, ...].

        The table has the videos' features and predictions; `video` [B] are rows in the cache,
        `selected` [B, T] is 1 where a frame is selected, `cursor` [B] is the frame to decide on.
        """

    @abstractmethod
    def act(self, codes: Tensor) -> Tensor:
        """Q-values or logits of the actions, [B, n], from codes."""

    def critic(self) -> nn.Module:
        """A new value head: [B, 1] from codes."""
        return nn.Linear(self.code_size, 1)

    def encode(self, features: Tensor, predictions: Tensor, valid: Tensor) -> Tensor:
        """Encodings [B, T, E] from features [B, T, D], predictions [B, T, C] and valid [B, T].

        They are meaningless at padding.
        """
        return run_lstm(self.lstm, self._inputs(features, predictions), valid)

    def _inputs(self, features: Tensor, predictions: Tensor) -> Tensor:
        inputs = self.normal(features)
        if predictions.shape[2]:
            inputs = torch.cat([inputs, predictions], dim=2)
        # In place: of long videos with large features, each copy takes hundreds of megabytes.
        return functional.dropout(inputs, self.dropout.p, self.training, inplace=True)

    def encodings(self, table: FeatureTable, index: Tensor) -> tuple[Tensor, Tensor]:
        """Encodings [k, T, E], and the row among them of each table index [B], [B]."""
        if torch.is_grad_enabled() or self.lstm.training:
            distinct, row = torch.unique(index, return_inverse=True)
            return self._encode_at(table, distinct), row
        # Optimisers and weight averages update in place, which increments a tensor's version.
        # Writing through `.data` does not, as DQN's target update does: it has to call `forget`.
        weights = itertools.chain(*self.lstm.all_weights)
        made_by = (table, [parameter._version for parameter in weights])
        if self._made_by != made_by:
            self._made_by = made_by
            self._cached = torch.zeros(len(table.valid), dtype=torch.bool, device=index.device)
        missing = torch.unique(index[~self._cached[index]])
        if len(missing):
            made = self._encode_at(table, missing)
            if not self._cached.any():
                shape = (len(table.valid), *made.shape[1:])
                if self._encodings.shape != shape or self._encodings.device != made.device:
                    self._encodings = torch.zeros(shape, device=made.device)
            self._encodings[missing] = made
            self._cached[missing] = True
        return self._encodings, index

    def _encode_at(self, table: FeatureTable, index: Tensor) -> Tensor:
        return self.encode(table.features[index], table.predictions[index], table.valid[index])

    def forget(self) -> None:
        """Drop the cached encodings.

        A resumed run starts without any. Which videos are encoded together changes the last bit of
        an encoding, so an uninterrupted run has to start its epochs without any, too.
        """
        self._made_by = None
        self._encodings, self._cached = torch.zeros(0), torch.zeros(0, dtype=torch.bool)


class StepNetwork(Network):
    """A network that makes one decision after another, given the frames selected so far.

    With `whole_video`, a BiLSTM encodes the whole video, `encoded` units a frame. Half of the
    `hidden_size` units of a layer are in each of its directions.
    """

    def __init__(
        self,
        feature_size: int,
        outputs: int,
        hidden_size: int,
        dropout: float,
        whole_video: bool = True,
    ) -> None:
        super().__init__(feature_size)
        self.code_size, self.encoded = hidden_size, 2 * (hidden_size // 2)
        self.dropout = nn.Dropout(dropout)
        if whole_video:
            size = feature_size + outputs
            self.lstm = nn.LSTM(size, hidden_size // 2, batch_first=True, bidirectional=True)

    def forward(
        self, table: FeatureTable, video: Tensor, selected: Tensor, cursor: Tensor
    ) -> Tensor:
        """Q-values or logits of the actions, [B, n]; the arguments are those of `codes`."""
        return self.act(self.codes(table, video, selected, cursor))
