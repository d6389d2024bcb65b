"""The features that index observations point at, held by the learner on its own device."""

import numpy as np
import torch

from frame_select_env import Clips, FeatureCache, FrameSelectError


class FeatureTable:
    """T frames of every video in `rows`, looked up by the videos' rows in the cache.

    The features stay in the cache's dtype: float16 is converted after the look-up.

    Args:
        clips: The videos to hold; their `video` says which rows they are.
        device: Where to hold them.

    Attributes:
        features: [n, T, D] in the cache's dtype.
        predictions: [n, T, C] float32.
        valid: [n, T] bool. length: [n] int64, the number of valid frames.
        p0: [n, C] float32, the mean prediction over all valid frames.
    """

    def __init__(self, clips: Clips, device: torch.device | str = "cpu") -> None:
        place = np.full(clips.video.max() + 1, -1)
        place[clips.video] = np.arange(len(clips.video))
        self.features = torch.from_numpy(clips.features).to(device)
        self.predictions = torch.from_numpy(clips.predictions).to(device)
        self.valid = torch.from_numpy(clips.valid).to(device)
        self.length = self.valid.sum(1)
        weight = self.valid / self.length[:, None]
        self.p0 = torch.bmm(weight[:, None], self.predictions)[:, 0]
        self._place = torch.from_numpy(place).to(device)

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

    def __len__(self) -> int:
        return len(self.features)

    def place(self, video: torch.Tensor) -> torch.Tensor:
        """Where in the table the rows `video` [B] of the cache are, [B] int64.

        Raises:
            FrameSelectError: for a video that the table does not hold (not checked on a GPU, which
                would have to wait).
        """
        video = video.long()
        if video.device.type == "cpu":
            known = video < len(self._place)
            known &= self._place[video.clamp(max=len(self._place) - 1)] >= 0
            if not known.all():
                raise FrameSelectError(f"video {video[~known][0]} is not in the feature table")
        return self._place[video]

    def __call__(
        self, video: np.ndarray | torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Features [B, T, D], predictions [B, T, C] and valid [B, T] of the rows `video` [B]."""
        place = self.place(torch.as_tensor(video).to(self._place.device))
        return self.features[place], self.predictions[place], self.valid[place]
