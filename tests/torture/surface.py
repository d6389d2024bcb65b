"""What torture knows of the project: its command lines, its public names, and inputs to damage."""

import contextlib
import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from frame_select_env import FeatureCache, write_cache

# Flags that may be renamed stand here and nowhere else.
TRAIN_M = "--target-frames"
COMPARE_M = "--target-frames"
EVALUATE_M = "--frames"

T = 6
AGENTS = {
    "reinforce": {"hidden_size": 8, "epochs": 5, "patience": 0},
    "ppo": {"hidden_size": 8, "epochs": 3, "patience": 0, "num_envs": 8, "rollout_episodes": 1,
            "repeats": 1, "batch_size": 32, "n_epochs": 1},
    "dqn": {"hidden_size": 8, "epochs": 3, "patience": 0, "num_envs": 8, "learning_starts": 32,
            "batch_size": 32, "sequence_length": 1, "buffer_size": 400, "train_freq": 64},
}  # fmt: skip


def import_features(source: Path, out: Path, *more: str) -> list[str]:
    """The command that imports features."""
    return ["data", "import", str(source), str(out), *more]


def extract(videos: Path, out: Path, *more: str) -> list[str]:
    """The command that extracts features of videos, by a tiny network with random weights."""
    how = ["--backbone", "resnet18@size=32", "--weights", "none", "--num-frames", "4"]
    return ["data", "extract", str(videos), str(out), *how, "--thumbnail", "8", *more]


def inspect(cache: Path) -> list[str]:
    """The command that checks every value of a cache."""
    return ["data", "inspect", str(cache), "--full"]


def train(cache: Path, out: Path, agent: str) -> list[str]:
    """The command that trains a tiny network for moments, with a checkpoint after every epoch."""
    hyper = [f"--{name.replace('_', '-')}={value}" for name, value in AGENTS[agent].items()]
    task = ["--num-frames", str(T), TRAIN_M, "2", "--checkpoint-seconds", "0"]
    return [
        "agents",
        "train",
        "--data",
        str(cache),
        "--out",
        str(out),
        "--agent",
        agent,
        *task,
        *hyper,
    ]


def evaluate(run: Path, cache: Path, out: Path) -> list[str]:
    """The command that scores a run."""
    files = [str(run), "--data", str(cache), "--out", str(out)]
    return ["agents", "evaluate", *files, EVALUATE_M, "1", "2", "--resamples", "20"]


def compare(cache: Path, out: Path, jobs: int) -> list[str]:
    """The command that trains two agents and writes a report."""
    agents = [
        f"{agent}@" + ",".join(f"{name}={value}" for name, value in AGENTS[agent].items())
        for agent in ("reinforce", "dqn")
    ]
    files = ["--data", str(cache), "--out", str(out), "--agents", *agents]
    task = ["--num-frames", str(T), COMPARE_M, "2", "--frames", "1", "2", "--seeds", "1"]
    how = ["--resamples", "20", "--jobs", str(jobs), "--checkpoint-seconds", "0"]
    return ["agents", "compare", *files, *task, *how]


def _videos(rng: np.random.Generator, count: int, views: int = 0) -> Iterator[dict[str, Any]]:
    for row in range(count):
        length = int(rng.integers(2, 7))
        shape = (length, views) if views else (length,)
        predictions = rng.dirichlet(np.ones(3), shape).astype(np.float32)
        video: dict[str, Any] = {
            "id": f"class{row % 3}/vidéo {row}",
            "label": row % 3,
            "split": ("train", "train", "val", "test", "")[row % 5],
            "features": rng.normal(size=(*shape, 4)).astype(np.float16),
            "predictions": predictions,
        }
        if not views:
            video |= {
                "group": f"group {row % 4}",
                "time": np.arange(length, dtype=np.float32),
                "importance": rng.random(length, np.float32),
                "thumbnail": rng.integers(0, 256, (length, 2, 2), np.uint8),
                "folds": {
                    "second": {"split": ("test", "train")[row % 2], "predictions": predictions}
                },
            }
        yield video


def _targets(rng: np.random.Generator, count: int) -> Iterator[dict[str, Any]]:
    for row in range(count):
        length = int(rng.integers(2, 7))
        yield {
            "id": f"r{row}",
            "label": rng.normal(size=2).astype(np.float32),
            "split": ("train", "val", "test")[row % 3],
            "features": {
                "audio": rng.normal(size=(length, 3)).astype(np.float32),
                "video": rng.normal(size=(length, 5)).astype(np.float32),
            },
            "predictions": {
                name: rng.normal(size=(length, 2)).astype(np.float32) for name in ("audio", "video")
            },
        }


