"""Selections by the thousand: what each is paid, random ones, and the best that a climb finds."""

from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np

from frame_select_env import FeatureCache

SLOTS = 512  # selections that are paid at a time
SMALLEST_GAIN = 1e-9  # of a climb's step: what differs by less is rounding


class SelectionPay:
    """What FrameSelect/OneShot-v0 pays for selections, and whether they are right.

    The multi-step environments pay the same for a selection: dense rewards telescope to it.

    Args:
        num_frames: T.
        **keywords: Those of the environment: data, split, reward and so on.

    Raises:
        FrameSelectError: for what the environment refuses.
    """

    def __init__(self, num_frames: int, **keywords: Any) -> None:
        self.env = gym.make_vec(
            "FrameSelect/OneShot-v0",
            num_envs=SLOTS,
            observation="index",
            num_frames=num_frames,
            autoreset_mode="Disabled",
            **keywords,
        )

    def __call__(self, rows: np.ndarray, selected: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The pay [k] float64 of `selected` [k, T] bool on videos `rows` [k], and if it is right.

        The second array, [k] bool, is False throughout for a regression.
        """
        paid, right = np.zeros(len(rows)), np.zeros(len(rows), bool)
        for first in range(0, len(rows), SLOTS):
            some = slice(first, first + SLOTS)
            count = len(rows[some])
            padding = SLOTS - count  # the last batch repeats its last selection
            self.env.reset(options={"video": np.pad(rows[some], (0, padding), "edge")})
            action = np.pad(selected[some], ((0, padding), (0, 0)), "edge")
            _, found, _, _, infos = self.env.step(action)
            paid[some] = found[:count]
            if "correct_after" in infos:
                right[some] = infos["correct_after"][:count]
        return paid, right


def valid_frames(cache: FeatureCache, rows: np.ndarray, num_frames: int) -> np.ndarray:
    """Which of the T frames of the videos are not padding, [n, T] bool."""
    return np.arange(num_frames) < np.minimum(cache.lengths[rows], num_frames)[:, None]


def random_selections(valid: np.ndarray, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Random selections [2 * draws, n, T] bool of the frames `valid` [n, T].

    The first half keeps each frame with probability 1/2, as an untrained policy does. The others
    have sizes drawn uniformly from 1 to the number of frames, and so cover the few frames where
    trained agents end.
    """
    halves = rng.random((draws, *valid.shape)) < 0.5
    order = np.where(valid, rng.random((draws, *valid.shape)), np.inf)
    rank = order.argsort(axis=2).argsort(axis=2)
    length = valid.sum(axis=1)
    size = 1 + np.floor(rng.random((draws, len(valid))) * length)
    return np.concatenate([halves & valid, (rank < size[..., None]) & valid])


def climb(
    pay: SelectionPay,
    rows: np.ndarray,
    valid: np.ndarray,
    start: np.ndarray,
    right: bool | None = None,
    moves: np.ndarray | None = None,
    sizes: tuple[np.ndarray, np.ndarray] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Flip the frame that raises the pay most, until none does: a local optimum of each video.

    Args:
        pay: What selections are paid.
        rows: [n] int, videos.
        valid: [n, T] bool.
        start: [n, T] bool, where each climb begins; nothing is ever left empty.
        right: Only visit selections that are right (True) or wrong (False), as `start` must be.
        moves: [M, T] bool, the frames that each step may flip together; by default each alone.
        sizes: The smallest and the largest number of frames, [n] int each, which `start` has.

    Returns:
        The selections [n, T] bool, and their pay [n] float64.
    """
    selected, frames = start.copy(), start.shape[1]
    moves = np.eye(frames, dtype=bool) if moves is None else moves
    least, most = (end[:, None] for end in sizes or (np.ones_like(rows), valid.sum(axis=1)))
    paid = pay(rows, selected)[0]
    going = np.arange(len(rows))
    while len(going):
        flipped = selected[going][:, None] ^ moves
        size = flipped.sum(axis=2)
        legal = (flipped <= valid[going][:, None]).all(axis=2)
        place = np.nonzero(legal & (size >= least[going]) & (size <= most[going]))
        value = np.full((len(going), len(moves)), -np.inf)
        found, correct = pay(rows[going][place[0]], flipped[place])
        value[place] = found if right is None else np.where(correct == right, found, -np.inf)
        best = value.argmax(axis=1)
        highest = value[np.arange(len(going)), best]
        better = highest > paid[going] + SMALLEST_GAIN
        selected[going[better]] = flipped[better, best[better]]
        paid[going[better]] = highest[better]
        going = going[better]
    return selected, paid


@dataclass(frozen=True)
class Heights:
    """The highest mean pay over n videos that was found, by how accurate the selections are.

    Attributes:
        everything: That of keeping all frames.
        most: The highest, whatever the accuracy.
        unhelpful: The highest with an accuracy of at most that of all frames.
    """

    everything: float
    most: float
    unhelpful: float

    @property
    def hackable(self) -> float:
        """How much of what a selection can earn above all frames takes no gain in accuracy, 0 to 1.

        NaN where no selection earns more than all frames.
        """
        above = self.most - self.everything
        return (self.unhelpful - self.everything) / above if above > SMALLEST_GAIN else np.nan


def heights(pay: SelectionPay, rows: np.ndarray, valid: np.ndarray, tried: np.ndarray) -> Heights:
    """Search every video for its best right and its best wrong selection, and combine them.

    Each search takes the best of `tried` [S, n, T], of all single frames and of all frames, and
    climbs from there among the right ones, or among the wrong ones. Which videos are to be right is
    then chosen for the highest mean, at most as many as all frames get right: those that lose most
    by being wrong. Climbs end in local optima, so the heights are lower bounds.
    """
    count, frames = valid.shape
    singles = np.eye(frames, dtype=bool)[:, None] & valid
    pool = np.concatenate([valid[None], singles, tried])
    pool |= ~pool.any(axis=2, keepdims=True) & valid  # nothing selected: all frames instead
    paid, right = pay(np.tile(rows, len(pool)), pool.reshape(-1, frames))
    paid, right = paid.reshape(-1, count), right.reshape(-1, count)
    best = []
    for wanted in (True, False):
        value = np.where(right == wanted, paid, -np.inf)
        place = value.argmax(axis=0)
        there = np.isfinite(value.max(axis=0))
        top = np.full(count, -np.inf)
        start = pool[place, np.arange(count)]
        top[there] = climb(pay, rows[there], valid[there], start[there], wanted)[1]
        best.append(top)
    correct, wrong = best
    only_right = np.isneginf(wrong)  # right before, too, as all frames are among the selections
    both = ~only_right & ~np.isneginf(correct)
    gain = np.sort((correct[both] - wrong[both]).clip(min=0))[::-1]
    spare = int(right[0].sum() - only_right.sum())
    least = np.where(only_right, correct, wrong).sum()
    return Heights(
        everything=float(paid[0].mean()),
        most=float(np.maximum(correct, wrong).mean()),
        unhelpful=float((least + gain[:spare].sum()) / count),
    )
