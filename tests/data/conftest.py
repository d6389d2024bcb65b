"""Small sources of features that the tests of data share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.__main__ import main

CLASSES = ["ant", "bee", "cat"]


def arrays(videos: int = 30, size: int = 4, seed: int = 5) -> dict[str, np.ndarray]:
    """The arrays of an npz of three classes, told by a third of the frames; 3 to 8 frames each."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(3, 9, videos)
    labels = np.arange(videos) % 3
    features = rng.normal(size=(lengths.sum(), size))
    importance = (np.arange(lengths.sum()) % 3 == 0).astype(np.float32)
    features[np.arange(len(features)), np.repeat(labels, lengths)] += 4 * importance
    return {
        "features": features.astype(np.float16),
        "lengths": lengths,
        "labels": labels,
        "ids": np.array([f"v{row:02d}" for row in range(videos)]),
        "splits": np.array(
            [("train", "train", "test", "val")[row // 3 % 4] for row in range(videos)]
        ),
        "groups": np.array([f"g{row % 4}" for row in range(videos)]),
        "classes": np.array(CLASSES),
        "importance": importance,
    }


Npz = Callable[..., Path]


@pytest.fixture
def npz(tmp_path: Path) -> Npz:
    """Writes FEATURES.npz out of `arrays()`, with arrays changed, added, or (None) left out."""

    def write(**changes: Any) -> Path:
        merged = {**arrays(), **{name.replace("__", "."): v for name, v in changes.items()}}
        path = tmp_path / "features.npz"
        np.savez(path, **{name: v for name, v in merged.items() if v is not None})
        return path

    return write


Tree = Callable[..., Path]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Writes a folder of class folders, `class/video.npy`, with random features [L, 4]."""

    def write(videos: dict[str, int], name: str = "folder", columns: int = 4) -> Path:
        rng = np.random.default_rng(1)
        folder = tmp_path / name
        for video, length in videos.items():
            file = folder / f"{video}.npy"
            file.parent.mkdir(parents=True, exist_ok=True)
            np.save(file, rng.normal(size=(length, columns)).astype(np.float32))
        return folder

    return write


Failure = Callable[..., str]


@pytest.fixture
def failure(capsys: pytest.CaptureFixture[str]) -> Failure:
    """Runs `python -m data ARGUMENTS`, which must exit with 2, and returns its one line."""

    def run(*arguments: str | Path) -> str:
        with pytest.raises(SystemExit) as exit_info:
            main([str(argument) for argument in arguments])
        assert exit_info.value.code == 2
        lines = capsys.readouterr().err.strip().splitlines()
        assert lines, "nothing was said"
        assert lines[-1].startswith(f"python -m data {arguments[0]}: ")
        assert "Traceback" not in "".join(lines)
        return lines[-1]

    return run
