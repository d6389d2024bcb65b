"""Small caches that many tests share."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

from frame_select_env import write_cache
from frame_select_env.rewards import registry

# No test depends on the clock.
settings.register_profile("project", deadline=None)
settings.load_profile("project")

# Ray gives way to everything else, to the tests in the other process too, and starves.
os.environ.setdefault("RAY_worker_niceness", "0")

# Folders and files that take long.
LONG = {"docs", "examples", "torture", "test_readme.py", "extraction", "test_engine.py"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long begins early, so that at the end no process waits for the other."""
    items.sort(key=lambda item: LONG.isdisjoint(item.nodeid.partition("::")[0].split("/")))


def pytest_collection_finish() -> None:
    """What was imported stays to the end: the collector need not look at it again and again."""
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """On two cores a second torch thread costs more than it brings."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture
def own_rewards() -> Iterator[None]:
    """Rewards that a test registers are unknown to the tests after it."""
    before = dict(registry._designs)
    yield
    registry._designs.clear()
    registry._designs.update(before)


def planted_videos(
    videos: int = 60, classes: int = 4, size: int = 6, shortest: int = 3, longest: int = 14
) -> Iterator[dict[str, Any]]:
    """Videos in which a run of frames tells the label and the others mislead.

    Feature 0 is 1 on the telling frames, so that what is to be learnt is plain.
    """
    rng = np.random.default_rng(7)
    for row in range(videos):
        length = int(rng.integers(shortest, longest + 1))
        label = row % classes
        first = int(rng.integers(0, length - length // 3))
        key = np.zeros(length, bool)
        key[first : first + max(1, length // 3)] = True
        told = np.where(key, label, rng.integers(0, classes, length))
        predictions = rng.dirichlet(np.ones(classes), length) * 0.4
        predictions[np.arange(length), told] += 0.6
        features = rng.normal(size=(length, size)).astype(np.float16)
        features[:, 0] = key
        yield {
            "id": f"video {row}",
            "label": label,
            "split": ("train", "train", "val", "test")[row // classes % 4],
            "group": f"g{row % 5}",
            "features": features,
            "predictions": predictions.astype(np.float32),
            "importance": key.astype(np.float32),
            "time": np.arange(length) / 25,
        }


@pytest.fixture(scope="session")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of 60 planted videos of 3 to 14 frames, 4 classes, splits train, val and test."""
    path = tmp_path_factory.mktemp("planted") / "planted.h5"
    return write_cache(path, planted_videos(), classes=["a", "b", "c", "d"])


@pytest.fixture(scope="session")
def viewed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The planted videos with two streams, rgb and flow, of three views each.

    The streams err in different frames, and the views by different amounts.
    """
    rng = np.random.default_rng(5)

    def several(video: dict[str, Any], strength: float) -> tuple[np.ndarray, np.ndarray]:
        views = np.repeat(video["features"][:, None], 3, axis=1).astype(np.float32)
        views += rng.normal(scale=0.1, size=views.shape)
        noise = rng.dirichlet(np.ones(4), views.shape[:2]) * strength
        mixed = video["predictions"][:, None] * (1 - strength) + noise
        return views.astype(np.float16), mixed.astype(np.float32)

    def videos() -> Iterator[dict[str, Any]]:
        for video in planted_videos():
            made = {"rgb": several(video, 0.3), "flow": several(video, 0.6)}
            features = {name: one for name, (one, _) in made.items()}
            predictions = {name: one for name, (_, one) in made.items()}
            yield {**video, "features": features, "predictions": predictions}

    path = tmp_path_factory.mktemp("viewed") / "viewed.h5"
    axes = {"rgb": "view", "flow": "view"}
    return write_cache(path, videos(), classes=["a", "b", "c", "d"], axes=axes)


@pytest.fixture(scope="session")
def regression(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A regression cache of 24 videos, 2 targets, streams audio and video."""
    rng = np.random.default_rng(3)

    def videos() -> Iterator[dict[str, Any]]:
        for row in range(24):
            length = int(rng.integers(2, 9))
            label = rng.normal(size=2).astype(np.float32)
            yield {
                "id": f"r{row}",
                "label": label,
                "split": ("train", "val", "test")[row % 3],
                "features": {
                    "audio": rng.normal(size=(length, 3)).astype(np.float32),
                    "video": rng.normal(size=(length, 5)).astype(np.float32),
                },
                "predictions": {
                    name: (label + rng.normal(size=(length, 2))).astype(np.float32)
                    for name in ("audio", "video")
                },
            }

    path = tmp_path_factory.mktemp("regression") / "regression.h5"
    return write_cache(path, videos(), targets=["valence", "arousal"])


@pytest.fixture(scope="session")
def what_pages_need(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that the site's pages and the README take for granted, to be linked."""
    from snippets import prepare

    folder = tmp_path_factory.mktemp("pages")
    prepare(folder)
    return folder
