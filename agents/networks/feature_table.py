"""The features that index observations point to, kept on the learner's device."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from frame_select_env import Clips, FeatureCache, FrameSelectError
from frame_select_env.cache import View
from frame_select_env.cache.tables import entry_of, video_and_view
from frame_select_env.envs.draws import draw_views, observed_entries, reset_options


class FeatureTable:
    """T frames of each of n videos, looked up by their rows in the cache.

    Where an episode is about a view that is drawn (view="random"), each view of a video is looked
    up as an entry of its own (`entry_of`); else an entry is a row. Features keep the cache's dtype:
    float16 is converted after the look-up.

    Attributes:
        features: [n, T, D] in the cache's dtype.
        predictions: [n, T, C] float32.
        valid: [n, T] bool. length: [n] int64, the number of valid frames.
        p0: [n, C] float32, the mean prediction over all valid frames.
        views: The number of entries of a video.

    Args:
        clips: The frames.
        device: Where they are kept.
        entries: [n] int, how each clip is looked up; None: by the video's row.
        views: The number of entries of a video.
    """

    def __init__(
        self,
        clips: Clips,
        device: torch.device | str = "cpu",
        entries: np.ndarray | None = None,
        views: int = 1,
    ) -> None:
        entries = clips.video if entries is None else entries
        self.views = views
        index = np.full(entries.max() + 1, -1)
        index[entries] = np.arange(len(entries))
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
        view: View = None,
    ) -> "FeatureTable":
        """The table of the videos in `rows` [n] of a cache."""
        video, one = cache.clips_of(rows, stream, view)
        views = cache.views(stream) if view == "random" else 1
        entries = video if one is None or views == 1 else entry_of(video, one, views)
        return cls(cache.read(video, num_frames, fold, stream, one), device, entries, views)

    def entries(self, observation: Mapping[str, Any]) -> Any:
        """The entries [B] that index observations are about, as arrays or tensors like theirs."""
        return observed_entries(observation, self.views)[:, 0]

    def rows(self, entries: np.ndarray) -> np.ndarray:
        """The videos' rows in the cache, [B], of entries [B]."""
        return video_and_view(entries, self.views)[0]

    def options(self, entries: np.ndarray) -> dict[str, np.ndarray]:
        """The options of a reset that begins episodes about `entries` [B]."""
        return reset_options(entries, self.views)

    def draw(self, videos: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """An entry [B] of each of `videos` [B]: one view of each is drawn, if there are several."""
        return draw_views(videos, self.views, rng)

    def index(self, video: Tensor) -> Tensor:
        """The table index of each of the entries `video` [B], [B] int64."""
        video = video.long()
        if video.device.type == "cpu":  # on a GPU the check would have to wait for the device
            known = video < len(self._index)
            known &= self._index[video.clamp(max=len(self._index) - 1)] >= 0
            if not known.all():
                raise FrameSelectError(f"video {video[~known][0]} is not in the feature table")
        return self._index[video]

    def looked(self, video: Tensor, looked: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What is known of the entries `video` [B] after looking at the frames `looked` [B, T].

        An agent that pays for looks must read frames in no other way.

        Returns:
            The frames looked at in the order of time [B, k], k the largest number of them in a
            video, at least 1; their features [B, k, D] and predictions [B, k, C], zeros beyond the
            video's number.
        """
        index, count = self.index(video)[:, None], looked.sum(1)
        most = max(int(count.max()), 1) if len(count) else 1
        frame = (looked == 0).byte().argsort(dim=1, stable=True)[:, :most]
        none = (torch.arange(most, device=count.device) >= count[:, None])[..., None]
        features = self.features[index, frame].masked_fill(none, 0.0)
        return frame, features, self.predictions[index, frame].masked_fill(none, 0.0)

    def __call__(self, video: np.ndarray | Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Features [B, T, D], predictions [B, T, C] and valid [B, T] of entries [B]."""
        index = self.index(torch.as_tensor(video).to(self._index.device))
        return self.features[index], self.predictions[index], self.valid[index]
