"""The observation modes: what an agent sees of its episode. None of them holds the label.

Features are observed as float32, which libraries expect, or with dtype="float16" as stored.

A mode is a class: its space for one episode, and a call that returns the arrays [B, ...] of all
episodes, which share no memory with the state, the cache or each other. A new mode is added to
MODES, and to `observations` of the settings of each decision process that offers it.
"""

from typing import TypeAlias

import numpy as np
from gymnasium import spaces

from frame_select_env.envs.episodes import Episodes
from frame_select_env.envs.flat import FlatLayout, FlatObservation
from frame_select_env.envs.half import float32_of
from frame_select_env.envs.settings import Settings
from frame_select_env.errors import FrameSelectError

Observations = dict[str, np.ndarray]
Observed: TypeAlias = Observations | np.ndarray  # as one box if it is flat


class IndexObservation:
    """Which video, where the cursor is and what is selected; the policy holds the features."""

    def __init__(self, episodes: Episodes) -> None:
        numbers = {"video": len(episodes.cache)}
        if episodes.settings.view is not None:
            numbers["view"] = episodes.cache.views(episodes.stream)
        boxes: dict[str, spaces.Space] = {
            name: spaces.Box(0, max(count - 1, 1), (1,), np.int32)
            for name, count in numbers.items()
        }
        if episodes.looked is not episodes.selected:
            boxes["looked"] = spaces.MultiBinary(episodes.settings.num_frames)
        self.space = spaces.Dict({**boxes, **_state_spaces(episodes)})

    def __call__(self, episodes: Episodes) -> Observations:
        """Row `video` and `view` [B, 1] int32, cursor [B, 1] int32, selected [B, T] int8.

        And looked [B, T] int8, where looking is not selecting.
        """
        video, view = episodes.table.split(episodes.entry)
        observations = {**_state(episodes), "video": video[:, None].astype(np.int32)}
        if view is not None:
            observations["view"] = view[:, None].astype(np.int32)
        if episodes.looked is not episodes.selected:
            observations["looked"] = episodes.looked.view(np.int8).copy()
        return observations


class VideoObservation:
    """The whole video: all frames' features and predictions, and for multi-step ids the state."""

    def __init__(self, episodes: Episodes) -> None:
        frames = episodes.settings.num_frames
        self.space = spaces.Dict(
            {
                "features": _features_box(episodes, frames),
                "predictions": _predictions_box(episodes, frames),
                "valid": spaces.MultiBinary(frames),
                **(_state_spaces(episodes) if episodes.multi_step else {}),
            }
        )

    def __call__(self, episodes: Episodes) -> Observations:
        """Arrays features [B, T, D], predictions [B, T, C], valid [B, T] and cursor, selected."""
        cache, settings, stream = episodes.cache, episodes.settings, episodes.stream
        video, view = episodes.table.split(episodes.entry)
        frames, fold = settings.num_frames, settings.fold
        values = {
            "features": _as_observed(cache.read_features(video, frames, stream, view), settings),
            "predictions": cache.read_predictions(video, frames, fold, stream, view),
            "valid": episodes.valid().astype(np.int8),
        }
        if episodes.multi_step:
            values |= _state(episodes)
        return {name: values[name] for name in self.space}


class FrameObservation:
    """The frame at the cursor, for small networks without a memory; zeros past the end.

    With a chunk of several frames it is the chunk's first frame.
    """

    def __init__(self, episodes: Episodes) -> None:
        self.space = spaces.Dict(
            {
                "feature": _features_box(episodes),
                **{name: _predictions_box(episodes) for name in ("prediction", "p0", "p1")},
                "progress": spaces.Box(0.0, 1.0, (1,), np.float32),
                "count": spaces.Box(0.0, 1.0, (1,), np.float32),
            }
        )

    def __call__(self, episodes: Episodes) -> Observations:
        """Arrays feature [B, D], prediction, p0, p1 [B, C], progress, count [B, 1]."""
        entry, cursor, table = episodes.entry, episodes.cursor, episodes.table
        (video, view), settings = table.split(entry), episodes.settings
        total = table.total[entry]
        index, frames = np.minimum(cursor, total - 1), settings.num_frames
        feature, prediction = episodes.cache.read_one(
            video, index, frames, settings.fold, episodes.stream, view
        )
        past = cursor >= total
        feature[past] = 0
        prediction[past] = 0
        values = {
            "feature": _as_observed(feature, settings),
            "prediction": prediction,
            "p0": table.p0[entry].astype(np.float32),
            "p1": episodes.answer(alpha=settings.alpha).astype(np.float32),
            "progress": np.minimum(cursor / total, 1.0).astype(np.float32)[:, None],
            "count": (episodes.kept / total).astype(np.float32)[:, None],
        }
        return {name: values[name] for name in self.space}


