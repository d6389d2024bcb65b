"""Steps per second of PPO and DQN end to end, with the bridge and with DummyVecEnv."""

import time
import warnings
from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv

from agents.networks.decision import DecisionNetwork
from agents.networks.feature_table import FeatureTable
from agents.stable_baselines.policies import IndexExtractor
from agents.stable_baselines.vec_env import BatchVecEnv
from frame_select_env import open_cache

NAME, ENVS, STEPS, TURNS = "FrameSelect/Sequential-v0", 64, 6400, 3


class Flat(gym.ObservationWrapper):
    """Index observations as the vector [2 + T] that the bridge's `flatten` gives."""

    def __init__(self, env: gym.Env) -> None:
        super().__init__(env)
        size = 2 + env.observation_space["selected"].n
        self.observation_space = gym.spaces.Box(0, 10**6, (size,), np.int32)

    def observation(self, observation: dict[str, np.ndarray]) -> np.ndarray:
        """The three parts in one."""
        parts = [observation[name] for name in ("video", "cursor", "selected")]
        return np.concatenate(parts, dtype=np.int32)


def learner(algorithm: type[Any], env: VecEnv, **more: Any) -> Callable[[], float]:
    """A function that learns for a while and returns transitions per second."""
    cache = open_cache("digits")
    keywords = {
        "table": FeatureTable.read(cache, np.arange(len(cache)), 25),
        "network": DecisionNetwork(cache.feature_size(), 10, "frame", hidden_size=64),
    }
    policy = {
        "features_extractor_class": IndexExtractor,
        "features_extractor_kwargs": keywords,
        "net_arch": [],
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = algorithm("MlpPolicy", env, policy_kwargs=policy, device="cpu", **more)

    def run() -> float:
        start = time.perf_counter()
        model.learn(STEPS)
        return STEPS / (time.perf_counter() - start)

    return run


def measure() -> list[dict[str, object]]:
    """A row per algorithm, the current-frame encoder of 64 units on index observations."""
    rows = []
    for algorithm, more in (
        (PPO, {"n_steps": 25, "batch_size": 1600, "n_epochs": 4}),
        (DQN, {"learning_starts": 640, "train_freq": 25, "gradient_steps": 4, "batch_size": 400}),
    ):
        keywords = {"data": "digits", "observation": "index"}
        bridge = BatchVecEnv(NAME, ENVS, flatten=True, **keywords)
        dummy = DummyVecEnv([lambda: Monitor(Flat(gym.make(NAME, **keywords)))] * ENVS)  # noqa: B023
        runs = {
            "bridge": learner(algorithm, bridge, **more),
            "DummyVecEnv": learner(algorithm, dummy, **more),
        }
        best = dict.fromkeys(runs, 0.0)
        for _ in range(TURNS):
            for kind, run in runs.items():
                best[kind] = max(best[kind], run())
        ratio = best["bridge"] / best["DummyVecEnv"]
        rows.append({"algorithm": algorithm.__name__, "envs": ENVS, **best, "ratio": ratio})
    return rows
