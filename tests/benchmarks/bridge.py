"""Steps per second of the bridge to Stable-Baselines3, as a ratio to DummyVecEnv."""

import time
from collections.abc import Callable

import gymnasium as gym
import numpy as np
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv

from agents.stable_baselines.vec_env import BatchVecEnv

TURNS, SECONDS, ENVS = 5, 0.15, 64


def rate(env: VecEnv) -> Callable[[], float]:
    """A function that steps for a while and returns transitions per second."""
    env.seed(0)
    env.reset()
    env.action_space.seed(0)
    actions = [np.array([env.action_space.sample() for _ in range(ENVS)]) for _ in range(8)]

    def run() -> float:
        steps, start = 0, time.perf_counter()
        while time.perf_counter() - start < SECONDS:
            env.step(actions[steps % 8])
            steps += 1
        return steps * ENVS / (time.perf_counter() - start)

    return run


def measure() -> list[dict[str, object]]:
    """A row per id, with index observations of the bundled digits."""
    rows = []
    for name in ("OneShot", "Sequential", "Pick"):
        full, keywords = f"FrameSelect/{name}-v0", {"data": "digits", "observation": "index"}
        runs = {
            "bridge": rate(BatchVecEnv(full, ENVS, **keywords)),
            "DummyVecEnv": rate(
                DummyVecEnv([lambda: Monitor(gym.make(full, **keywords))] * ENVS)  # noqa: B023
            ),
        }
        best = dict.fromkeys(runs, 0.0)
        for _ in range(TURNS):
            for kind, run in runs.items():
                best[kind] = max(best[kind], run())
        ratio = best["bridge"] / best["DummyVecEnv"]
        rows.append({"id": name, "envs": ENVS, **best, "bridge / DummyVecEnv": ratio})
    return rows
