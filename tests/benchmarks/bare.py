"""The bare steps: each decision process's arithmetic from tables in RAM, and nothing else.

Actions and videos are drawn beforehand; the same fresh output arrays are made as the environment
makes. No check of actions, info, autoreset or dict.
"""

import time
from collections.abc import Callable

import numpy as np

from frame_select_env import open_cache
from frame_select_env.consensus import on_grid
from tests.benchmarks.caches import FRAMES

Run = Callable[[int], None]
Rate = Callable[[float], float]  # runs for so many seconds, returns transitions per second


def timed(run: Callable[[int], int]) -> Rate:
    """The rate of a function that takes so many steps and returns their transitions."""

    def rate(seconds: float) -> float:
        steps = 1
        while True:
            start = time.perf_counter()
            transitions = run(steps)
            spent = time.perf_counter() - start
            if spent > seconds:
                return transitions / spent
            steps *= 2

    return rate


class Tables:
    """What the bare step needs of a cache, in RAM."""

    def __init__(self, path: str, observation: str, dtype: type = np.float64) -> None:
        cache = open_cache(path)
        rows = cache.rows("train")
        clips = cache.read(rows, FRAMES)
        self.observation = observation
        self.features, self.seen = clips.features, clips.predictions
        self.predictions = on_grid(clips.predictions).astype(dtype, copy=False)
        self.flat = self.predictions.reshape(-1, self.predictions.shape[2])
        self.valid = clips.valid
        self.length = clips.valid.sum(1)
        self.label = cache.labels[rows]
        self.p0 = self.predictions.sum(1) / self.length[:, None].astype(dtype)
        self.before = self.p0.argmax(1) == self.label
        self.p0_true = self.p0[np.arange(len(rows)), self.label]

    def reward(self, video: np.ndarray, kept_sum: np.ndarray, kept: np.ndarray) -> np.ndarray:
        """sign_omega with omega = 10."""
        p1 = kept_sum / np.maximum(kept, 1)[:, None]
        label = self.label[video]
        after = (p1.argmax(1) == label) & (kept > 0)
        reward = np.sign(p1[np.arange(len(video)), label] - self.p0_true[video])
        reward[kept == 0] = -1.0
        flipped = after != self.before[video]
        reward[flipped] = np.where(after[flipped], 10.0, -10.0)
        return reward

    def observe(
        self,
        video: np.ndarray,
        cursor: np.ndarray,
        selected: np.ndarray,
        state: "State | None" = None,
    ) -> None:
        """Make the observation's arrays."""
        if self.observation == "index":
            video[:, None].astype(np.int32), cursor[:, None].astype(np.int32)
            selected.astype(np.int8)
        elif self.observation == "video":
            self.features.take(video, axis=0), self.seen.take(video, axis=0)
            self.valid.take(video, axis=0).astype(np.int8)
            cursor[:, None].astype(np.int32), selected.astype(np.int8)
        else:
            assert state is not None
            place = np.minimum(cursor, self.length[video] - 1)
            self.features[video, place], self.seen[video, place]
            self.p0[video].astype(np.float32)
            (state.kept_sum / np.maximum(state.kept, 1)[:, None]).astype(np.float32)
            (cursor / self.length[video]).astype(np.float32)[:, None]
            (state.kept / self.length[video]).astype(np.float32)[:, None]


class State:
    """Episodes in arrays, whose next videos are drawn beforehand."""

    def __init__(self, tables: Tables, envs: int) -> None:
        rng = np.random.default_rng(0)
        self.draws = rng.integers(0, len(tables.label), (1024, envs))
        self.drawn = np.zeros(envs, np.int64)
        self.index = np.arange(envs)
        self.video, self.cursor = self.draws[0].copy(), np.zeros(envs, np.int64)
        self.selected = np.zeros((envs, FRAMES), bool)
        self.kept = np.zeros(envs, np.int64)
        self.kept_sum = np.zeros((envs, tables.p0.shape[1]))

    def finish(self, tables: Tables, over: np.ndarray) -> None:
        """Pay the episodes that are over, and start the next ones."""
        reward = np.zeros(len(over))
        ended = over.nonzero()[0]
        if not len(ended):
            return
        reward[ended] = tables.reward(self.video[ended], self.kept_sum[ended], self.kept[ended])
        self.drawn[ended] = (self.drawn[ended] + 1) % 1024
        self.video[ended] = self.draws[self.drawn[ended], ended]
        self.cursor[ended] = 0
        self.selected[ended] = False
        self.kept[ended] = 0
        self.kept_sum[ended] = 0.0


def one_shot(tables: Tables, envs: int) -> Run:
    """OneShot: all frames at once."""
    rng = np.random.default_rng(0)
    actions = rng.integers(0, 2, (16, envs, FRAMES)).astype(bool)
    state = State(tables, envs)

    def run(steps: int) -> None:
        for step in range(steps):
            video = state.draws[step % 1024]
            selected = actions[step % 16] & tables.valid[video]
            kept = selected.sum(1)
            weights = selected.astype(np.float64)[:, None, :]
            kept_sum = np.matmul(weights, tables.predictions.take(video, axis=0))[:, 0]
            tables.reward(video, kept_sum, kept)
            np.ones(envs, bool), np.zeros(envs, bool)
            tables.observe(video, state.cursor, selected, state)

    return run


def sequential(tables: Tables, envs: int) -> Run:
    """Sequential: the frame at the cursor."""
    rng = np.random.default_rng(0)
    actions = rng.integers(0, 2, (16, envs)).astype(bool)
    state = State(tables, envs)

    def run(steps: int) -> None:
        for step in range(steps):
            keep = actions[step % 16]
            sums = tables.flat.take(state.video * FRAMES + state.cursor, axis=0)
            sums *= keep.astype(np.float64)[:, None]
            state.kept_sum += sums
            state.kept += keep
            state.selected[state.index, state.cursor] = keep
            state.cursor += 1
            over = state.cursor >= tables.length[state.video]
            np.zeros(envs, bool)
            tables.observe(state.video, state.cursor, state.selected, state)
            state.finish(tables, over)

    return run


def pick(tables: Tables, envs: int, picks: int = 8) -> Run:
    """Pick: any frame; a repeat is a no-op."""
    rng = np.random.default_rng(0)
    actions = rng.integers(0, FRAMES, (16, envs))
    state = State(tables, envs)

    def run(steps: int) -> None:
        for step in range(steps):
            frame, index = actions[step % 16], state.index
            added = (frame < tables.length[state.video]) & ~state.selected[index, frame]
            state.selected[index, frame] |= added
            sums = tables.flat.take(state.video * FRAMES + frame, axis=0)
            sums *= added.astype(np.float64)[:, None]
            state.kept_sum += sums
            state.kept += added
            state.cursor += 1
            over = (state.cursor >= picks) | (state.kept >= tables.length[state.video])
            np.zeros(envs, bool)
            (tables.valid[state.video] & ~state.selected).astype(np.int8)
            tables.observe(state.video, state.cursor, state.selected, state)
            state.finish(tables, over)

    return run


BARE = {"OneShot": one_shot, "Sequential": sequential, "Pick": pick}


def cpu_seconds(run: Callable[[], object], times: int = 5) -> float:
    """CPU seconds of a call, averaged."""
    start = time.process_time()
    for _ in range(times):
        run()
    return (time.process_time() - start) / times
