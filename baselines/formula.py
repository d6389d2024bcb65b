"""Rankings that are one formula over a clip: `confidence` and its kin, `entropy`, `centre`."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from frame_select_env.cache import Clips
from frame_select_env.consensus import entropy as entropy_of

WINDOW = 5  # frames


@dataclass(frozen=True)
class Formula:
    """A ranking made of a score function.

    Attributes:
        name: The ranking's name.
        function: Clips -> [B, T] float; what it gives at padding does not matter.
        tasks: The tasks whose predictions the formula can read.
    """

    name: str
    function: Callable[[Clips], np.ndarray]
    tasks: tuple[str, ...] = ("classification", "regression")

    def scores(self, clips: Clips) -> np.ndarray:
        """The formula's value, [B, T] float64, -inf at padding."""
        return np.where(clips.valid, self.function(clips), -np.inf)


def confidence(clips: Clips) -> np.ndarray:
    """The probability of each frame's most probable class, [B, T]."""
    return clips.predictions.max(axis=2).astype(np.float64)


def entropy(clips: Clips) -> np.ndarray:
    """Minus the entropy of each frame's prediction, in nats, [B, T]: the surest frames first."""
    return -entropy_of(clips.predictions)


def centre(clips: Clips) -> np.ndarray:
    """Minus the distance in frames from the middle of the L valid ones, (L - 1) / 2, [B, T]."""
    middle = (clips.valid.sum(axis=1, keepdims=True) - 1) / 2
    return -np.abs(np.arange(clips.valid.shape[1]) - middle)


def window_confidence(clips: Clips) -> np.ndarray:
    """Confidence averaged over the 5 frames centred on each, fewer at the clip's ends, [B, T].

    Neighbours are added one by one, in a fixed order: a running sum would carry the rounding of
    far frames along, and frames with equal windows would no longer tie.
    """
    value = np.where(clips.valid, confidence(clips), 0.0)
    width = value.shape[1]
    total = np.zeros_like(value)
    count = np.zeros(value.shape, np.int64)
    for shift in range(-(WINDOW // 2), WINDOW // 2 + 1):
        here = slice(max(0, -shift), max(0, width - max(0, shift)))
        there = slice(max(0, shift), max(0, width + min(0, shift)))
        total[:, here] += value[:, there]
        count[:, here] += clips.valid[:, there]
    return total / np.maximum(count, 1)
