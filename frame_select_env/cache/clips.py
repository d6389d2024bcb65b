"""Clips: batches of videos as rankings get them, and how streams and views become one array."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from frame_select_env.cache.tables import View, frame_index


@dataclass(frozen=True)
class Clips:
    """A batch of B videos of T frames each, as every ranking gets it. It holds no label.

    Attributes:
        features: [B, T, D], the cache's own dtype (float16 or float32); zeros at padding. A middle
            view or object axis is flattened into D, unless the clips are of single views.
        predictions: [B, T, C] float32 probabilities (regression: values), averaged over views
            unless the clips are of single views; zeros at padding.
        valid: [B, T] bool, False at padding, which is always at the end.
        time: [B, T] float32, seconds into the video, or the frame number in caches without times;
            zeros at padding.
        video: [B] int64, the row of each video in the whole cache.
        view: [B] int64, the view of each; None if the clips are not of single views.
    """

    features: np.ndarray
    predictions: np.ndarray
    valid: np.ndarray
    time: np.ndarray
    video: np.ndarray
    view: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.video)


def clips_of_video(
    features: Mapping[str, np.ndarray],
    predictions: Mapping[str, np.ndarray],
    time: np.ndarray,
    num_frames: int,
    view: View = None,
) -> Clips:
    """One video as `FeatureCache.read` returns it: T of its L frames, streams side by side.

    Args:
        features: Stream -> [L, D], with a middle axis [L, V, D] or [L, O, D].
        predictions: Stream -> [L, C], or [L, V, C].
        time: [L] seconds.
        num_frames: T.
        view: One view of each frame; "random" makes a clip of each; None flattens their features
            and averages their predictions.

    Returns:
        Clips with B = 1, or B = V for "random"; `video` is 0.
    """
    frames, valid = (one[0] for one in frame_index(np.array([len(time)]), num_frames))
    count = next(iter(features.values())).shape[1] if view == "random" else 1
    views: list[int | None] = list(range(count)) if view == "random" else [view]

    def take(values: np.ndarray, one: int | None) -> np.ndarray:
        # Predictions may be of all views together.
        taken = values[frames] if one is None or values.ndim == 2 else values[frames, one]
        taken[~valid] = 0
        return taken[None]

    def several(one: int | None) -> tuple[np.ndarray, np.ndarray]:
        return (
            flat_features([take(values, one) for values in features.values()]),
            mean_predictions([take(values, one) for values in predictions.values()]),
        )

    made = [several(one) for one in views]
    return Clips(
        features=np.concatenate([one for one, _ in made]),
        predictions=np.concatenate([one for _, one in made]),
        valid=np.repeat(valid[None], count, axis=0),
        time=np.repeat(take(np.asarray(time, np.float32)[:, None], None)[..., 0], count, axis=0),
        video=np.zeros(count, np.int64),
        view=None if view is None else np.asarray(views, np.int64),
    )


def flat_features(streams: Sequence[np.ndarray]) -> np.ndarray:
    """Features [B, T, D] of streams [B, T, ...] side by side, their middle axes flattened."""
    flat = [values.reshape(*values.shape[:2], -1) for values in streams]
    return flat[0] if len(flat) == 1 else np.concatenate(flat, axis=2)


def mean_predictions(streams: Sequence[np.ndarray]) -> np.ndarray:
    """Predictions [B, T, C] of streams [B, T, C] or [B, T, V, C], averaged over views, then 1 : 1.

    They are float32.
    """
    means = [
        values.mean(axis=2, dtype=np.float32) if values.ndim == 4 else values for values in streams
    ]
    return means[0] if len(means) == 1 else np.asarray(np.mean(means, axis=0, dtype=np.float32))
