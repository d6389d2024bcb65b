"""The rows of the page of reference returns: what is known, and what a trained agent earns."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from agents.registry import parse_agent, parse_reward, reward_text
from agents.reproduction.reward_units import deviation, scaled, unit_factor, weighted
from agents.training.task import Task
from agents.training.trainer import Run, train
from baselines.reference_returns import (
    NUM_FRAMES,
    PROCESSES,
    Process,
    play,
    reference_returns,
    selecting,
)
from frame_select_env import Clips, FeatureCache, FrameSelectError, Ranking, open_cache, top_frames
from frame_select_env.rewards import Reward, reward_design, reward_names
from frame_select_env.splits import labelled_rows

GLANCE = "FrameSelect/Glance-v0"
# What is trained, and for how many episodes: one run for the three processes that select from what
# they see, as they pay the same for a selection.
AGENT, BUDGET = "reinforce@beta=0.0", 25600
GLANCE_AGENT, GLANCE_BUDGET = "ppo-glance", 76800
# The rewards for which the agents' presets are tuned; others are trained on in their unit.
REFERENCE = {"sign_omega": 1.0}


@dataclass(frozen=True)
class ReturnRow:
    """Mean returns over the videos of a split; None for what there is not."""

    data: str
    split: str
    environment: str  # the id
    reward: str  # as a command line names it
    random: float
    keep_all: float | None
    keep_none: float | None
    agent: float | None  # the return of the agent that is trained
    best_known: float
    trained: str  # the agent; empty for none
    episodes: int  # that it was trained for


@dataclass(frozen=True)
class ReturnsJob:
    """Rows of one reward: they share what is trained."""

    data: str
    reward: str  # as `parse_reward` reads it
    ids: tuple[str, ...]
    splits: tuple[str, ...] = ("test",)
    agent: str = ""  # to be trained; empty for none
    budget: int = 0

    def __str__(self) -> str:
        return f"{self.data}, {self.reward}, {', '.join(self.ids)}"


def make_jobs(data: Sequence[str], rewards: Sequence[str], budget: int) -> list[ReturnsJob]:
    """The jobs for every id and every registered reward that fits a cache.

    A reward that an id has by default is measured on the training split too. `budget` is the
    largest number of episodes of an agent; 0 for those of each.

    Raises:
        FrameSelectError: for an unknown reward, or one that does not fit.
    """
    jobs = []
    whole = tuple(name for name in PROCESSES if name != GLANCE)
    budgets = {AGENT: budget or BUDGET, GLANCE_AGENT: budget or GLANCE_BUDGET}
    for name in data:
        cache = open_cache(name)
        if cache.task != "classification":
            raise FrameSelectError(f"{name}: is a regression; name caches of classes")
        both = ("test", "train")
        own = reward_text(PROCESSES[GLANCE].reward)
        jobs.append(ReturnsJob(name, own, (GLANCE,), both, GLANCE_AGENT, budgets[GLANCE_AGENT]))
        for reward in rewards or _fitting(cache):
            Reward(parse_reward(reward), cache)
            default = reward == PROCESSES[whole[0]].reward
            splits = both if default else ("test",)
            jobs.append(ReturnsJob(name, reward, whole, splits, AGENT, budgets[AGENT]))
            jobs.append(ReturnsJob(name, reward, (GLANCE,)))
    return jobs


def _fitting(cache: FeatureCache) -> list[str]:
    """The rewards of this library that fit a cache."""
    found = []
    for name in reward_names():
        if reward_design(name).function.__module__.startswith("frame_select_env."):
            with suppress(FrameSelectError):  # for another task, or it reads what is not there
                Reward(name, cache)
                found.append(name)
    return found


def return_rows(job: ReturnsJob) -> list[ReturnRow]:
    """The rows of a job."""
    torch.set_num_threads(1)
    cache, reward = open_cache(job.data), parse_reward(job.reward)
    ranking = _trained(job, cache) if job.agent else None
    rows = []
    for name in job.ids:
        process = PROCESSES[name]
        for split in job.splits:
            known = reference_returns(process, job.data, split, reward)
            earned = None
            if ranking is not None:
                videos = labelled_rows(cache, split)
                selected = selection(process, ranking, cache.read(videos, NUM_FRAMES))
                policy = selecting(process, selected)
                keywords = {"data": job.data, "split": split, "reward": reward}
                earned = float(play(process, policy, videos, **keywords).mean())
            rows.append(
                ReturnRow(
                    *(job.data, split, name, job.reward, known.random),
                    *(known.keep_all, known.keep_none, earned, known.best_known),
                    trained=job.agent if ranking is not None else "",
                    episodes=job.budget if ranking is not None else 0,
                )
            )
    return rows


def selection(process: Process, ranking: Ranking, clips: Clips) -> np.ndarray:
    """What an agent selects in a process, [B, T] bool: its free choice, or its best frames."""
    if process.exactly:
        return top_frames(ranking.scores(clips), clips.valid, process.most)
    selected: np.ndarray = ranking.select(clips)  # type: ignore[attr-defined]
    return selected


def _trained(job: ReturnsJob, cache: FeatureCache) -> Ranking | None:
    """The agent, trained on the reward in the unit of its presets; None if nothing tells."""
    reward, factor = parse_reward(job.reward), 1.0
    weights = weighted(reward)
    if reward != PROCESSES[job.ids[0]].reward:
        settings: dict[str, Any] = {"split": "train", "fold": "default", "num_frames": NUM_FRAMES}
        settings |= {"stream": None, "target_frames": Task.target_frames}
        own = deviation(cache, job.data, weights, **settings)
        if not own:
            return None
        factor = unit_factor(deviation(cache, job.data, REFERENCE, **settings), own)
    choice = parse_agent(job.agent)
    run = Run(job.data, choice, {"reward": scaled(weights, factor), "budget": job.budget})
    return train(choice.design, cache, run.task(cache), choice.config).agent
