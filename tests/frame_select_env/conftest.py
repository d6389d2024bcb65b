"""Caches whose numbers are known by heart."""

import numpy as np
import pytest

from frame_select_env import write_cache


@pytest.fixture(scope="session")
def ten_frames(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Videos of ten and of seven frames, of which frame t says (1 - t / 16, t / 16)."""
    second = np.arange(10, dtype=np.float32) / 16
    predictions = np.stack([1 - second, second], axis=1)
    videos = [
        {
            "id": str(length),
            "label": 1,
            "split": "train",
            "features": predictions[:length],
            "predictions": predictions[:length],
        }
        for length in (10, 7)
    ]
    path = tmp_path_factory.mktemp("ten") / "ten.h5"
    return str(write_cache(path, videos, classes=["no", "yes"]))
