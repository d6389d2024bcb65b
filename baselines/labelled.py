"""The videos of a split that can be fitted on or scored: those whose label is known."""

from collections.abc import Iterator

import numpy as np

from frame_select_env.cache import FeatureCache
from frame_select_env.errors import FrameSelectError

BATCH = 256  # videos


def labelled_rows(cache: FeatureCache, split: str, fold: str = "default") -> np.ndarray:
    """The rows of `split` whose label is known, [n] int64, in the file's order.

    Raises:
        FrameSelectError: for an unknown fold or split, or if no label in it is known.
    """
    rows = cache.rows(split, fold)
    if cache.labels.ndim == 1:
        rows = rows[cache.labels[rows] >= 0]
    if not len(rows):
        raise FrameSelectError(
            f"{cache.path}: fold {fold!r}: no label in split {split!r} is known; add labels"
        )
    return rows


def row_batches(rows: np.ndarray, size: int = BATCH) -> Iterator[np.ndarray]:
    """Rows, `size` at a time."""
    for first in range(0, len(rows), size):
        yield rows[first : first + size]
