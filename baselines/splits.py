"""The videos of a split, in batches."""

from collections.abc import Iterator

import numpy as np

BATCH = 256  # videos


def row_batches(rows: np.ndarray) -> Iterator[np.ndarray]:
    """Rows, 256 at a time."""
    for first in range(0, len(rows), BATCH):
        yield rows[first : first + BATCH]
