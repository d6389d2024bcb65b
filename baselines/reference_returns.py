"""Reference returns of an environment: what simple policies, and the best known selection, earn.

Every figure is a mean over the videos of a split, each played once in the registered environment.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import gymnasium as gym
import numpy as np

from baselines.oracle import Oracle
from baselines.selections import SelectionPay, climb, random_selections, valid_frames
from frame_select_env import FeatureCache, open_cache, top_frames
from frame_select_env.rewards import RewardSpec
from frame_select_env.splits import labelled_rows

NUM_FRAMES = 25  # T of the environments, by default
DRAWS = 10  # random episodes a video
STARTS = 16  # random selections of both kinds from which a climb may begin
# (observation, legal actions [B, n] bool or None) -> actions
Policy = Callable[[Mapping[str, np.ndarray], np.ndarray | None], np.ndarray]


@dataclass(frozen=True)
class Process:
    """What an id lets an agent select, with its default keywords.

    Attributes:
        id: As it is registered.
        most: The largest number of frames that an episode selects.
        exactly: Whether it selects no fewer, if the video has as many.
        empty: Whether it may select nothing.
        reward: That of the id where there are labels and none is named.
    """

    id: str
    most: int = NUM_FRAMES
    exactly: bool = False
    empty: bool = False
    reward: RewardSpec = "sign_omega"

    def sizes(self, valid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The smallest and the largest number of frames above 0, [n] int each."""
        most = np.minimum(valid.sum(axis=1), self.most)
        return (most if self.exactly else np.ones_like(most)), most


PROCESSES = {
    one.id: one
    for one in (
        Process("FrameSelect/OneShot-v0", empty=True),
        Process("FrameSelect/Sequential-v0", empty=True),
        Process("FrameSelect/Pick-v0", most=8, exactly=True),
        Process("FrameSelect/Glance-v0", most=12, reward={"correct": 1.0, "looks": -0.01}),
    )
}


def play(process: Process, policy: Policy, rows: np.ndarray, **keywords: Any) -> np.ndarray:
    """The return of one episode on each of the videos in `rows` [n], [n] float64.

    Args:
        process: The environment.
        policy: Its observations are those of observation="index", in the order of `rows`.
        rows: Rows in the cache.
        **keywords: Of the environment: data, split and reward.
    """
    envs: Any = gym.make_vec(
        process.id,
        num_envs=len(rows),
        observation="index",
        autoreset_mode="NextStep",
        **keywords,
    )
    observation, _ = envs.reset(seed=0, options={"video": rows})
    returns, over = np.zeros(len(rows)), np.zeros(len(rows), bool)
    while not over.all():
        legal = envs.action_masks() if hasattr(envs, "action_masks") else None
        observation, paid, ended, _, _ = envs.step(policy(observation, legal))
        returns += np.where(over, 0.0, paid)
        over |= ended
    return returns


def random_policy(process: Process, seed: int) -> Policy:
    """Every legal action with the same probability; on OneShot every frame with 1/2."""
    rng = np.random.default_rng(seed)

    def act(observation: Mapping[str, np.ndarray], legal: np.ndarray | None) -> np.ndarray:
        if legal is not None:
            return (legal * (1 - rng.random(legal.shape))).argmax(axis=1)
        shape = observation["selected"].shape
        one_shot = process.id == "FrameSelect/OneShot-v0"
        return rng.integers(2, size=shape if one_shot else shape[0])

    return act


def selecting(process: Process, selected: np.ndarray) -> Policy:
    """Selects the frames `selected` [n, T] bool of each video; then answers, on Glance."""

    def act(observation: Mapping[str, np.ndarray], legal: np.ndarray | None) -> np.ndarray:
        if legal is not None:
            left = selected & ~observation["selected"].astype(bool)
            # Where all are selected any action will do: the episode is over, or this one ends it.
            return np.where(left.any(axis=1), left.argmax(axis=1), legal.shape[1] - 1)
        if process.id == "FrameSelect/OneShot-v0":
            return selected.astype(np.int8)
        cursor = observation["cursor"][:, 0].clip(max=selected.shape[1] - 1)
        return selected[np.arange(len(selected)), cursor].astype(np.int64)

    return act


