"""Simple rankings: `uniform`, `random`, `centre`, `confidence`, `window-confidence`, `entropy`."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from frame_select_env.cache import Clips
from frame_select_env.consensus import entropy as entropy_of
from frame_select_env.errors import FrameSelectError
from frame_select_env.ranking import evenly_spaced_frames

WINDOW = 5  # frames


def required_frames(name: str, frames: int | np.ndarray | None) -> int | np.ndarray:
    """`frames`, m for all videos or one each [B], of the ranking called `name`.

    Raises:
        FrameSelectError: if it is missing or below 1.
    """
    if frames is None or np.min(frames) < 1:
        raise FrameSelectError(f"{name}: frames is {frames}; pass how many to keep, 1 or more")
    return frames


class Uniform:
    """Evenly spaced frames: of L valid ones, floor((t + 1/2) L / m) for t = 0..m-1.

    The selection depends on m and is not nested (the best frame of 2 is not among the best 4),
    hence `needs_frames`: the scores are 1 for the m frames and 0 for the others.
    """

    name = "uniform"
    needs_frames = True

    def scores(self, clips: Clips, frames: int | np.ndarray | None = None) -> np.ndarray:
        """1.0 at the m selected frames, 0.0 at the others, -inf at padding, [B, T] float64.

        Args:
            clips: B videos.
            frames: m, for all videos or one each, [B] int; at least 1.

        Raises:
            FrameSelectError: if `frames` is missing or below 1.
        """
        selected = evenly_spaced_frames(clips.valid, required_frames(self.name, frames))
        return np.where(clips.valid, selected.astype(np.float64), -np.inf)


class RandomFrames:
    """Scores uniform in [0, 1), drawn for every video.

    They depend only on the seed and the video's row in the cache, so the batch a video comes in
    makes no difference.

    Args:
        seed: Random seed, at least 0.

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


@dataclass(frozen=True)
class Formula:
    """A ranking by a score function.

    Attributes:
        name: The ranking's name.
        function: Clips -> [B, T] float; its value at padding does not matter.
        tasks: The tasks with predictions that the formula can use.
    """

    name: str
    function: Callable[[Clips], np.ndarray]
    tasks: tuple[str, ...] = ("classification", "regression")

    def scores(self, clips: Clips) -> np.ndarray:
        """The formula's value, [B, T] float64, -inf at padding."""
        return np.where(clips.valid, self.function(clips), -np.inf)


def confidence(clips: Clips) -> np.ndarray:
    """The probability of each frame's most probable class, [B, T]."""
    return clips.predictions.max(axis=2).astype(np.float64)


def entropy(clips: Clips) -> np.ndarray:
    """Minus the entropy of each frame's prediction, in nats, [B, T]: most certain frames first."""
    return -entropy_of(clips.predictions)


def centre(clips: Clips) -> np.ndarray:
    """Minus the distance in frames from the middle of the L valid ones, (L - 1) / 2, [B, T]."""
    middle = (clips.valid.sum(axis=1, keepdims=True) - 1) / 2
    return -np.abs(np.arange(clips.valid.shape[1]) - middle)


def window_confidence(clips: Clips) -> np.ndarray:
    """Confidence averaged over the 5 frames centred on each, fewer at the clip's ends, [B, T].

    Neighbours are added one by one, in a fixed order: a running sum would carry the rounding of
    distant frames along, and frames with equal windows would no longer tie.
    """
    value = np.where(clips.valid, confidence(clips), 0.0)
    width = value.shape[1]
    total = np.zeros_like(value)
    count = np.zeros(value.shape, np.int64)
    for shift in range(-(WINDOW // 2), WINDOW // 2 + 1):
        here = slice(max(0, -shift), max(0, width - max(0, shift)))
        there = slice(max(0, shift), max(0, width + min(0, shift)))
        total[:, here] += value[:, there]
        count[:, here] += clips.valid[:, there]
    return total / np.maximum(count, 1)
