"""The rankings that need neither a label nor learning."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from frame_select_env.cache import Clips
from frame_select_env.consensus import entropy as entropy_of
from frame_select_env.errors import FrameSelectError
from frame_select_env.ranking import evenly_spaced_frames

WINDOW = 5  # frames
SMOOTHING = 0.5  # the exponent mu of MGSampler: below 1, it dampens large changes
Frames: TypeAlias = int | np.ndarray | None  # m >= 1, for all videos or one each, [B] int
BEFORE, AFTER = ((0, 0), (1, 0)), ((0, 0), (0, 1))  # pads [B, T - 1] to [B, T]


@dataclass(frozen=True)
class Formula:
    """A ranking by a score function."""

    name: str
    function: Callable[[Clips], np.ndarray]  # [B, T] float; its value at padding does not matter
    tasks: tuple[str, ...] = ("classification", "regression")  # with predictions that it can use

    def scores(self, clips: Clips) -> np.ndarray:
        """The formula's value, [B, T] float64, -inf at padding."""
        return np.where(clips.valid, self.function(clips), -np.inf)


def centre(clips: Clips) -> np.ndarray:
    """Minus the distance in frames from the middle of the L valid ones, (L - 1) / 2, [B, T]."""
    middle = (clips.valid.sum(axis=1, keepdims=True) - 1) / 2
    return -np.abs(np.arange(clips.valid.shape[1]) - middle)


def confidence(clips: Clips) -> np.ndarray:
    """The probability of each frame's most probable class, [B, T]."""
    return clips.predictions.max(axis=2).astype(np.float64)


