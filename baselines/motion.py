"""Rankings by how much the features change from frame to frame: `motion`, `cumulative-motion`."""

import numpy as np

from baselines.formulas import required_frames
from frame_select_env.cache import Clips

SMOOTHING = 0.5  # the exponent mu of MGSampler: below 1, it dampens large changes


def feature_change(clips: Clips) -> np.ndarray:
    """||x_t - x_(t-1)||_2 for t = 1..T-1, [B, T - 1] float64; 0 where frame t is padding."""
    features = clips.features.astype(np.float32)
    step = np.square(features[:, 1:] - features[:, :-1]).sum(axis=2)
    return np.where(clips.valid[:, 1:], np.sqrt(step.astype(np.float64)), 0.0)


def motion(clips: Clips) -> np.ndarray:
    """The mean change of the features between a frame and its two valid neighbours, [B, T].

    The first and last frames have one neighbour; a video's only frame has none and scores 0.
    """
    change = feature_change(clips)
    total = np.zeros(clips.valid.shape)
    total[:, 1:] += change
    total[:, :-1] += change
    count = np.zeros(clips.valid.shape, np.int64)
    count[:, 1:] += clips.valid[:, 1:]
    count[:, :-1] += clips.valid[:, 1:]
    return total / np.maximum(count, 1)


class CumulativeMotion:
    """The m frames at equal steps of the cumulative motion.

    The motion before frame t is the square root of the change of its features from frame t - 1. Its
    cumulative sum, divided by the total, rises from 0 at the first frame to 1 at the last. Each of
    the m steps has the middle (i + 1/2) / m and takes, in order, the frame with the nearest share
    (ties go to the earlier one). MGSampler may take a frame several times; here a frame already
    taken is skipped, so the m frames differ. Without any motion, the shares rise evenly.

    Zhi, Tong, Wang and Wu, "MGSampler: An Explainable Sampling Strategy for Video Action
    Recognition", ICCV 2021: the variant on features, with exponent 1/2, in test mode.
    """

    name = "cumulative-motion"
    needs_frames = True

    def scores(self, clips: Clips, frames: int | np.ndarray | None = None) -> np.ndarray:
        """1.0 at the m selected frames, 0.0 at the others, -inf at padding, [B, T] float64.

        Args:
            clips: B videos.
            frames: m, for all videos or one each, [B] int; at least 1.

        Raises:
            FrameSelectError: if `frames` is missing or below 1.
        """
        frames = required_frames(self.name, frames)
        wanted = np.minimum(np.broadcast_to(frames, (len(clips),)), clips.valid.sum(axis=1))
        share = cumulative_share(clips)
        selected = np.zeros(clips.valid.shape, bool)
        for step in range(int(wanted.max(initial=0))):
            active = np.flatnonzero(step < wanted)
            middle = (step + 0.5) / wanted[active, None]
            free = clips.valid[active] & ~selected[active]
            distance = np.where(free, np.abs(share[active] - middle), np.inf)
            # Rounded, so that ties go to the earlier frame.
            selected[active, np.round(distance, 12).argmin(axis=1)] = True
        return np.where(clips.valid, selected.astype(np.float64), -np.inf)


def cumulative_share(clips: Clips) -> np.ndarray:
    """The share of the video's motion before each frame, [B, T], rising from 0 to 1."""
    change = feature_change(clips) ** SMOOTHING
    still = ~change.any(axis=1, keepdims=True)
    change = np.where(still, clips.valid[:, 1:], change)
    share = np.zeros(clips.valid.shape)
    share[:, 1:] = change.cumsum(axis=1)
    return share / np.maximum(share[:, -1:], np.finfo(np.float64).tiny)
