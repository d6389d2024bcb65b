"""`random`: frames drawn without looking at them."""

import numpy as np

from frame_select_env.cache import Clips
from frame_select_env.errors import FrameSelectError


class RandomFrames:
    """Scores uniform in [0, 1), drawn anew for every video.

    They depend on the seed and the video's row in the cache only, so neither the batch a video
    comes in nor its order matters.

    Args:
        seed: Of this draw, at least 0.

    Raises:
        FrameSelectError: for a negative seed.
    """

    name = "random"

    def __init__(self, seed: int = 0) -> None:
        if seed < 0:
            raise FrameSelectError(f"random: seed is {seed}; it must be at least 0")
        self.seed = seed

    def scores(self, clips: Clips) -> np.ndarray:
        """Random scores, [B, T] float64, -inf at padding."""
        frames = clips.valid.shape[1]
        drawn = [np.random.default_rng([self.seed, int(row)]).random(frames) for row in clips.video]
        return np.where(clips.valid, np.reshape(drawn, clips.valid.shape), -np.inf)
