"""`all-logits`: averaging log-probabilities over all frames, the plain rival of averaging p."""

import numpy as np

from frame_select_env.cache import Clips
from frame_select_env.consensus import clipped_log


class AllLogits:
    """The normalised geometric mean of the frames' probabilities, a product of experts.

    One near-zero frame vetoes a class, so this weighs certain frames more than the average of
    probabilities does. An agent that only learns to prefer certain frames has to beat this.
    """

    name = "all-logits"
    tasks = ("classification",)

    def predict(self, clips: Clips) -> np.ndarray:
        """The video-level probabilities, [B, C] float64."""
        logs = clipped_log(clips.predictions)
        logs = np.where(clips.valid[:, :, None], logs, 0.0).sum(axis=1)
        mean = logs / clips.valid.sum(axis=1)[:, None]
        powers = np.exp(mean - mean.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)
