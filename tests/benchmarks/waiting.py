"""Transitions per second by all that a user waits for, beside bare NumPy by the same measure.

Stricter than `environments`: calls in which slots reset count in the time and not as transitions.
The bare step draws its videos in blocks from a generator for each slot, reads float32 tables, sums
predictions only at an episode's end, and makes the observations, rewards and ends that a user
reads, also those of a reset. Peers are CartPole, whose step is a few formulas, on one core.
"""

import importlib.util
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from rich.console import Console
from rich.progress import track

from tests.benchmarks.bare import Rate, Tables, timed
from tests.benchmarks.caches import FRAMES, write_timed

TURNS, SECONDS, BLOCK = 15, 0.1, 256
CASES = [
    # id, videos, numbers of environments and the goals there, as shares of bare
    ("OneShot", "in step", {256: 0.6, 1024: 0.7}),
    ("Sequential", "in step", {256: 0.75, 1024: 0.8}),
    ("Sequential", "out of step", {256: 0.55, 1024: 0.6}),
]


class Bare:
    """Episodes of videos in RAM, with nothing around them."""

    def __init__(self, path: str, envs: int) -> None:
        self.tables = Tables(path, "index", np.float32)
        self.envs, self.slots = envs, np.arange(envs)
        self.generators = [np.random.default_rng(slot) for slot in range(envs)]
        self.block = np.zeros((envs, BLOCK), np.int64)
        self.next = np.full(envs, BLOCK)

    def draw(self, slots: np.ndarray) -> np.ndarray:
        """The next videos of the slots [k]."""
        index = self.next[slots]
        if index.max() == BLOCK:
            for slot in slots[index == BLOCK]:
                self.block[slot] = self.generators[slot].integers(0, len(self.tables.label), BLOCK)
            index = np.where(index == BLOCK, 0, index)
        self.next[slots] = index + 1
        return self.block[slots, index]

    def reward(self, video: np.ndarray, selected: np.ndarray) -> np.ndarray:
        """sign_omega with omega = 10, of selections [k, T]."""
        weights = selected.astype(np.float32)[:, None]
        kept_sum = np.matmul(weights, self.tables.predictions.take(video, axis=0))[:, 0]
        return self.tables.reward(video, kept_sum, selected.sum(1))

    def one_shot(self, actions: np.ndarray) -> Callable[[int], int]:
        """A function that takes so many steps; actions [A, B, T]."""
        cursor, nothing = np.zeros(self.envs, np.int64), np.zeros((self.envs, FRAMES), bool)

        def run(steps: int) -> int:
            for step in range(steps):
                video = self.draw(self.slots)
                self.tables.observe(video, cursor, nothing)
                selected = actions[step % len(actions)] & self.tables.valid[video]
                self.reward(video, selected)
                np.ones(self.envs, bool), np.zeros(self.envs, bool)
                self.tables.observe(video, cursor, selected)
            return steps * self.envs

        return run

    def sequential(self, actions: np.ndarray) -> Callable[[int], int]:
        """A function that takes so many steps; actions [A, B]."""
        cursor, selected = np.zeros(self.envs, np.int64), np.zeros((self.envs, FRAMES), bool)
        video = self.draw(self.slots)

        def run(steps: int) -> int:
            for step in range(steps):
                selected[self.slots, cursor] = actions[step % len(actions)]
                cursor[:] += 1
                over, reward = cursor >= self.tables.length[video], np.zeros(self.envs)
                np.zeros(self.envs, bool)
                self.tables.observe(video, cursor, selected)
                ended = over.nonzero()[0]
                if len(ended):
                    reward[ended] = self.reward(video[ended], selected[ended])
                    video[ended] = self.draw(ended)
                    cursor[ended], selected[ended] = 0, False
                    self.tables.observe(video, cursor, selected)
            return steps * self.envs

        return run


