"""CPU seconds of every agent, the part its networks need, and how time grows with the data.

*bare* is what an algorithm cannot do without: its networks' forward passes, the backward passes and
Adam. The rest is the environment, the bridge, the buffers, losses and figures.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from rich.console import Console
from rich.progress import track

from agents.dfan import DFANNetwork
from agents.networks.decision import DecisionNetwork
from agents.networks.frame_scorer import FrameScorer, MeanCritic
from agents.networks.frame_set import FrameSetNetwork, PooledCritic
from agents.reaction import ReactionNetwork
from agents.registry import AGENTS, agent_design
from agents.training.task import make_task
from agents.training.trainer import make_learner
from frame_select_env import open_cache, write_cache

EPISODES = 6400
NETWORKS = {
    FrameScorer: ("encode", "forward", "codes", "act"),
    DFANNetwork: ("forward",),
    ReactionNetwork: ("forward",),
    DecisionNetwork: ("encode", "codes", "act"),
    FrameSetNetwork: ("encode", "codes", "act"),
    MeanCritic: ("forward",),
    PooledCritic: ("forward",),
    torch.Tensor: ("backward",),
    torch.optim.Adam: ("step",),
    torch.optim.AdamW: ("step",),
}


def measure() -> list[dict[str, object]]:
    """A row per agent, on digits."""
    torch.set_num_threads(1)
    cache, rows = open_cache("digits"), []
    for name in track(AGENTS, "agents", console=Console(stderr=True)):
        design = agent_design(name)
        task = make_task(cache, "digits", budget=EPISODES)
        learner = make_learner(design, cache, task, design.presets["tuned"])
        epochs = 0
        with _timed_networks() as bare:
            start = time.process_time()
            while not learner.spent() and epochs < 20:  # supervised agents play none
                epochs += 1
                learner.epoch(epochs)
            spent = time.process_time() - start
        rows.append(
            {
                "agent": name,
                "episodes": learner.episodes,
                "updates": learner.updates,
                "CPU s": spent,
                "bare, CPU s": bare["seconds"],
                "ratio": spent / bare["seconds"],
            }
        )
    return rows


@contextmanager
def _timed_networks() -> Iterator[dict[str, float]]:
    """Add up the time within networks, backward passes and Adam; calls may be nested."""
    spent, depth = {"seconds": 0.0}, 0

    def timed(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **keywords: Any) -> Any:
            nonlocal depth
            depth += 1
            start = time.process_time()
            try:
                return function(*arguments, **keywords)
            finally:
                depth -= 1
                if not depth:
                    spent["seconds"] += time.process_time() - start

        return call

    kept = {(kind, name): getattr(kind, name) for kind, own in NETWORKS.items() for name in own}
    try:
        for (kind, name), function in kept.items():
            setattr(kind, name, timed(function))
        yield spent
    finally:
        for (kind, name), function in kept.items():
            setattr(kind, name, function)


SIZES = [
    # videos, frames, classes
    (600, 25, 10),
    (6000, 25, 10),
    (600, 300, 10),
    (600, 1000, 10),
    (600, 25, 400),
]


def measure_growth() -> list[dict[str, object]]:
    """A row per size of a corpus of random features of 24 numbers: a step and an update."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for videos, frames, classes in track(SIZES, "growth", console=Console(stderr=True)):
            path = str(_write(Path(folder) / "sized.h5", videos, frames, classes))
            keywords = {"data": path, "observation": "index", "num_frames": frames}
            steps = {}
            for name in ("OneShot", "Sequential"):
                env = gym.make_vec(f"FrameSelect/{name}-v0", num_envs=128, **keywords)
                env.reset(seed=0)
                actions = env.action_space.sample()
                steps[name] = _best(partial(env.step, actions), 2 * frames)
            cache, design = open_cache(path), agent_design("reinforce")
            task = make_task(cache, path, num_frames=frames)
            learner = make_learner(design, cache, task, design.presets["tuned"])
            update = _best(partial(learner.update, learner.rows[: learner.batch_size]), 3)
            rows.append(
                {
                    "videos": videos,
                    "frames": frames,
                    "classes": classes,
                    "OneShot, us a step of 128": steps["OneShot"],
                    "Sequential, us a step of 128": steps["Sequential"],
                    "reinforce, ms an update of 32": update / 1000,
                    "consensus table, MiB": learner.env.episodes.table.chunk_sum.nbytes / 2**20,
                }
            )
    return rows


def _best(call: Callable[[], object], times: int) -> float:
    """Microseconds of a call, averaged over so many, the best of five."""
    found = []
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(times):
            call()
        found.append((time.perf_counter() - start) / times * 1e6)
    return min(found)


def _write(path: Path, videos: int, frames: int, classes: int) -> Path:
    rng = np.random.default_rng(0)

    def every() -> Iterator[dict[str, Any]]:
        for row in range(videos):
            yield {
                "id": str(row),
                "label": row % classes,
                "split": "train",
                "features": rng.normal(size=(frames, 24)).astype(np.float16),
                "predictions": rng.dirichlet(np.ones(classes), frames).astype(np.float32),
            }

    return write_cache(path, every(), classes=[str(number) for number in range(classes)])
