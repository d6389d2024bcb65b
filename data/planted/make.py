"""Making planted videos one after another, in constant memory, and writing their cache."""

from collections.abc import Iterator
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track

from data.importing import check_out
from data.planted.predictions import plant_predictions
from data.planted.recipe import Recipe
from frame_select_env.cache import write_cache

# By turns, so that the first videos are the same whatever their number: 60, 20 and 20 %.
SPLITS = ("train", "test", "train", "val", "train")
CONTENT = 2.0  # how far a certain prediction moves the features, in standard deviations


def planted_videos(recipe: Recipe) -> Iterator[dict[str, Any]]:
    """The videos as `write_cache` takes them.

    Each has a generator of its own, spawned from the seed, so the first videos are the same
    whatever the number of videos. `importance` is 1 on the key frames.

    Yields:
        id, label, split, features [L, D] float16, predictions [L, C] float32, importance [L]
        float32.
    """
    shared = np.random.default_rng(np.random.SeedSequence(recipe.seed))
    directions = shared.normal(size=(recipe.classes, recipe.features - 1))
    directions /= np.maximum(np.linalg.norm(directions, axis=1, keepdims=True), 1e-9)
    for row in range(recipe.videos):
        # The row as spawn key: what the shared sequence would spawn as its child `row`.
        rng = np.random.default_rng(np.random.SeedSequence(recipe.seed, spawn_key=(row,)))
        label = int(rng.integers(recipe.classes))
        key = place_key_frames(recipe.frames, recipe.key_frames, recipe.runs, rng)
        # The noise comes before the predictions: it does not change with the difficulty.
        features = rng.normal(size=(recipe.frames, recipe.features))
        predictions = plant_predictions(key, label, recipe.classes, recipe.difficulty, rng)
        features[:, 0] += recipe.signal * key
        features[:, 1:] += CONTENT * predictions @ directions
        yield {
            "id": f"planted_{row:07d}",
            "label": label,
            "split": SPLITS[row % len(SPLITS)],
            "features": features.astype(np.float16),
            "predictions": predictions,
            "importance": key.astype(np.float32),
        }


def place_key_frames(frames: int, keys: int, runs: int, rng: np.random.Generator) -> np.ndarray:
    """Which frames are key frames, [frames] bool: `runs` contiguous runs, or 0: scattered."""
    key = np.zeros(frames, bool)
    if runs == 0:
        key[rng.choice(frames, keys, replace=False)] = True
        return key
    # Cut the key frames into runs, and put each into a gap of its own between the other frames.
    cuts = np.sort(rng.choice(np.arange(1, keys), runs - 1, replace=False))
    lengths = np.diff(np.concatenate([[0], cuts, [keys]]))
    gaps = np.sort(rng.choice(frames - keys + 1, runs, replace=False))
    starts = gaps + np.concatenate([[0], cuts])
    for start, length in zip(starts, lengths, strict=True):
        key[start : start + length] = True
    return key


def write_planted(path: Path, recipe: Recipe, console: Console | None = None) -> Path:
    """Write the cache of a recipe, holding one video in memory at a time.

    Args:
        path: The cache file to write.
        recipe: What the videos are to be like.
        console: Where progress is shown; None: nowhere.

    Returns:
        The path written.

    Raises:
        FrameSelectError: if the file cannot be written there.
    """
    check_out(path)
    videos = track(
        planted_videos(recipe),
        description="planting videos",
        total=recipe.videos,
        console=console,
        disable=console is None,
        transient=True,
    )
    provenance = {"source": "planted", **asdict(recipe), "version": version("frame-select-env")}
    classes = [f"c{number}" for number in range(recipe.classes)]
    return write_cache(path, videos, classes=classes, provenance=provenance)
