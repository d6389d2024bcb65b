"""The linear head, and the frames it trains on."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import softmax

SUM_BLOCK = 8192  # rows summed at a time in float64, to bound memory


@dataclass(frozen=True)
class LinearHead:
    """A trained head for raw features: the standardisation is folded into it."""

    weight: np.ndarray  # [D, C] float32 (regression: [D, K])
    bias: np.ndarray  # [C] float32
    probabilities: bool  # whether to apply a softmax (classification)

    @classmethod
    def from_standardised(
        cls,
        weight: np.ndarray,
        bias: np.ndarray,
        mean: np.ndarray,
        scale: np.ndarray,
        probabilities: bool,
    ) -> "LinearHead":
        """The head that maps x to what `weight` and `bias` give for (x - mean) / scale."""
        folded = weight / scale[:, None]
        shifted = bias - mean @ folded
        return cls(folded.astype(np.float32), shifted.astype(np.float32), probabilities)

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Predictions [..., C] float32 for features [..., D]: probabilities, or values."""
        outputs = features.astype(np.float32, copy=False) @ self.weight + self.bias
        return softmax(outputs, axis=-1) if self.probabilities else outputs


@dataclass(frozen=True)
class TrainingVideos:
    """V videos with n frames in total, concatenated."""

    frames: np.ndarray  # [n, D] float16 or float32, the features
    lengths: np.ndarray  # [V] int, frames per video, at least 1
    labels: np.ndarray  # [V] int64, or [V, K] float for regression

    def __len__(self) -> int:
        return len(self.lengths)

    @cached_property
    def starts(self) -> np.ndarray:
        """[V] int64, the first frame of each video."""
        return np.cumsum(self.lengths) - self.lengths

    @cached_property
    def owner(self) -> np.ndarray:
        """[n] int64, the video of each frame."""
        return np.repeat(np.arange(len(self)), self.lengths)

    def part(self, chosen: np.ndarray) -> "TrainingVideos":
        """The videos for which `chosen` [V] bool is true."""
        return TrainingVideos(
            self.frames[chosen[self.owner]], self.lengths[chosen], self.labels[chosen]
        )

    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean [D] and standard deviation [D] over all frames, float64; 1 where it would be 0."""
        total = np.zeros(self.frames.shape[1])
        squares = np.zeros_like(total)
        # Relative to the first frame: a large common offset would cost precision.
        origin = self.frames[0].astype(np.float64)
        for first in range(0, len(self.frames), SUM_BLOCK):
            block = self.frames[first : first + SUM_BLOCK].astype(np.float64) - origin
            total += block.sum(axis=0)
            squares += (block**2).sum(axis=0)
        mean = total / len(self.frames)
        deviation = np.sqrt(np.maximum(squares / len(self.frames) - mean**2, 0))
        return mean + origin, np.where(deviation > 1e-6, deviation, 1.0)

    def video_means(self, values: np.ndarray) -> np.ndarray:
        """The mean over each video's frames, [V, ...] float64, of per-frame values [n, ...]."""
        sums = np.add.reduceat(values, self.starts, axis=0, dtype=np.float64)
        return sums / self.lengths.reshape(-1, *[1] * (values.ndim - 1))


def head_input(features: np.ndarray, axis: str) -> np.ndarray:
    """A video's features in the form a head takes.

    [L, D], and [L, V, D] with the axis "view" (predicted separately), are unchanged; [L, K, D] with
    "object" (predicted together) becomes [L, K * D].
    """
    return features.reshape(len(features), -1) if axis == "object" else features


def training_rows(length: int, views: int, most: int) -> tuple[np.ndarray, np.ndarray]:
    """The frames [n] and views [n] of a video with L frames and V views that the head trains on.

    Row p of n = min(most, L * V) is view p mod V of frame floor((p + 1/2) L / n): evenly spaced
    over frames and views. All rows differ, because rows of one view are at least V apart and V rows
    span V L / n >= 1 frames. With one view these are the frames of
    `frame_select_env.cache.frame_index`; with n = L * V, or most = 0, everything.
    """
    count = min(most or length * views, length * views)
    row = np.arange(count, dtype=np.int64)
    return (2 * row + 1) * length // (2 * count), row % views
