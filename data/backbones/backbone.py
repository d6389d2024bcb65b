"""Backbone: what every kind of frozen network looks like to extraction."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch


class Output(NamedTuple):
    """What a backbone says of B clips; the axis V of views is there only where views are asked for.

    Attributes:
        features: [B, (V,) D] float.
        logits: [B, (V,) C'] float, of the network's own classifier; None if it has none.
    """

    features: torch.Tensor
    logits: torch.Tensor | None


@dataclass(frozen=True)
class Backbone:
    """A frozen network over clips: n frames around each sampled time.

    Attributes:
        forward: [B, n, h, w, 3] uint8 RGB clips, on any device -> `Output`.
        side: Pixels of the frames' shorter side that `forward` is meant for; it scales others.
        frames: n.
        fps: Frames a second of a clip; 0: frames of the video that follow one another.
        classes: C', outputs of its own classifier; 0: none, or not one of the user's: published
            weights know their own classes.
    """

    forward: Callable[[torch.Tensor], Output]
    side: int
    frames: int = 1
    fps: float = 0.0
    classes: int = 0
