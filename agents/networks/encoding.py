"""Codes of frames that depend on the video alone, computed no more often than needed."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from agents.feature_table import FeatureTable

Encode = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]


class Encodings:
    """Codes [n, T, E] of the videos in a feature table.

    The decisions of one episode are about one video, and so are many in a batch: each distinct
    video is encoded once. Without gradients, while episodes are played, codes are kept until the
    weights change.

    Args:
        module: Whose parameters the codes depend on.
        encode: Features [k, T, D], predictions [k, T, C] and valid [k, T] to codes [k, T, E].
    """

    def __init__(self, module: nn.Module, encode: Encode) -> None:
        self.module, self.encode = module, encode
        self._made_by: Any = None
        self._codes = torch.zeros(0)
        self._known = torch.zeros(0, dtype=torch.bool)

    def __call__(
        self, table: FeatureTable, place: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Codes [k, T, E], and for each of the places [B] in the table its row among them, [B]."""
        if torch.is_grad_enabled() or self.module.training:
            distinct, row = torch.unique(place, return_inverse=True)
            return self._of(table, distinct), row
        # Optimisers and averages update in place, which counts a tensor's version up. Whoever
        # writes through `.data`, as the copy to DQN's target does, has to call `forget`.
        made_by = (table, [parameter._version for parameter in self.module.parameters()])
        if self._made_by != made_by:
            self._made_by = made_by
            self._known = torch.zeros(len(table), dtype=torch.bool, device=place.device)
        missing = torch.unique(place[~self._known[place]])
        if len(missing):
            made = self._of(table, missing)
            if not self._known.any():
                shape = (len(table), *made.shape[1:])
                if self._codes.shape != shape or self._codes.device != made.device:
                    self._codes = torch.zeros(shape, device=made.device)
            self._codes[missing] = made
            self._known[missing] = True
        return self._codes, place

    def forget(self) -> None:
        """Forget the codes that are kept."""
        self._made_by, self._codes = None, torch.zeros(0)

    def _of(self, table: FeatureTable, place: torch.Tensor) -> torch.Tensor:
        return self.encode(table.features[place], table.predictions[place], table.valid[place])
