"""The features that index observations point at, held by the learner on its own device."""

import numpy as np
import torch

from frame_select_env import FeatureCache


class FeatureTable:
    """T frames of every video in `rows`, looked up by the videos' rows in the cache.

    Args:
        cache: The cache.
        rows: [n] int, the videos to hold.
        num_frames: T.
        fold: Whose predictions to hold.
        stream: Which stream; None means the only one.
        device: Where to hold them.

    Attributes:
        features: [n, T, D] in the cache's dtype.
        predictions: [n, T, C] float32.
        valid: [n, T] bool.
    """

    def __init__(
        self,
        cache: FeatureCache,
        rows: np.ndarray,
        num_frames: int,
        fold: str = "default",
        stream: str | None = None,
        device: str = "cpu",
    ) -> None:
        place = np.full(len(cache), -1)
        place[rows] = np.arange(len(rows))
        clips = cache.read(rows, num_frames, fold, stream)
        self.features = torch.from_numpy(clips.features).to(device)
        self.predictions = torch.from_numpy(clips.predictions).to(device)
        self.valid = torch.from_numpy(clips.valid).to(device)
        self._place = torch.from_numpy(place).to(device)

    def __call__(self, video: np.ndarray) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Features [B, T, D], predictions [B, T, C] and valid [B, T] of the rows `video` [B]."""
        place = self._place[torch.from_numpy(np.asarray(video, np.int64)).to(self._place.device)]
        return self.features[place], self.predictions[place], self.valid[place]
