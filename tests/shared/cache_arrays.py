"""Small caches: videos to write, and comparing caches by the arrays in them."""

from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np


def cache_arrays(path: Path) -> dict[str, np.ndarray]:
    """All arrays of a cache, by name."""
    found: dict[str, np.ndarray] = {}
    with h5py.File(path) as file:
        file.visititems(
            lambda name, item: found.update({name: item[()]} if hasattr(item, "dtype") else {})
        )
    return found


def assert_same_arrays(one: Path, other: Path) -> None:
    """Two caches hold the same arrays, to the bit."""
    a, b = cache_arrays(one), cache_arrays(other)
    assert list(a) == list(b)
    for name in a:
        np.testing.assert_array_equal(a[name], b[name], err_msg=name)


def video(name: str = "v", **changes: object) -> dict:
    """A video of three frames that `write_cache` takes, but for the changes."""
    content = {
        "id": name,
        "label": 1,
        "split": "train",
        "features": np.ones((3, 2), np.float32),
        "predictions": np.tile(np.float32([0.25, 0.75]), (3, 1)),
    }
    return {**content, **changes}


def one_frame_videos(labels, features, predictions, split: str = "train") -> Iterator[dict]:
    """Videos of one frame each, by their label, feature and prediction."""
    rows = zip(labels, features, predictions, strict=True)
    for row, (label, feature, prediction) in enumerate(rows):
        yield {
            "id": f"v{row}",
            "label": label,
            "split": split,
            "features": np.array([feature], np.float32),
            "predictions": np.array([prediction], np.float32),
        }
