"""The rows of the page of reference returns: what is known, and what trained agents earn."""

from collections.abc import Mapping, Sequence
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

# The agents that are trained for each id, on nothing but the reward, and kept as training ends.
# Plackett-Luce draws on OneShot as many frames as Pick allows, one after another.
LAST = "keep=last,patience=0"
AGENTS = {
    "FrameSelect/OneShot-v0": (f"reinforce@beta=0.0,{LAST}", f"ppo@{LAST}"),
    "FrameSelect/Sequential-v0": (f"reinforce-sequential@{LAST}", f"ppo-sequential@{LAST}"),
    "FrameSelect/Pick-v0": (f"plackett-luce@{LAST}", f"maskable-ppo@stop=false,{LAST}"),
    "FrameSelect/Glance-v0": ("ppo-glance",),
}
BUDGET = 25600  # episodes
OWN_BUDGET = {"FrameSelect/Glance-v0": 76800}  # with the id's own reward


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
    agent: float | None  # of the trained agent with the largest mean return in training videos
    best_known: float
    trained: str  # that agent's name; empty for none
    episodes: int  # that each agent was trained for
    cache: str  # the file's digest


@dataclass(frozen=True)
class ReturnsJob:
    """Rows of one id and reward: they share what is trained."""

    data: str
    reward: str  # as `parse_reward` reads it
    id: str
    splits: tuple[str, ...] = ("test",)
    budget: int = BUDGET

    def __str__(self) -> str:
        return f"{self.data}, {self.reward}, {self.id}"


def make_jobs(data: Sequence[str], rewards: Sequence[str], budget: int) -> list[ReturnsJob]:
    """The jobs for every id and every registered reward that fits a cache.

    A reward that an id has by default is measured on the training split too. `budget` is the
    number of episodes of an agent; 0 for those of each id.

    Raises:
        FrameSelectError: for an unknown reward, or one that does not fit.
    """
    jobs = []
    for name in data:
        cache = open_cache(name)
        if cache.task != "classification":
            raise FrameSelectError(f"{name}: is a regression; name caches of classes")
        named = list(rewards or _fitting(cache))
        for process in PROCESSES.values():
            own = reward_text(process.reward)
            # The default of Glance has no name, and so stands among no `--rewards`.
            for reward in dict.fromkeys([*([] if own in reward_names() else [own]), *named]):
                Reward(parse_reward(reward), cache)
                default = reward == own
                splits = ("test", "train") if default else ("test",)
                episodes = OWN_BUDGET.get(process.id, BUDGET) if default else BUDGET
                jobs.append(ReturnsJob(name, reward, process.id, splits, budget or episodes))
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
    cache, reward, process = open_cache(job.data), parse_reward(job.reward), PROCESSES[job.id]
    earned: dict[str, dict[str, float]] = {}
    for name, ranking in _trained(job, cache).items():
        earned[name] = {}
        for split in dict.fromkeys((*job.splits, "train")):
            videos = labelled_rows(cache, split)
            selected = selection(process, ranking, cache.read(videos, NUM_FRAMES))
            policy = selecting(process, selected)
            keywords = {"data": job.data, "split": split, "reward": reward}
            earned[name][split] = float(play(process, policy, videos, **keywords).mean())
    best = max(earned, key=lambda name: earned[name]["train"], default="")
    rows = []
    for split in job.splits:
        known = reference_returns(process, job.data, split, reward)
        rows.append(
            ReturnRow(
                *(job.data, split, job.id, job.reward, known.random, known.keep_all),
                *(known.keep_none, earned[best][split] if best else None, known.best_known),
                trained=best.partition("@")[0],
                episodes=job.budget,
                cache=cache.digest,
            )
        )
    return rows


def selection(process: Process, ranking: Ranking, clips: Clips) -> np.ndarray:
    """What an agent selects in a process, [B, T] bool: its free choice, or its best frames."""
    if process.exactly:
        return top_frames(ranking.scores(clips), clips.valid, process.most)
    selected: np.ndarray = ranking.select(clips)  # type: ignore[attr-defined]
    return selected


def _trained(job: ReturnsJob, cache: FeatureCache) -> Mapping[str, Ranking]:
    """The id's agents, trained on the reward in the unit of their presets; none if none tells."""
    process = PROCESSES[job.id]
    weights = weighted(parse_reward(job.reward))
    settings: dict[str, Any] = {
        **{"split": "train", "fold": "default", "num_frames": NUM_FRAMES},
        **{"stream": None, "target_frames": Task.target_frames},
    }
    own = deviation(cache, job.data, weights, **settings)
    if not own:  # pays the same whatever is selected
        return {}
    reference = deviation(cache, job.data, weighted(process.reward), **settings)
    reward = scaled(weights, unit_factor(reference, own))
    found = {}
    for name in AGENTS[job.id]:
        choice = parse_agent(name)
        run = Run(job.data, choice, {"reward": reward, "budget": job.budget})
        found[name] = train(choice.design, cache, run.task(cache), choice.config).agent
    return found