def window_confidence(clips: Clips) -> np.ndarray:
    """Confidence averaged over the 5 frames centred on each, fewer at the clip's ends, [B, T]."""
    return smoothed(confidence(clips), clips.valid, WINDOW // 2)


def smoothed(value: np.ndarray, valid: np.ndarray, reach: int) -> np.ndarray:
    """The mean of `value` [B, T] over the valid frames at most `reach` away, [B, T] float64."""
    ends = ((0, 0), (reach, reach))
    value, counted = np.pad(np.where(valid, value, 0.0), ends), np.pad(valid.astype(np.int64), ends)
    # Added one by one: in a running sum, rounding would keep equal windows from tying.
    windows = [slice(first, first + valid.shape[1]) for first in range(2 * reach + 1)]
    total = sum(value[:, window] for window in windows)
    return total / np.maximum(sum(counted[:, window] for window in windows), 1)


def entropy(clips: Clips) -> np.ndarray:
    """Minus the entropy of each frame's prediction, in nats, [B, T]: most certain frames first."""
    return -entropy_of(clips.predictions)


def feature_norm(clips: Clips) -> np.ndarray:
    """||x_t||_2 of each frame's features, [B, T] float64."""
    return np.sqrt(np.square(clips.features.astype(np.float32)).sum(axis=2).astype(np.float64))


def feature_change(clips: Clips) -> np.ndarray:
    """||x_t - x_(t-1)||_2 for t = 1..T-1, [B, T - 1] float64; 0 where frame t is padding."""
    features = clips.features.astype(np.float32)
    step = np.square(features[:, 1:] - features[:, :-1]).sum(axis=2)
    return np.where(clips.valid[:, 1:], np.sqrt(step.astype(np.float64)), 0.0)


def motion(clips: Clips) -> np.ndarray:
    """The mean change of the features between a frame and its valid neighbours, or 0, [B, T]."""
    change, count = feature_change(clips), clips.valid[:, 1:].astype(np.int64)
    total = np.pad(change, BEFORE) + np.pad(change, AFTER)
    return total / np.maximum(np.pad(count, BEFORE) + np.pad(count, AFTER), 1)


class RandomFrames:
    """Scores uniform in [0, 1), which depend only on the seed and the video's row in the cache."""

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


class Diversity:
    """Farthest-point order: each next frame is the one farthest from all frames picked so far.

    The first is the frame nearest to the video's mean feature. Distances are Euclidean; ties go to
    the earlier frame. The largest distance of a frame to the first m frames is at most twice that
    to the best m (Gonzalez, "Clustering to Minimize the Maximum Intercluster Distance", Theoretical
    Computer Science 38, 1985).
    """

    name = "diversity"

    def scores(self, clips: Clips) -> np.ndarray:
        """T for the frame picked first, T - 1 for the second, and so on; -inf at padding."""
        from scipy.spatial.distance import cdist  # slow to import

        scores = np.full(clips.valid.shape, -np.inf)
        for video, valid in enumerate(clips.valid):
            points = clips.features[video, valid].astype(np.float64)
            # Differences instead of scalar products, so that equal points tie exactly.
            distance = cdist(points, points, "sqeuclidean")
            nearest = cdist(points.mean(axis=0, keepdims=True), points, "sqeuclidean")[0]
            order = [int(nearest.argmin())]
            apart = distance[order[0]].copy()
            for _ in range(1, len(points)):
                apart[order] = -1.0  # picked
                order.append(int(apart.argmax()))
                apart = np.minimum(apart, distance[order[-1]])
            scores[video, order] = len(valid) - np.arange(len(order))
        return scores


def required_frames(name: str, frames: Frames) -> int | np.ndarray:
    """`frames`, which the ranking called `name` needs."""
    if frames is None or np.min(frames) < 1:
        raise FrameSelectError(f"{name}: frames is {frames}; pass how many to keep, 1 or more")
    return frames


class Choice(ABC):
    """A ranking that depends on m: it chooses m frames, and those of fewer need not be among them.

    Hence `needs_frames`: the scores are 1 for the m frames and 0 for the others.
    """

    name: str
    needs_frames = True

    def scores(self, clips: Clips, frames: Frames = None) -> np.ndarray:
        """1.0 at the m selected frames, 0.0 at the others, -inf at padding, [B, T] float64."""
        selected = self.choose(clips, required_frames(self.name, frames))
        return np.where(clips.valid, selected.astype(np.float64), -np.inf)

    @abstractmethod
    def choose(self, clips: Clips, frames: int | np.ndarray) -> np.ndarray:
        """The m frames as a mask, [B, T] bool; all of a video with fewer."""


def relevances(clips: Clips, frames: int | np.ndarray) -> Iterator[tuple[int, np.ndarray, int]]:
    """Each video's number, the confidences of its L frames scaled to 0..1, and m, at most L.

    Equal confidences are all 0.
    """
    lengths = clips.valid.sum(axis=1)
    wanted = np.minimum(np.broadcast_to(frames, lengths.shape), lengths)
    scores = confidence(clips)
    for video, (length, count) in enumerate(zip(lengths, wanted, strict=True)):
        own = scores[video, :length]
        span = own.max() - own.min()
        yield video, (own - own.min()) / span if span > 0 else np.zeros(length), int(count)


class Uniform(Choice):
    """Evenly spaced frames: of L valid ones, floor((t + 1/2) L / m) for t = 0..m-1."""

    name = "uniform"

    def choose(self, clips: Clips, frames: int | np.ndarray) -> np.ndarray:
        """The evenly spaced frames."""
        return evenly_spaced_frames(clips.valid, frames)


class CumulativeMotion(Choice):
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

    def choose(self, clips: Clips, frames: int | np.ndarray) -> np.ndarray:
        """The frames nearest to the middles of the steps."""
        wanted = np.minimum(np.broadcast_to(frames, (len(clips),)), clips.valid.sum(axis=1))
        # The share of the video's motion before each frame, [B, T], rising from 0 to 1.
        change = feature_change(clips) ** SMOOTHING
        still = ~change.any(axis=1, keepdims=True)
        share = np.pad(np.where(still, clips.valid[:, 1:], change).cumsum(axis=1), BEFORE)
        share /= np.maximum(share[:, -1:], np.finfo(np.float64).tiny)
        selected = np.zeros(clips.valid.shape, bool)
        for step in range(int(wanted.max(initial=0))):
            active = np.flatnonzero(step < wanted)
            middle = (step + 0.5) / wanted[active, None]
            free = clips.valid[active] & ~selected[active]
            distance = np.where(free, np.abs(share[active] - middle), np.inf)
            # Rounded, so that ties go to the earlier frame.
            selected[active, np.round(distance, 12).argmin(axis=1)] = True
        return selected
