"""What a design's figures are besides accuracy: does its reward go with being right?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from agents.evaluation.references import FREE
from agents.evaluation.result import Evaluation
from agents.registry import parse_reward
from agents.reproduction.rewards import RewardLine
from agents.reproduction.study import Measured
from baselines.selections import (
    Heights,
    SelectionPay,
    heights,
    random_selections,
    valid_frames,
)

DRAWS = 16  # random selections of each of both kinds per test video


@dataclass(frozen=True)
class DesignFigures:
    """Of a design on the test videos of a cache, in its own units.

    Attributes:
        correlation: Pearson's, of the reward with being right (1 or 0), over random selections of
            all test videos; NaN where one of them is constant.
        correlation_within: The same of deviations from a video's means: what a learner that
            compares selections of one video goes by.
        heights: The highest mean reward, and the highest without a gain in accuracy.
    """

    correlation: float
    correlation_within: float
    heights: Heights


@dataclass(frozen=True)
class AgentFigures:
    """Of an agent's runs, in the design's own units.

    Attributes:
        reward: The mean reward of its free choice.
        correlation: Of that reward with being right, over runs and test videos.
        reached: The highest mean reward of a run, at any of its numbers of frames, with an
            accuracy of at most that of all frames; NaN where every one is above it.
    """

    reward: float
    correlation: float
    reached: float


def selection_pay(line: RewardLine, evaluation: Evaluation, m: int) -> SelectionPay:
    """What pays selections of the line's test videos."""
    settings = evaluation.settings
    (stream,) = settings.streams
    return SelectionPay(
        settings.num_frames,
        data=str(settings.cache.path),
        split=evaluation.split,
        fold=settings.fold,
        stream=stream,
        reward=parse_reward(line.basis),
        target_frames=m,
    )


def design_figures(pay: SelectionPay, evaluation: Evaluation, seed: int = 0) -> DesignFigures:
    """The figures of a design; the seed draws the selections."""
    rows, frames = evaluation.rows, evaluation.settings.num_frames
    valid = valid_frames(evaluation.settings.cache, rows, frames)
    drawn = random_selections(valid, DRAWS, np.random.default_rng(seed))
    paid, right = pay(np.tile(rows, len(drawn)), drawn.reshape(-1, frames))
    paid, correct = paid.reshape(len(drawn), -1), right.reshape(len(drawn), -1).astype(np.float64)
    return DesignFigures(
        correlation(paid, correct),
        correlation(paid - paid.mean(axis=0), correct - correct.mean(axis=0)),
        heights(pay, rows, valid, drawn),
    )


def agent_figures(pay: SelectionPay, evaluation: Evaluation, label: str) -> AgentFigures:
    """The figures of the runs called `label`."""
    whole = 1 - evaluation.results["all", "all"].error.mean()
    reached, own = [], (np.nan, np.nan)
    for frames in evaluation.frames(label):
        found = evaluation.results[label, frames]
        runs, videos = found.error.shape
        selected = found.selected[:, :, 0].reshape(runs * videos, -1)
        paid = pay(np.tile(evaluation.rows, runs), selected)[0].reshape(runs, videos)
        right = 1 - found.error
        reached += paid.mean(axis=1)[right.mean(axis=1) <= whole + 1e-12].tolist()
        if frames == FREE:
            own = float(paid.mean()), correlation(paid, right)
    return AgentFigures(*own, max(reached, default=np.nan))


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Pearson's correlation of two arrays of one shape; NaN where one is constant."""
    x, y = one.ravel() - one.mean(), other.ravel() - other.mean()
    # What rounding leaves of a constant is not to be divided by.
    if min(np.abs(x).max() - 1e-12 * np.abs(one).max(), np.abs(y).max() - 1e-12) <= 0:
        return np.nan
    return float((x @ y) / np.sqrt((x @ x) * (y @ y)))


def reward_cells(
    measured: Sequence[Measured],
) -> tuple[dict[tuple[Any, str], dict[str, str]], dict[Any, DesignFigures]]:
    """More cells of table.csv for every line and agent, and the figures of each line's design.

    A design raw and in its unit differs by a factor, so its figures are measured once, in its own
    units; on Glance, where the price of looks is added, each stands for itself.
    """
    by_design: dict[tuple[str, str], DesignFigures] = {}
    of_line: dict[Any, DesignFigures] = {}
    cells: dict[tuple[Any, str], dict[str, str]] = {}
    for one in measured:
        line = one.line
        if not isinstance(line, RewardLine):
            continue
        (where,) = one.results
        pay = selection_pay(line, where.evaluation, one.frames)
        key = line.source, line.basis
        if key not in by_design:
            by_design[key] = design_figures(pay, where.evaluation)
        of_line[line] = by_design[key]
        own = agent_figures(pay, where.evaluation, one.label)
        cells[line, one.agent] = _cells(line, by_design[key], own)
    return cells, of_line


def _cells(line: RewardLine, of_design: DesignFigures, own: AgentFigures) -> dict[str, str]:
    found = of_design.heights
    numbers = {
        "deviation": line.deviation,
        "correlation_random": of_design.correlation,
        "correlation_within": of_design.correlation_within,
        "correlation_own": own.correlation,
        "reward_own": own.reward,
        "reward_all": found.everything,
        "reward_most": found.most,
        "reward_unhelpful": found.unhelpful,
        "reward_reached": own.reached,
        "hackable": found.hackable,
    }
    names = {"data": line.source, "design": line.design, "reward_scale": line.scale}
    names |= {"factor": f"{line.factor:g}", "reward": line.reward}
    return names | {name: number_cell(value) for name, value in numbers.items()}


def number_cell(value: float) -> str:
    """A number in a CSV file; empty for NaN."""
    return "" if np.isnan(value) else f"{value:.6g}"
