"""What a head sees of a video: one row of numbers per frame, or per frame and view."""

import numpy as np


def head_input(features: np.ndarray, axis: str) -> np.ndarray:
    """A video's features as a head takes them: its last axis is one row.

    Args:
        features: [L, D], or with a middle axis [L, V, D] or [L, K, D].
        axis: "", "view" or "object".

    Returns:
        [L, D]; [L, V, D] for views, which are predicted one by one; [L, K * D] for objects, which
        make up a frame together.
    """
    return features.reshape(len(features), -1) if axis == "object" else features


def training_rows(length: int, views: int, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Which rows of a video of L frames and V views the head trains on.

    Row p of n = min(most, L * V) is view p mod V of frame floor((p + 1/2) L / n): the rows spread
    evenly over the frames and over the views. No two are the same, as rows of one view are at
    least V apart, and V rows cover V L / n >= 1 frames. One view gives the frames of
    `frame_select_env.cache.frame_index`; n = L * V gives everything.

    Args:
        length: L, at least 1.
        views: V; 1 where there is no such axis.
        most: Train on at most this many rows; 0: on all.

    Returns:
        frame [n] int64, view [n] int64.
    """
    count = min(most or length * views, length * views)
    row = np.arange(count, dtype=np.int64)
    return (2 * row + 1) * length // (2 * count), row % views
