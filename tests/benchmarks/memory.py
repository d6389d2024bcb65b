"""Peak memory of DQN with a replay buffer of a million transitions of T = 25, D = 2048 features."""

import dataclasses
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.caches import write_timed
from tests.benchmarks.resident import peak_mib

EPISODES = 40_000  # of 25 decisions: the buffer is full


def measure() -> list[dict[str, object]]:
    """One row; a process of its own trains, and says how much it took at its peak."""
    with tempfile.TemporaryDirectory() as folder:
        path = write_timed(Path(folder), "wide", (25, 25), 2048)
        done = subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.memory", path],
            capture_output=True,
            text=True,
            check=True,
        )
        size = Path(path).stat().st_size / 2**20
    before, after, filled, buffer = map(float, done.stdout.split()[-4:])
    return [
        {
            "transitions": int(filled),
            "cache, MiB": size,
            "buffer, MiB": buffer,
            "imports, MiB": before,
            "peak, MiB": after,
            "above the cache, MiB": after - size,
        }
    ]


def train(path: str) -> None:
    """Fill the buffer and print peaks of resident memory: after the imports, and in the end."""
    import torch

    from agents.dqn import DESIGN
    from agents.stable_baselines.replay import ARRAYS
    from agents.training.task import make_task, seeded
    from agents.training.trainer import make_learner
    from frame_select_env import open_cache

    torch.set_num_threads(1)

    imported = peak_mib()
    cache = open_cache(path)
    task = make_task(cache, path, budget=EPISODES)
    changes = {"encoder": "frame", "buffer_size": 1_000_000, "gradient_steps": 1}
    tuned = DESIGN.presets["tuned"]
    config = dataclasses.replace(tuned, num_envs=256, batch_size=256, **changes)
    learner = make_learner(DESIGN, cache, task, config)
    with seeded(task):
        number = 0
        while learner.episodes < EPISODES:
            number += 1
            learner.epoch(number)
    buffer = learner.buffer
    size = sum(getattr(buffer, name).nbytes for name in ARRAYS)
    print(imported, peak_mib(), buffer.size() * buffer.n_envs, size / 2**20)


if __name__ == "__main__":
    train(sys.argv[1])
