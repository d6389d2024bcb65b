"""What a head is trained on: some frames of every training video, and the videos' labels."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

# Rows that are summed at a time in float64: enough to keep NumPy busy, little memory.
SUM_BLOCK = 8192


@dataclass(frozen=True)
class TrainingVideos:
    """V videos with n frames between them, one after another.

    Attributes:
        frames: [n, D] float16 or float32, the features.
        lengths: [V] int, frames of each video, at least 1.
        labels: [V] int64, or [V, K] float for regression.
    """

    frames: np.ndarray
    lengths: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.lengths)

    @cached_property
    def starts(self) -> np.ndarray:
        """[V] int64, the first frame of each video."""
        return np.cumsum(self.lengths) - self.lengths

    @cached_property
    def owner(self) -> np.ndarray:
        """[n] int64, the video each frame belongs to."""
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
        # Around the first frame, so that a large common offset does not eat the digits.
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
