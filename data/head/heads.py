"""Heads as they predict: linear, or with a hidden layer, for raw features."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.special import softmax


class Head(Protocol):
    """Predicts frames."""

    @property
    def arrays(self) -> tuple[np.ndarray, ...]:
        """What `write_cache` keeps of it: a weight and a bias per layer."""
        ...

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Predictions [..., C] float32 for features [..., D]."""
        ...


@dataclass(frozen=True)
class LinearHead:
    """A trained head for raw features: the standardisation is folded into it."""

    weight: np.ndarray  # [D, C] float32 (regression: [D, K])
    bias: np.ndarray  # [C] float32
    probabilities: bool  # whether to apply a softmax (classification)

    @property
    def arrays(self) -> tuple[np.ndarray, ...]:
        """Weight and bias."""
        return self.weight, self.bias

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Predictions [..., C] float32 for features [..., D]: probabilities, or values."""
        outputs = features.astype(np.float32, copy=False) @ self.weight + self.bias
        return softmax(outputs, axis=-1) if self.probabilities else outputs


@dataclass(frozen=True)
class HiddenLayerHead:
    """A linear head behind one layer of H rectified units, for raw features too."""

    weight: np.ndarray  # [D, H] float32
    bias: np.ndarray  # [H] float32
    last: LinearHead  # from the units

    @property
    def arrays(self) -> tuple[np.ndarray, ...]:
        """Weight and bias of the hidden layer, then of the last."""
        return self.weight, self.bias, *self.last.arrays

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Predictions [..., C] float32 for features [..., D]."""
        units = features.astype(np.float32, copy=False) @ self.weight + self.bias
        return self.last.predict(np.maximum(units, 0))


def head_from(arrays: Sequence[np.ndarray], probabilities: bool) -> Head:
    """The head of a cache's `arrays`, see `FeatureCache.head`."""
    last = LinearHead(arrays[-2], arrays[-1], probabilities)
    return last if len(arrays) == 2 else HiddenLayerHead(arrays[0], arrays[1], last)


def raw_layer(
    weight: np.ndarray, bias: np.ndarray, mean: np.ndarray, scale: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The layer that maps x to what `weight` and `bias` give for (x - mean) / scale, float32."""
    folded = weight / scale[:, None]
    return folded.astype(np.float32), (bias - mean @ folded).astype(np.float32)
