"""A frozen network with the preparation of its inputs, and how it runs on them."""

from dataclasses import dataclass

import torch

from data.backbones.backbone import Output, Runtime, Tapped, weights_digest
from data.backbones.crops import by_view, normalise


@dataclass(frozen=True)
class Loaded:
    """A frozen network for images or clips [B, ..., s, s], and their preparation."""

    network: Tapped
    size: int  # s, pixels
    side: int  # shorter side in pixels of the frame that the square is cut from
    mean: list[float]  # per channel
    deviation: list[float]
    classes: int  # C' if its classes are the user's own; otherwise 0

    @property
    def digest(self) -> str:
        """The digest of its weights."""
        return weights_digest(self.network.network)


def run_views(loaded: Loaded, runtime: Runtime, squares: torch.Tensor, channel: int) -> Output:
    """Run a network on squares [B, (V,) ..., s, s] in 0 to 1, channels on the axis `channel`."""
    images = normalise(squares, loaded.mean, loaded.deviation, channel)
    with runtime.autocast():
        return by_view(loaded.network, images, runtime.views)
