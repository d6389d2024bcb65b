"""Caches whose numbers are known by heart, that many tests play on, or that are odd."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from judges import write_random_judge

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


@pytest.fixture(scope="session")
def data(planted, viewed, tmp_path_factory):
    """The keywords with the cache that they are for, one of several views where they name one."""
    judge = write_random_judge(tmp_path_factory.mktemp("judge"), planted)

    def chosen(keywords: dict) -> dict:
        if keywords.get("aggregator") == "judge":
            keywords = {**keywords, "aggregator": judge}
        cache = {"data": str(viewed), "stream": "rgb"} if "view" in keywords else {}
        return {"data": str(planted), "num_frames": 9, **cache, **keywords}

    return chosen


@pytest.fixture
def odd_cache(tmp_path: Path) -> Callable[[tuple[int, ...], int], str]:
    """Writes two videos of 6 frames with thumbnails of a shape, and long, odd class names."""

    def write(shape: tuple[int, ...], classes: int) -> str:
        rng = np.random.default_rng(0)
        videos = [
            {
                "id": f"{'deep/' * 40}vidéo {row}",
                "label": 1 % classes,
                "split": "train",
                "features": np.ones((6, 2)),
                "predictions": rng.dirichlet(np.ones(classes), 6).astype(np.float32),
                "thumbnail": rng.integers(0, 256, (6, *shape), np.uint8),
            }
            for row in range(2)
        ]
        names = [f"{'Überraschung ' * 5}{number}" for number in range(classes)]
        return str(write_cache(tmp_path / "odd.h5", videos, classes=names))

    return write


@pytest.fixture
def partly_labelled(tmp_path: Path) -> str:
    """A cache of nine videos; the labels of rows 0, 3 and 6 are unknown."""
    videos = [
        {
            "id": f"v{row}",
            "label": row % 3 - 1,
            "split": "train",
            "features": np.ones((2, 1)),
            "predictions": [[0.5, 0.5]] * 2,
        }
        for row in range(9)
    ]
    return str(write_cache(tmp_path / "partly.h5", videos, classes=["a", "b"]))
