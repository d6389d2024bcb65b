"""The linear head: one matrix and one bias that turn a frame's feature into its prediction."""

from dataclasses import dataclass

import numpy as np
from scipy.special import softmax


@dataclass(frozen=True)
class LinearHead:
    """A trained head; the standardisation of the features is folded into it.

    Attributes:
        weight: [D, C] float32 (regression: [D, K]).
        bias: [C] float32.
        probabilities: Whether a softmax follows (classification).
    """

    weight: np.ndarray
    bias: np.ndarray
    probabilities: bool

    @classmethod
    def from_standardised(
        cls,
        weight: np.ndarray,
        bias: np.ndarray,
        mean: np.ndarray,
        scale: np.ndarray,
        probabilities: bool,
    ) -> "LinearHead":
        """The head that gives on raw features what weight and bias give on (x - mean) / scale."""
        folded = weight / scale[:, None]
        shifted = bias - mean @ folded
        return cls(folded.astype(np.float32), shifted.astype(np.float32), probabilities)

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Predictions [..., C] float32 of features [..., D]: probabilities, or values."""
        outputs = features.astype(np.float32, copy=False) @ self.weight + self.bias
        return softmax(outputs, axis=-1) if self.probabilities else outputs