class LookedObservation:
    """The frames that were looked at: of the others only their number and their time are known.

    p1 is made of the selected frames alone, whatever `alpha` adds to it in the end: it would
    tell of frames that were not looked at.
    """

    def __init__(self, episodes: Episodes) -> None:
        frames = episodes.settings.num_frames
        preview = getattr(episodes.settings, "preview", None)
        self.preview = None if preview is None else episodes.cache.stream(preview)
        time = episodes.cache.time_extent()
        self.space = spaces.Dict(
            {
                "features": _features_box(episodes, frames),
                "predictions": _predictions_box(episodes, frames),
                "valid": spaces.MultiBinary(frames),
                "time": _box(*time, (frames,), np.float32),
                "p1": _predictions_box(episodes),
                **_state_spaces(episodes),
            }
        )
        if self.preview is not None:
            box = _features_box(episodes, frames, preview=self.preview)
            self.space = spaces.Dict({**self.space, "preview": box})

    def __call__(self, episodes: Episodes) -> Observations:
        """Arrays features [B, T, D], predictions [B, T, C], valid, time [B, T], p1 [B, C], state.

        The features and predictions of frames that were not looked at are zeros. With `preview`,
        preview [B, T, Dp], the features of that stream, of all frames.
        """
        cache, settings, stream = episodes.cache, episodes.settings, episodes.stream
        video, view = episodes.table.split(episodes.entry)
        frames, fold = settings.num_frames, settings.fold
        features = cache.read_features(video, frames, stream, view)
        predictions = cache.read_predictions(video, frames, fold, stream, view)
        hidden = ~episodes.looked
        features[hidden] = 0
        predictions[hidden] = 0
        values = {
            "features": _as_observed(features, settings),
            "predictions": predictions,
            "valid": episodes.valid().astype(np.int8),
            "time": cache.read_frames("time", video, frames),
            "p1": episodes.answer().astype(np.float32),
            **_state(episodes),
        }
        if self.preview is not None:
            preview = cache.read_features(video, frames, self.preview)
            values["preview"] = _as_observed(preview, settings)
        return {name: values[name] for name in self.space}


Observation: TypeAlias = VideoObservation | FrameObservation | IndexObservation | LookedObservation
MODES: dict[str, type[Observation]] = {
    "video": VideoObservation,
    "frame": FrameObservation,
    "index": IndexObservation,
    "looked": LookedObservation,
}


def make_observation(episodes: Episodes) -> Observation | FlatObservation:
    """The observation mode that the episodes' settings ask for."""
    observation = MODES[episodes.settings.mode](episodes)
    if episodes.settings.flat:
        return FlatObservation(observation.space, observation, episodes)
    return observation


def layout_of(observation: Observation | FlatObservation) -> FlatLayout:
    """The layout of a flat observation.

    Raises:
        FrameSelectError: if it is none.
    """
    if not isinstance(observation, FlatObservation):
        raise FrameSelectError("flat_layout(): only of observation='flat' and 'flat+mask'")
    return observation.layout


def take(observations: Observed, slot: int) -> Observed:
    """The observation of one slot."""
    if isinstance(observations, np.ndarray):
        return observations[slot]
    return {name: values[slot] for name, values in observations.items()}


def _box(low: float, high: float, shape: tuple[int, ...], dtype: type | np.dtype) -> spaces.Box:
    """A box that includes 0, the padding, and has low < high."""
    low, high = min(low, 0.0), max(high, 0.0)
    return spaces.Box(low, high if low < high else low + 1.0, shape, dtype)


def _features_box(episodes: Episodes, *leading: int, preview: str | None = None) -> spaces.Box:
    stream, view = (episodes.stream, episodes.settings.view) if not preview else (preview, None)
    extent, dtype = episodes.cache.features_extent(stream), episodes.settings.dtype
    if dtype == "float16" and extent.dtype != np.float16:
        raise FrameSelectError(
            f"dtype={dtype!r}: {episodes.cache.path} stores the features of stream {stream!r} as "
            f"{extent.dtype}; leave dtype out"
        )
    size = episodes.cache.feature_size(stream, view)
    return _box(extent.min, extent.max, (*leading, size), np.dtype(dtype))


def _as_observed(features: np.ndarray, settings: Settings) -> np.ndarray:
    """Features as read from the cache in the dtype that is observed; a flat box converts itself."""
    if settings.dtype == "float16" or settings.flat or features.dtype == np.float32:
        return features
    return float32_of(features)


def _predictions_box(episodes: Episodes, *leading: int) -> spaces.Box:
    shape = (*leading, len(episodes.cache.classes))
    if episodes.cache.task == "classification":
        return _box(0.0, 1.0, shape, np.float32)
    extent = episodes.cache.predictions_extent(episodes.stream, episodes.settings.fold)
    # An empty selection answers the mean label, which may lie outside of the predictions' range.
    labels = episodes.cache.labels
    low, high = min(extent.min, float(labels.min())), max(extent.max, float(labels.max()))
    if (judge := episodes.table.judge) is not None:
        low, high = min(low, judge.bounds[0]), max(high, judge.bounds[1])
    return _box(low, high, shape, np.float32)


def _state_spaces(episodes: Episodes) -> dict[str, spaces.Space]:
    frames = episodes.settings.num_frames
    cursor = spaces.Box(0, frames, (1,), np.int32)
    return {"cursor": cursor, "selected": spaces.MultiBinary(frames)}


def _state(episodes: Episodes) -> Observations:
    cursor = episodes.cursor[:, None].astype(np.int32)
    return {"cursor": cursor, "selected": episodes.selected.view(np.int8).copy()}
