"""`inverse-transform`: frames at equal steps of the cumulative confidence."""

import numpy as np

from baselines.formulas import Choice, relevances
from frame_select_env.cache import Clips

POWER = 3.0  # which favours confident frames


class InverseTransform(Choice):
    """Inverse transform sampling of the confidence, at evenly spaced quantiles.

    The confidences of a video are scaled to 0..1, cubed and divided by their sum. Each of the m
    steps takes the frame at which the cumulative sum reaches (i + 1/2) / m. The authors may take a
    frame several times (and space the quantiles a little otherwise); here it is the nearest frame
    not taken, the earlier of two, so that the m frames differ. Of equally confident frames every
    one weighs the same.

    Liu, Zhao, Xu and Ghanem, "BOLT: Boost Large Vision-Language Model Without Training for
    Long-form Video Understanding", CVPR 2025, with the power of the authors' scripts.
    """

    name = "inverse-transform"
    tasks = ("classification",)

    def choose(self, clips: Clips, frames: int | np.ndarray) -> np.ndarray:
        """The frames at the middles of the steps."""
        selected = np.zeros(clips.valid.shape, bool)
        for video, relevance, count in relevances(clips, frames):
            weight = relevance**POWER if relevance.any() else np.ones_like(relevance)
            length = len(relevance)
            share = np.round(weight.cumsum() / weight.sum(), 12)
            for step in range(count):
                frame = np.searchsorted(share, np.round((step + 0.5) / count, 12))
                apart = np.abs(np.arange(length) - min(frame, length - 1))
                free = np.where(selected[video, :length], length, apart)
                selected[video, free.argmin()] = True
        return selected
