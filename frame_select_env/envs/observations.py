"""The observation modes: what an agent sees of its episode. None of them holds the label."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from gymnasium import spaces

from frame_select_env.consensus import weighted_mean
from frame_select_env.dynamics import Episodes


class Observation(Protocol):
    """One mode: the space of a single episode, and the observations of all B episodes."""

    space: spaces.Dict

    def __call__(self, episodes: Episodes) -> dict[str, np.ndarray]:
        """Fresh arrays [B, ...], sharing no memory with the state, the cache or each other."""
        ...


def _box(low: float, high: float, shape: tuple[int, ...], dtype: type | np.dtype) -> spaces.Box:
    """A box that includes 0, the padding, and is not flat."""
    low, high = min(low, 0.0), max(high, 0.0)
    if low == high:
        high = low + 1.0
    return spaces.Box(low, high, shape, dtype)


def _features_box(episodes: Episodes, *leading: int) -> spaces.Box:
    extent = episodes.cache.features_extent(episodes.stream)
    size = episodes.cache.feature_size(episodes.stream)
    return _box(extent.min, extent.max, (*leading, size), extent.dtype)


def _predictions_box(episodes: Episodes, *leading: int) -> spaces.Box:
    outputs = len(episodes.cache.classes)
    if episodes.cache.task == "classification":
        return _box(0.0, 1.0, (*leading, outputs), np.float32)
    extent = episodes.cache.predictions_extent(episodes.stream, episodes.settings.fold)
    # An empty selection answers the mean label, which may lie outside of the predictions' range.
    labels = episodes.cache.labels
    low, high = min(extent.min, float(labels.min())), max(extent.max, float(labels.max()))
    return _box(low, high, (*leading, outputs), np.float32)


def _index_space(episodes: Episodes) -> dict[str, spaces.Space]:
    frames = episodes.settings.num_frames
    last = max(len(episodes.cache) - 1, 1)
    return {
        "video": spaces.Box(0, last, (1,), np.int32),
        "cursor": spaces.Box(0, frames, (1,), np.int32),
        "selected": spaces.MultiBinary(frames),
    }


class IndexObservation:
    """Which video, where the cursor is and what is selected; the policy holds the features."""

    def __init__(self, episodes: Episodes) -> None:
        self.space = spaces.Dict(_index_space(episodes))

    def __call__(self, episodes: Episodes) -> dict[str, np.ndarray]:
        """Row `video` [B, 1] int32, cursor [B, 1] int32, selected [B, T] int8."""
        return {
            "cursor": episodes.cursor[:, None].astype(np.int32),
            "selected": episodes.selected.astype(np.int8),
            "video": episodes.video[:, None].astype(np.int32),
        }


class VideoObservation:
    """The whole video: all frames' features and predictions, and for multi-step ids the state."""

    def __init__(self, episodes: Episodes, steps: bool) -> None:
        frames = episodes.settings.num_frames
        self.steps = steps
        content: dict[str, spaces.Space] = {
            "features": _features_box(episodes, frames),
            "predictions": _predictions_box(episodes, frames),
            "valid": spaces.MultiBinary(frames),
        }
        if steps:
            index = _index_space(episodes)
            content |= {"cursor": index["cursor"], "selected": index["selected"]}
        self.space = spaces.Dict(content)

    def __call__(self, episodes: Episodes) -> dict[str, np.ndarray]:
        """Arrays features [B, T, D], predictions [B, T, C], valid [B, T] and cursor, selected."""
        cache, settings, video = episodes.cache, episodes.settings, episodes.video
        frames = settings.num_frames
        content = {
            "features": cache.read_features(video, frames, episodes.stream),
            "predictions": cache.read_predictions(video, frames, settings.fold, episodes.stream),
            "valid": episodes.valid(video).astype(np.int8),
        }
        if self.steps:
            content["cursor"] = episodes.cursor[:, None].astype(np.int32)
            content["selected"] = episodes.selected.astype(np.int8)
        return {name: content[name] for name in self.space}


class FrameObservation:
    """The frame at the cursor, for small networks without a memory; zeros past the end.

    With a chunk of several frames it is the chunk's first frame.
    """

    def __init__(self, episodes: Episodes) -> None:
        self.space = spaces.Dict(
            {
                "feature": _features_box(episodes),
                "prediction": _predictions_box(episodes),
                "p0": _predictions_box(episodes),
                "p1": _predictions_box(episodes),
                "progress": spaces.Box(0.0, 1.0, (1,), np.float32),
                "count": spaces.Box(0.0, 1.0, (1,), np.float32),
            }
        )

    def __call__(self, episodes: Episodes) -> dict[str, np.ndarray]:
        """Arrays feature [B, D], prediction, p0, p1 [B, C], progress, count [B, 1]."""
        video, cursor, table = episodes.video, episodes.cursor, episodes.table
        total = table.total[video]
        feature, prediction = episodes.cache.read_one(
            video,
            np.minimum(cursor, total - 1),
            episodes.settings.num_frames,
            episodes.settings.fold,
            episodes.stream,
        )
        past = cursor >= total
        feature[past] = 0
        prediction[past] = 0
        p1 = weighted_mean(
            episodes.kept_sum,
            episodes.kept,
            table.total_sum[video],
            total,
            episodes.settings.alpha,
        )
        content = {
            "feature": feature,
            "prediction": prediction,
            "p0": table.p0[video].astype(np.float32),
            "p1": p1.astype(np.float32),
            "progress": np.minimum(cursor / total, 1.0).astype(np.float32)[:, None],
            "count": (episodes.kept / total).astype(np.float32)[:, None],
        }
        return {name: content[name] for name in self.space}


def make_observation(episodes: Episodes, steps: bool) -> Observation:
    """The observation mode that the episodes' settings ask for.

    Args:
        episodes: The episodes.
        steps: Whether an episode has several steps, so that the state is part of what is seen.
    """
    mode = episodes.settings.observation
    if mode == "index":
        return IndexObservation(episodes)
    if mode == "frame":
        return FrameObservation(episodes)
    return VideoObservation(episodes, steps)


def take(observations: Mapping[str, np.ndarray], slot: int) -> dict[str, np.ndarray]:
    """The observation of one slot."""
    return {name: values[slot] for name, values in observations.items()}
