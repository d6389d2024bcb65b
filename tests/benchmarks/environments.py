"""Transitions per second with index observations: native, SyncVectorEnv, and bare NumPy.

"Bare" is the arithmetic of the step from tables in memory, with actions and videos drawn
beforehand, into the same fresh output arrays; no check of actions, info, autoreset or dict. Resets
are not transitions. All three run in turns inside one run, and the median turn counts: these
machines are noisy, so only the ratios mean anything.
"""

import statistics
import time
from collections.abc import Callable

import gymnasium as gym
import numpy as np
from gymnasium.vector import SyncVectorEnv

import frame_select_env
from frame_select_env.consensus import on_grid

FRAMES, TURNS = 25, 7
DATA = "digits"


class Tables:
    """What the bare step needs of a split, in RAM."""

    def __init__(self) -> None:
        cache = frame_select_env.open_cache(DATA)
        rows = cache.rows("train")
        clips = cache.read(rows, FRAMES)
        self.predictions = on_grid(clips.predictions)
        self.valid = clips.valid
        self.length = clips.valid.sum(1)
        self.label = cache.labels[rows]
        self.p0 = self.predictions.sum(1) / self.length[:, None]
        self.before = self.p0.argmax(1) == self.label
        self.p0_true = self.p0[np.arange(len(rows)), self.label]


def _reward(
    tables: Tables, video: np.ndarray, kept_sum: np.ndarray, kept: np.ndarray
) -> np.ndarray:
    """sign_omega with omega = 10."""
    p1 = kept_sum / np.maximum(kept, 1)[:, None]
    label = tables.label[video]
    after = (p1.argmax(1) == label) & (kept > 0)
    before = tables.before[video]
    reward = np.sign(p1[np.arange(len(video)), label] - tables.p0_true[video])
    reward[kept == 0] = -1.0
    flipped = after != before
    reward[flipped] = np.where(after[flipped], 10.0, -10.0)
    return reward


def bare_one_shot(tables: Tables, envs: int) -> Callable[[int], int]:
    """A function that runs so many bare steps and returns the number of transitions."""
    rng = np.random.default_rng(0)
    actions = rng.integers(0, 2, (16, envs, FRAMES)).astype(bool)
    videos = rng.integers(0, len(tables.label), (16, envs))

    def run(steps: int) -> int:
        for step in range(steps):
            video = videos[step % 16]
            selected = actions[step % 16] & tables.valid[video]
            kept = selected.sum(1)
            weights = selected.astype(np.float64)[:, None, :]
            kept_sum = np.matmul(weights, tables.predictions[video])[:, 0]
            _reward(tables, video, kept_sum, kept)
            np.ones(envs, bool), np.zeros(envs, bool)
            video[:, None].astype(np.int32), np.zeros((envs, 1), np.int32)
            selected.astype(np.int8)
        return steps * envs

    return run


def bare_sequential(tables: Tables, envs: int) -> Callable[[int], int]:
    """The same for Sequential, where videos differ in length and episodes fall out of step."""
    rng = np.random.default_rng(0)
    actions = rng.integers(0, 2, (16, envs)).astype(bool)
    draws = rng.integers(0, len(tables.label), (1024, envs))
    index = np.arange(envs)
    video, cursor = draws[0].copy(), np.zeros(envs, np.int64)
    selected = np.zeros((envs, FRAMES), bool)
    kept, kept_sum = np.zeros(envs, np.int64), np.zeros((envs, tables.p0.shape[1]))
    drawn = np.zeros(envs, np.int64)

    def run(steps: int) -> int:
        for step in range(steps):
            keep = actions[step % 16]
            kept_sum[:] += tables.predictions[video, cursor] * keep[:, None]
            kept[:] += keep
            selected[index, cursor] = keep
            cursor[:] += 1
            over = cursor >= tables.length[video]
            reward = np.zeros(envs)
            ended = np.flatnonzero(over)
            if len(ended):
                reward[ended] = _reward(tables, video[ended], kept_sum[ended], kept[ended])
            np.zeros(envs, bool)
            video[:, None].astype(np.int32), cursor[:, None].astype(np.int32)
            selected.astype(np.int8)
            if len(ended):
                drawn[ended] = (drawn[ended] + 1) % 1024
                video[ended] = draws[drawn[ended], ended]
                cursor[ended] = 0
                selected[ended] = False
                kept[ended] = 0
                kept_sum[ended] = 0.0
        return steps * envs

    return run


def vector(env: gym.vector.VectorEnv) -> Callable[[int], int]:
    """A function that runs so many steps and returns the number of transitions, without resets."""
    env.reset(seed=0)
    env.action_space.seed(0)
    actions = [env.action_space.sample() for _ in range(16)]
    resetting = [0]

    def run(steps: int) -> int:
        transitions = 0
        for step in range(steps):
            _, _, ended, _, _ = env.step(actions[step % 16])
            transitions += env.num_envs - resetting[0]
            resetting[0] = int(ended.sum())  # NextStep: these slots reset in the next call
        return transitions

    return run


def rate(run: Callable[[int], int], seconds: float = 0.25) -> float:
    """Transitions per second, from a run of about `seconds`."""
    steps = 1
    while True:
        start = time.perf_counter()
        transitions = run(steps)
        spent = time.perf_counter() - start
        if spent > seconds / 2:
            return transitions / spent
        steps *= 2


def measure() -> list[dict[str, object]]:
    """A row per id and number of environments."""
    tables = Tables()
    rows = []
    for name, bare in (("OneShot", bare_one_shot), ("Sequential", bare_sequential)):
        keywords = {"data": DATA, "observation": "index", "num_frames": FRAMES}
        for envs in (256, 1024):
            native = gym.make_vec(f"FrameSelect/{name}-v0", num_envs=envs, **keywords)
            sync = SyncVectorEnv(
                [
                    lambda name=name, keywords=keywords: gym.make(
                        f"FrameSelect/{name}-v0", **keywords
                    )
                ]
                * envs
            )
            runs = {
                "native": vector(native),
                "bare": bare(tables, envs),
                "sync": vector(sync),
            }
            turns = [{kind: rate(run) for kind, run in runs.items()} for _ in range(TURNS)]
            rows.append(
                {
                    "id": name,
                    "envs": envs,
                    **{kind: statistics.median(turn[kind] for turn in turns) for kind in runs},
                    "of_bare": statistics.median(t["native"] / t["bare"] for t in turns),
                    "of_sync": statistics.median(t["native"] / t["sync"] for t in turns),
                }
            )
    return rows
