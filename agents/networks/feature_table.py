"""The features that index observations point to, kept on the learner's device."""

import numpy as np
import torch
from torch import Tensor

from frame_select_env import Clips, FeatureCache, FrameSelectError


class FeatureTable:
    """T frames of each of n videos, looked up by their rows in the cache, `clips.video`.

    Features keep the cache's dtype: float16 is converted after the look-up.

    Attributes:
        features: [n, T, D] in the cache's dtype.
        predictions: [n, T, C] float32.
        valid: [n, T] bool. length: [n] int64, the number of valid frames.
        p0: [n, C] float32, the mean prediction over all valid frames.
    """

    def __init__(self, clips: Clips, device: torch.device | str = "cpu") -> None:
        index = np.full(clips.video.max() + 1, -1)
        index[clips.video] = np.arange(len(clips.video))
        self.features = torch.from_numpy(clips.features).to(device)
        self.predictions = torch.from_numpy(clips.predictions).to(device)
        self.valid = torch.from_numpy(clips.valid).to(device)
        self.length = self.valid.sum(1)
        weight = self.valid / self.length[:, None]
        self.p0 = torch.bmm(weight[:, None], self.predictions)[:, 0]
        self._index = torch.from_numpy(index).to(device)

    @classmethod
    def read(
        cls,
        cache: FeatureCache,
        rows: np.ndarray,
        num_frames: int,
        fold: str = "default",
        stream: str | None = None,
        device: str = "cpu",
    ) -> "FeatureTable":
        """The table of the videos in `rows` [n] of a cache."""
        return cls(cache.read(rows, num_frames, fold, stream), device)

    def index(self, video: Tensor) -> Tensor:
        """The table index of each of the cache rows `video` [B], [B] int64."""
        video = video.long()
        if video.device.type == "cpu":  # on a GPU the check would have to wait for the device
            known = video < len(self._index)
            known &= self._index[video.clamp(max=len(self._index) - 1)] >= 0
            if not known.all():
                raise FrameSelectError(f"video {video[~known][0]} is not in the feature table")
        return self._index[video]

    def __call__(self, video: np.ndarray | Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Features [B, T, D], predictions [B, T, C] and valid [B, T] of the cache rows [B]."""
        index = self.index(torch.as_tensor(video).to(self._index.device))
        return self.features[index], self.predictions[index], self.valid[index]
