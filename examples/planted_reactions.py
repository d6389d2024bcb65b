"""Planted reactions: does the token of the agent reaction look at the frames that tell?

Each video shows a face and has a voice. In a run of four frames the face says the first target and
the voice the second; the other frames say something else, and nothing but a mark tells them apart.

    python examples/planted_reactions.py [SEEDS] [HYPER-PARAMETER=VALUE,...]
"""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from agents.evaluation.intervals import correlation
from agents.evaluation.rank_quality import average_precision
from agents.registry import parse_agent
from agents.training.task import make_task
from agents.training.trainer import train
from frame_select_env import open_cache, top_frames, write_cache
from frame_select_env.consensus import consensus
from frame_select_env.key_frames import key_frames

SHORTEST, LONGEST, RUN = 12, 20, 4
STREAMS = ("face", "voice")
STREAM = "+".join(STREAMS)


def reactions(videos: int = 500, seed: int = 0) -> Iterator[dict[str, Any]]:
    """Videos for `write_cache`; `importance` is 1 on the frames that tell."""
    rng = np.random.default_rng(seed)
    for row in range(videos):
        length = int(rng.integers(SHORTEST, LONGEST + 1))
        label = rng.uniform(-1, 1, len(STREAMS))
        key = np.zeros(length, bool)
        first = int(rng.integers(0, length - RUN + 1))
        key[first : first + RUN] = True
        features, predictions = {}, {}
        for target, stream in enumerate(STREAMS):
            told = np.where(key, label[target], rng.uniform(-1, 1, length))
            seen = rng.normal(scale=0.3, size=(length, 4))
            seen[:, 0] = key + rng.normal(scale=0.2, size=length)  # the mark
            seen[:, 1] = told
            said = np.zeros((length, len(STREAMS)))
            said[:, target] = told
            features[stream] = seen.astype(np.float32)
            predictions[stream] = said.astype(np.float32)
        yield {
            "id": f"reaction {row}",
            "label": label.astype(np.float32),
            "split": ("train", "train", "train", "val", "test")[row % 5],
            "features": features,
            "predictions": predictions,
            "importance": key.astype(np.float32),
        }


def measure(path: Path, agent: str, seed: int) -> dict[str, float]:
    """Train on the cache, and look at the test videos.

    The average precision is of the token's attention at finding the frames that tell; chance is
    that of ten random rankings. The correlations are of all frames' mean prediction, of the four
    best frames', and of the network's own answer.
    """
    choice, cache = parse_agent(agent), open_cache(path)
    task = make_task(cache, path, stream=STREAM, num_frames=LONGEST, target_frames=RUN, seed=seed)
    ranking: Any = train(choice.design, cache, task, choice.config).agent
    rows = cache.rows("test")
    clips = cache.read(rows, LONGEST, "default", STREAM)
    key = key_frames(cache.read_frames("importance", rows, LONGEST), clips.valid)
    rng, label, scores = np.random.default_rng(seed), cache.labels[rows], ranking.scores(clips)
    drawn = [average_precision(rng.random(key.shape), key, clips.valid) for _ in range(10)]
    best = top_frames(scores, clips.valid, RUN)

    def pcc(predicted: np.ndarray) -> float:
        return correlation(predicted[None], label)

    return {
        "average precision": float(average_precision(scores, key, clips.valid).mean()),
        "chance": float(np.mean(drawn)),
        "PCC of all frames": pcc(consensus(clips.predictions, clips.valid, clips.valid)),
        "of the best 4": pcc(consensus(clips.predictions, best, clips.valid)),
        "of its own answer": pcc(ranking.predict(clips)),
    }


if __name__ == "__main__":
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    hyper = sys.argv[2] if len(sys.argv) > 2 else "epochs=5"
    with tempfile.TemporaryDirectory() as folder:
        path = write_cache(Path(folder) / "reactions.h5", reactions(), targets=["joy", "fear"])
        found = [measure(path, f"reaction@{hyper}", seed) for seed in range(seeds)]
    for name in found[0]:
        values = [one[name] for one in found]
        each = " ".join(f"{value:.3f}" for value in values)
        print(f"{name:18s} {np.mean(values):.3f}  ({each})")