def bare_rate(path: str, name: str, envs: int) -> Rate:
    """The rate of the bare steps of OneShot or Sequential."""
    bare, rng = Bare(path, envs), np.random.default_rng(0)
    if name == "OneShot":
        run = bare.one_shot(rng.integers(0, 2, (16, envs, FRAMES)).astype(bool))
    else:
        run = bare.sequential(rng.integers(0, 2, (16, envs)).astype(bool))
    return timed(run)


def rate(env: gym.vector.VectorEnv) -> Rate:
    """The rate of a vector environment, with random actions drawn beforehand."""
    env.reset(seed=0)
    env.action_space.seed(0)
    actions = [env.action_space.sample() for _ in range(16)]
    return timed(_stepper(env.step, actions, env.num_envs))


def _stepper(
    step: Callable[[Any], tuple], actions: list[Any], envs: int
) -> Callable[[int], int]:  # fmt: skip
    state = {"step": 0, "resetting": 0}

    def run(steps: int) -> int:
        transitions = 0
        for _ in range(steps):
            transitions += envs - state["resetting"]
            _, _, ended, truncated, _ = step(actions[state["step"] % len(actions)])
            state["resetting"] = int(np.count_nonzero(ended | truncated))
            state["step"] += 1
        return transitions

    return run


def measure() -> list[dict[str, object]]:
    """A row per id, kind of videos and number of environments, with the goal beside the ratio."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        paths = {
            "in step": write_timed(Path(folder), "equal", (25, 25), 16),
            "out of step": write_timed(Path(folder), "ragged", (10, 40), 16),
        }
        cases = [(*case[:2], *goal) for case in CASES for goal in case[2].items()]
        for name, videos, envs, goal in track(cases, "waiting", console=Console(stderr=True)):
            path = paths[videos]
            keywords = {"data": path, "observation": "index", "num_frames": FRAMES}
            made = gym.make_vec(f"FrameSelect/{name}-v0", num_envs=envs, **keywords)
            turns = _turns({"native": rate(made), "bare": bare_rate(path, name, envs)})
            best = {kind: max(found) for kind, found in turns.items()}
            ratios = [one / two for one, two in zip(*turns.values(), strict=True)]
            rows.append(
                {
                    "id": name,
                    "videos": videos,
                    "envs": envs,
                    **best,
                    "best / best": best["native"] / best["bare"],
                    "median ratio": statistics.median(ratios),
                    "goal": goal,
                }
            )
    return rows


def measure_peers() -> list[dict[str, object]]:
    """A row per environment, by the same measure and in the same run."""
    envs, rows = 256, []
    cart = gym.make_vec("CartPole-v1", num_envs=envs, vectorization_mode="vector_entry_point")
    rates = {"Gymnasium, CartPole-v1": rate(cart)}
    if importlib.util.find_spec("envpool"):
        import envpool

        pool = envpool.make("CartPole-v1", env_type="gymnasium", num_envs=envs, num_threads=1)
        pool.reset()
        actions = list(np.random.default_rng(0).integers(0, 2, (16, envs)))
        rates["EnvPool, CartPole-v1"] = timed(_stepper(pool.step, actions, envs))
    for name in ("OneShot", "Sequential", "Pick"):
        made = gym.make_vec(
            f"FrameSelect/{name}-v0", num_envs=envs, data="digits", observation="index"
        )
        rates[f"FrameSelect/{name}-v0, digits"] = rate(made)
    for name, found in _turns(rates).items():
        rows.append(
            {
                "environment": name,
                "envs": envs,
                "best": max(found),
                "median": statistics.median(found),
            }
        )
    return rows


def _turns(rates: dict[str, Rate]) -> dict[str, list[float]]:
    """The rates of all, measured by turns."""
    found: dict[str, list[float]] = {name: [] for name in rates}
    for _ in range(TURNS):
        for name, one in rates.items():
            found[name].append(one(SECONDS))
    return found