def small_caches(folder: Path) -> list[Path]:
    """A classification with folds and everything optional, a regression of two streams, views."""
    rng, names = np.random.default_rng(0), ["anger", "joy", "fear"]
    made_from = {"source": "torture", "crossfit": "video", "seed": 0}
    return [
        write_cache(folder / "all.h5", _videos(rng, 12), classes=names, provenance=made_from),
        write_cache(folder / "two.h5", _targets(rng, 9), targets=["valence", "arousal"]),
        write_cache(
            folder / "views.h5", _videos(rng, 8, views=2), classes=names, axes={"main": "view"}
        ),
    ]


def training_cache(folder: Path, name: str = "videos.h5") -> Path:
    """Thirty videos to train on."""
    rng = np.random.default_rng(1)
    return write_cache(folder / name, _videos(rng, 30), classes=["anger", "joy", "fear"])


def features_npz(folder: Path, predictions: bool = True, name: str = "features.npz") -> Path:
    """An npz as `import` reads it."""
    rng = np.random.default_rng(2)
    lengths = rng.integers(2, 6, 20)
    frames, path = int(lengths.sum()), folder / name
    arrays: dict[str, Any] = {
        "features": rng.normal(size=(frames, 4)).astype(np.float32),
        "lengths": lengths,
        "labels": np.arange(20) % 2,
        "ids": np.array([f"v{row}" for row in range(20)]),
        "splits": np.array(["train", "train", "train", "val", "test"] * 4),
        "groups": np.array([f"g{row % 4}" for row in range(20)]),
        "importance": rng.random(frames),
        "time": np.arange(frames, dtype=np.float32),
    }
    if predictions:
        arrays["predictions"] = rng.dirichlet(np.ones(2), frames).astype(np.float32)
    np.savez(path, **arrays)
    return path


def features_folder(folder: Path) -> tuple[Path, Path]:
    """A folder of .npy files and the CSV of its splits."""
    rng, home, split_file = np.random.default_rng(3), folder / "npy", folder / "splits.csv"
    rows = []
    for row in range(12):
        file = home / ("cat", "dog")[row % 2] / f"{row:02d}.npy"
        file.parent.mkdir(parents=True, exist_ok=True)
        np.save(file, rng.normal(size=(int(rng.integers(2, 6)), 4)).astype(np.float32))
        split = ("train", "train", "test")[row // 2 % 3]
        rows.append((f"{file.parent.name}/{row:02d}", split, file.parent.name, f"g{row % 3}"))
    with split_file.open("w", newline="", encoding="utf-8") as out:
        csv.writer(out).writerows([("video", "split", "label", "group"), *rows])
    return home, split_file


def cache_facts(cache: FeatureCache) -> dict[str, Any]:
    """Everything an open cache tells: texts, tables, and every frame of every stream and fold."""
    facts: dict[str, Any] = {
        "task": cache.task,
        "classes": tuple(cache.classes),
        "provenance": repr(cache.provenance),
        "ids": cache.ids,
        "labels": cache.labels,
        "groups": np.array([]) if cache.groups is None else cache.groups,
        "start": cache.start,
        "streams": tuple(cache.streams),
        "folds": tuple(cache.folds),
        "frame datasets": tuple(cache.frame_datasets),
    }
    rows = range(len(cache))
    lengths = cache.lengths.tolist()

    def every(read: Any, *names: Any, **keywords: Any) -> np.ndarray:
        return np.concatenate(
            [np.asarray(read(*names, np.array([row]), lengths[row], **keywords)[0]) for row in rows]
        )

    for fold in cache.folds:
        facts[f"split of {fold}"] = cache.splits(fold)
        for stream in cache.streams:
            facts[f"predictions of {fold}, {stream}"] = every(
                cache.read_predictions, fold=fold, stream=stream
            )
    for stream in cache.streams:
        facts[f"features of {stream}"] = every(cache.read_features, stream=stream)
        for kind in ("features_extent", "predictions_extent"):
            with contextlib.suppress(AttributeError):
                extent = getattr(cache, kind)(stream)
                facts[f"bounds of {kind.split('_')[0]} of {stream}"] = (extent.min, extent.max)
    for name in cache.frame_datasets:
        facts[f"frames/{name}"] = every(cache.read_frames, name)
    return facts


def differing(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """The names of the facts that differ, to the bit."""
    found = sorted(set(before) ^ set(after))
    for name in sorted(set(before) & set(after)):
        one, other = before[name], after[name]
        if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
            same = one.shape == other.shape and one.dtype.kind == other.dtype.kind
            # A table may be stored in another width; of floats every bit counts.
            same = same and bool(
                (one == other).all() if one.dtype.kind != "f" else one.tobytes() == other.tobytes()
            )
        else:
            same = type(one) is type(other) and repr(one) == repr(other)
        if not same:
            found.append(name)
    return found
