"""Transitions per second: native, SyncVectorEnv, and bare NumPy.

Resets are not transitions: a call in which every slot resets is left out of the time, and slots
that reset beside others that move are left out of the count. All kinds run in turns inside one
run; each counts by its best turn, which is what the machine can do when nobody else is on it.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import gymnasium as gym
from gymnasium.vector import SyncVectorEnv
from rich.console import Console
from rich.progress import track

from tests.benchmarks.bare import BARE, Rate, Tables, timed
from tests.benchmarks.caches import FRAMES, write_timed

TURNS, SECONDS = 7, 0.15
CASES = [
    # id, observation, videos, numbers of environments
    ("OneShot", "index", "in step", (1, 256, 1024)),
    ("Sequential", "index", "in step", (1, 256, 1024)),
    ("Pick", "index", "in step", (1, 256, 1024)),
    ("Sequential", "index", "out of step", (256, 1024)),
    ("Pick", "index", "out of step", (256, 1024)),
    ("Sequential", "frame", "in step", (256, 1024)),
    ("OneShot", "video", "in step", (256,)),
    ("Sequential", "video", "in step", (256,)),
    ("Pick", "video", "in step", (256,)),
]


def vector_rate(env: gym.vector.VectorEnv) -> Rate:
    """A function that steps for so many seconds and returns transitions per second."""
    env.reset(seed=0)
    env.action_space.seed(0)
    actions = [env.action_space.sample() for _ in range(16)]
    state = {"resetting": 0, "step": 0}

    def rate(seconds: float) -> float:
        transitions, spent, calls = 0, 0.0, 0
        while spent < seconds or calls < 3:
            moving = env.num_envs - state["resetting"]
            start = time.perf_counter()
            _, _, ended, _, _ = env.step(actions[state["step"] % 16])
            if moving:  # NextStep: slots that ended reset in the next call
                spent += time.perf_counter() - start
                transitions += moving
                calls += 1
            state["resetting"], state["step"] = int(ended.sum()), state["step"] + 1
        return transitions / spent

    return rate


def bare_rate(run: Callable[[int], None], envs: int) -> Rate:
    """The same of a bare run."""

    def transitions(steps: int) -> int:
        run(steps)
        return steps * envs

    return timed(transitions)


def measure() -> list[dict[str, object]]:
    """A row per id, observation, kind of videos and number of environments."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        paths = {
            ("in step", "index"): write_timed(Path(folder), "equal", (25, 25), 16),
            ("out of step", "index"): write_timed(Path(folder), "ragged", (10, 40), 16),
            ("in step", "video"): write_timed(Path(folder), "wide", (25, 25), 512),
        }
        paths["in step", "frame"] = paths["in step", "video"]
        cases = [(*case[:3], envs) for case in CASES for envs in case[3]]
        for name, observation, videos, envs in track(
            cases, "environments", console=Console(stderr=True)
        ):
            path = paths[videos, observation]
            rows.append(_row(name, observation, videos, envs, path))
    return rows


def _row(name: str, observation: str, videos: str, envs: int, path: str) -> dict[str, object]:
    keywords = {"data": path, "observation": observation, "num_frames": FRAMES}
    full = f"FrameSelect/{name}-v0"
    native = gym.make_vec(full, num_envs=envs, **keywords)
    sync = SyncVectorEnv([lambda: gym.make(full, **keywords)] * envs)
    rates = {
        "native": vector_rate(native),
        "bare": bare_rate(BARE[name](Tables(path, observation), envs), envs),
        "sync": vector_rate(sync),
    }
    best = dict.fromkeys(rates, 0.0)
    for _ in range(TURNS):
        for kind, rate in rates.items():
            best[kind] = max(best[kind], rate(SECONDS))
    return {
        "id": name,
        "observation": observation,
        "videos": videos,
        "envs": envs,
        **best,
        "native / bare": best["native"] / best["bare"],
        "native / sync": best["native"] / best["sync"],
    }
