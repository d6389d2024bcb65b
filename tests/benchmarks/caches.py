"""The caches that are timed: videos of one length, where episodes stay in step, and of many."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from frame_select_env import write_cache

FRAMES, CLASSES, VIDEOS = 25, 10, 600


def write_timed(folder: Path, name: str, lengths: tuple[int, int], size: int) -> str:
    """Write a cache of videos of `lengths` (from, to) frames, `size` features; returns its path."""
    rng = np.random.default_rng(0)

    def videos() -> Iterator[dict[str, Any]]:
        for row in range(VIDEOS):
            length = int(rng.integers(lengths[0], lengths[1] + 1))
            yield {
                "id": str(row),
                "label": row % CLASSES,
                "split": "train",
                "features": rng.normal(size=(length, size)).astype(np.float32),
                "predictions": rng.dirichlet(np.ones(CLASSES), length).astype(np.float32),
            }

    classes = [str(number) for number in range(CLASSES)]
    return str(write_cache(folder / f"{name}.h5", videos(), classes=classes))
