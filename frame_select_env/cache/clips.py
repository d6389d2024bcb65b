"""Clips: a batch of videos, each as T frames; and which T frames those are."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Clips:
    """A batch of B videos of T frames each; what every ranking ranks. It holds no label.

    Attributes:
        features: [B, T, D], the cache's own dtype (float16 or float32); zeros at padding. A middle
            view or object axis is flattened into D.
        predictions: [B, T, C] float32 probabilities (regression: values), averaged over views;
            zeros at padding.
        valid: [B, T] bool, False at padding, which is always at the end.
        time: [B, T] float32, seconds into the video; the frame's number where the cache has no
            times; zeros at padding.
        video: [B] int64, the row of each video in the whole cache.
    """

    features: np.ndarray
    predictions: np.ndarray
    valid: np.ndarray
    time: np.ndarray
    video: np.ndarray

    def __len__(self) -> int:
        return len(self.video)


def frame_index(lengths: np.ndarray, num_frames: int) -> tuple[np.ndarray, np.ndarray]:
    """Which frames of videos of L frames become frames 0..T-1.

    From L >= T frames, frame t is floor((t + 1/2) L / T); a shorter video keeps all its frames and
    is padded at the end.

    Args:
        lengths: [B] int, the videos' numbers of frames L.
        num_frames: T.

    Returns:
        index [B, T] int64 within the video (0 at padding), and valid [B, T] bool.
    """
    length = np.asarray(lengths, np.int64)[:, None]
    t = np.arange(num_frames, dtype=np.int64)[None, :]
    spread = (2 * t + 1) * length // (2 * num_frames)
    valid = t < length
    return np.where(length >= num_frames, spread, np.where(valid, t, 0)), valid
