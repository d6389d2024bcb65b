"""`uniform`: the m evenly spaced frames of every video."""

import numpy as np

from baselines.budget import required_frames
from frame_select_env.cache import Clips
from frame_select_env.ranking import evenly_spaced_frames


class Uniform:
    """Evenly spaced frames: of L valid ones, floor((t + 1/2) L / m) for t = 0..m-1.

    The choice depends on m and is not nested (the best frame of 2 is none of the best 4), hence
    `needs_frames`: the scores are 1 for the m frames and 0 for the others.
    """

    name = "uniform"
    needs_frames = True

    def scores(self, clips: Clips, frames: int | np.ndarray | None = None) -> np.ndarray:
        """1.0 at the chosen frames, 0.0 at the others, -inf at padding.

        Args:
            clips: B videos.
            frames: m, for all videos or one each, [B] int; at least 1.

        Returns:
            [B, T] float64.

        Raises:
            FrameSelectError: if `frames` is missing or below 1.
        """
        chosen = evenly_spaced_frames(clips.valid, required_frames(self.name, frames))
        return np.where(clips.valid, chosen.astype(np.float64), -np.inf)
