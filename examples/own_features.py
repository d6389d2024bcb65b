"""Your own features: from arrays to a cache, a trained agent and a table.

The backbone's outputs are random numbers here; replace `my_videos` by your own loop. The same from
the command line: frame-select import, train, evaluate.

Run it from a clone: python examples/own_features.py
"""

import dataclasses
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from agents.evaluation import evaluate
from agents.evaluation.tables import print_table
from agents.reinforce import DESIGN
from agents.training.task import make_task
from agents.training.trainer import train
from frame_select_env import open_cache, write_cache

CLASSES = ["calm", "joy", "anger"]


def my_videos() -> Iterator[dict[str, Any]]:
    """One dict a video: features [L, D], per-frame class probabilities [L, C], label, split."""
    rng = np.random.default_rng(0)
    for number in range(240):
        label = number % 3
        length = int(rng.integers(15, 40))
        first = int(rng.integers(0, length - 5))
        key = (np.arange(length) >= first) & (np.arange(length) < first + 5)
        features = rng.normal(size=(length, 16)).astype(np.float32)
        features[:, 0] += 2 * key
        shown = np.where(key, label, rng.integers(0, 3, length))
        probabilities = np.full((length, 3), 0.2, np.float32)
        probabilities[np.arange(length), shown] = 0.6
        yield {
            "id": f"clip-{number:03d}",
            "label": label,
            "split": ("train", "train", "val", "test")[number // 3 % 4],
            "features": features,
            "predictions": probabilities,
        }


def main() -> None:
    """Write the cache, train for a few seconds, compare."""
    torch.set_num_threads(1)  # networks this small are slower on several
    with tempfile.TemporaryDirectory() as folder:
        path = write_cache(Path(folder) / "mine.h5", my_videos(), classes=CLASSES)
        cache = open_cache(path)
        task = make_task(cache, path, target_frames=6, seed=0)
        config = dataclasses.replace(DESIGN.presets["tuned"], hidden_size=32, epochs=15)
        agent = train(DESIGN, cache, task, config).agent
        table = evaluate(
            cache,
            {"reinforce": [agent]},
            frames=(4, 6, 12),
            validation={"reinforce": [task.validation_rows]},
            resamples=200,
        )
        print_table(table)


if __name__ == "__main__":
    main()