def best_known(
    process: Process, cache: FeatureCache, rows: np.ndarray, **keywords: Any
) -> np.ndarray:
    """The selection of each video that earns most of those that are tried, [n, T] bool.

    Tried are all frames, each frame alone, those that the greedy oracle takes first, random
    selections, and what a climb from the best of them visits: it adds, leaves out or, where the
    number of frames is fixed, swaps one at a time. Another selection may earn more.

    Args:
        process: The environment.
        cache: The cache.
        rows: Labelled videos, [n] int.
        **keywords: Of the environment: data, split and reward.
    """
    valid = valid_frames(cache, rows, NUM_FRAMES)
    least, most = process.sizes(valid)
    pay = SelectionPay(NUM_FRAMES, **keywords)
    pool = _starts(cache, rows, valid, least, most)
    paid = pay(np.tile(rows, len(pool)), pool.reshape(-1, NUM_FRAMES))[0].reshape(len(pool), -1)
    start = pool[paid.argmax(axis=0), np.arange(len(rows))]
    moves = np.eye(NUM_FRAMES, dtype=bool)
    if process.exactly:
        pairs = np.array(list(combinations(range(NUM_FRAMES), 2)))
        moves = moves[pairs[:, 0]] | moves[pairs[:, 1]]
    best, earned = climb(pay, rows, valid, start, moves=moves, sizes=(least, most))
    if process.empty:
        nothing = np.zeros_like(best)
        best &= (earned >= pay(rows, nothing)[0])[:, None]
    return best


def _starts(
    cache: FeatureCache, rows: np.ndarray, valid: np.ndarray, least: np.ndarray, most: np.ndarray
) -> np.ndarray:
    """Selections [S, n, T] bool whose sizes fit, to begin climbs at."""
    frames = valid.shape[1]
    greedy = Oracle().scores(cache.read(rows, frames), label=cache.labels[rows])
    # A selection of too many frames keeps those that the oracle takes first; of too few it gains
    # the first of the others.
    rng = np.random.default_rng(0)
    wanted = np.concatenate(
        [
            valid[None],
            np.eye(frames, dtype=bool)[:, None] & valid,
            [top_frames(greedy, valid, m) for m in range(1, frames + 1)],
            random_selections(valid, STARTS, rng),
        ]
    )
    order = np.where(wanted, rng.random(wanted.shape), rng.random(wanted.shape) - 1)
    order[: 1 + frames] = np.where(wanted[: 1 + frames], 2 * frames, 0) + greedy
    rank = np.where(valid, -order, np.inf).argsort(axis=2).argsort(axis=2)
    size = wanted.sum(axis=2).clip(least, most)
    return (rank < size[..., None]) & valid


@dataclass(frozen=True)
class References:
    """Mean returns over videos; None for what the process does not allow.

    Attributes:
        random: Of actions drawn uniformly among the legal ones, over DRAWS episodes a video.
        keep_all: Of keeping every frame.
        keep_none: Of keeping none.
        best_known: Of `best_known`.
    """

    random: float
    keep_all: float | None
    keep_none: float | None
    best_known: float


def reference_returns(process: Process, data: str, split: str, reward: RewardSpec) -> References:
    """The reference returns on the labelled videos of a split of a cache."""
    cache = open_cache(data)
    rows = labelled_rows(cache, split)
    keywords: dict[str, Any] = {"data": data, "split": split, "reward": reward}
    valid = valid_frames(cache, rows, NUM_FRAMES)

    def mean(policy: Policy) -> float:
        return float(play(process, policy, rows, **keywords).mean())

    every = process.most >= NUM_FRAMES
    best = best_known(process, cache, rows, **keywords)
    return References(
        float(np.mean([mean(random_policy(process, seed)) for seed in range(DRAWS)])),
        mean(selecting(process, valid)) if every else None,
        mean(selecting(process, np.zeros_like(valid))) if process.empty else None,
        mean(selecting(process, best)),
    )
