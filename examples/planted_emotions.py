"""Planted emotions: does dfan attend to the object and to the frames that tell?

Two runs of four frames each show an action that names a class; one of them misleads. The runs are
marked by opposite signs. In each frame one of four objects, which is marked, says the sign of the
run to believe, and the other objects say anything. So who finds the object knows the run.

    python examples/planted_emotions.py [SEEDS] [HYPER-PARAMETER=VALUE,...]
"""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from agents.evaluation.rank_quality import average_precision
from agents.registry import parse_agent
from agents.training.task import make_task
from agents.training.trainer import train
from frame_select_env import open_cache, write_cache
from frame_select_env.key_frames import key_frames

FRAMES, OBJECTS, RUN = 10, 4, 4
STREAM, CLASSES = "objects+action", ("sad", "glad")
SMALL = "hidden_size=16,batch_size=16,learning_rate=0.02,dropout=0.0,keep=last,patience=0"


def emotions(videos: int = 240, seed: int = 0) -> Iterator[dict[str, Any]]:
    """Videos for `write_cache`; `importance` is 1 on the frames of the run to believe."""
    rng = np.random.default_rng(seed)
    for row in range(videos):
        label, sign = row % 2, rng.choice([-1.0, 1.0])
        run, other = np.zeros((2, FRAMES), bool)
        first, second = rng.permutation([0, 5])
        run[first : first + RUN], other[second : second + RUN] = True, True
        action = rng.normal(scale=0.3, size=(FRAMES, 3))
        action[:, 0] = np.where(run, sign, np.where(other, -sign, 0.0))
        action[:, 1] += np.where(run, 2 * label - 1, np.where(other, rng.choice([-1, 1]), 0))
        objects = rng.normal(scale=0.3, size=(FRAMES, OBJECTS, 3))
        objects[:, :, 0], objects[:, :, 1] = 0.0, rng.choice([-1.0, 1.0], (FRAMES, OBJECTS))
        objects[np.arange(FRAMES), rng.integers(0, OBJECTS, FRAMES), :2] = 1.0, sign
        even = np.full((FRAMES, 2), 0.5, np.float32)
        yield {
            "id": f"emotion {row}",
            "label": label,
            "split": ("train", "train", "train", "test")[row // 2 % 4],
            "features": {
                "objects": objects.astype(np.float32),
                "action": action.astype(np.float32),
            },
            "predictions": {"objects": even, "action": even},
            "importance": run.astype(np.float32),
        }


def measure(path: Path, agent: str, seed: int) -> dict[str, float]:
    """Train on the cache, and look at the test videos.

    The average precisions are of the attention over time at finding the run to believe, and of the
    attention to objects at finding the marked one of each frame. Chance is that of ten random
    rankings.
    """
    choice, cache = parse_agent(agent), open_cache(path)
    task = make_task(
        *(cache, path), stream=STREAM, num_frames=FRAMES, target_frames=RUN, seed=seed,
        holdout=choice.config.holdout,
    )  # fmt: skip
    ranking: Any = train(choice.design, cache, task, choice.config).agent
    rows = cache.rows("test")
    clips = cache.read(rows, FRAMES, "default", STREAM)
    key = key_frames(cache.read_frames("importance", rows, FRAMES), clips.valid)
    objects = clips.features[..., : OBJECTS * 3].reshape(-1, OBJECTS, 3)
    marked = objects[..., 0] == 1
    looks = ranking.object_attention(clips).reshape(-1, OBJECTS)
    rng, there = np.random.default_rng(seed), np.ones(marked.shape, bool)
    found = {"network": float((ranking.predict(clips).argmax(1) == cache.labels[rows]).mean())}
    for name, scores, truth, valid in (
        ("frames", ranking.scores(clips), key, clips.valid),
        ("objects", looks, marked, there),
    ):
        drawn = [average_precision(rng.random(truth.shape), truth, valid) for _ in range(10)]
        found[f"AP of {name}"] = float(average_precision(scores, truth, valid).mean())
        found[f"chance, {name}"] = float(np.mean(drawn))
    return found


if __name__ == "__main__":
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    agent = f"dfan@{SMALL},holdout=false,{sys.argv[2] if len(sys.argv) > 2 else 'epochs=5'}"
    with tempfile.TemporaryDirectory() as folder:
        cache = write_cache(
            Path(folder) / "emotions.h5", emotions(), classes=CLASSES, axes={"objects": "object"}
        )
        every = [measure(cache, agent, seed) for seed in range(seeds)]
    for name in every[0]:
        values = np.array([one[name] for one in every])
        print(f"{name:16} {values.mean():.3f} (from {values.min():.3f} to {values.max():.3f})")
