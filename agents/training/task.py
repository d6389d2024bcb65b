"""What an agent is trained for: videos, reward, number of frames, seed; no hyper-parameter."""

import math
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from frame_select_env import FeatureCache, FrameSelectError
from frame_select_env.aggregators import MAX, judge_path, make_judge
from frame_select_env.cache import View, file_digest
from frame_select_env.consensus import MAX_FRAMES, MEAN, check_alpha
from frame_select_env.consensus_table import Judge
from frame_select_env.rewards import Reward, RewardSpec, default_reward
from frame_select_env.validation import holdout

# The fields of a task that a command line sets and config.json records.
SETTINGS = (
    *("fold", "split", "stream", "view", "num_frames", "reward", "alpha", "aggregator"),
    *("target_frames", "budget", "updates", "cpu_seconds", "seed"),
)
LIMITS = {"budget": "episodes", "updates": "updates", "cpu_seconds": "CPU seconds"}


@dataclass(frozen=True)
class Task:
    """The task of one training run; what is not described is as in the environments."""

    data: str | Path
    fold: str = "default"
    split: str = "train"
    stream: str | None = None
    view: View = None
    num_frames: int = 25
    reward: RewardSpec = "sign_omega"
    alpha: float = 0.0
    # What makes p0 and p1: "mean", "max", or the file or bundled name of a judge. It is what
    # rewards and scores are about; networks and supervised losses that average, average.
    aggregator: str = MEAN
    # m, what L_sampling (AS Eq. 9) and budgets aim at, and where the validation score is taken
    target_frames: int = 8
    # Limits, each 0 for none. Training ends with what reaches the first of them; without any, or
    # where an agent counts towards none (a budget, but no episode is scored), the agent's
    # hyper-parameters decide. Schedules run over the limits.
    budget: int = 0  # episodes scored; ends with the update, or SB3's step, that reaches it
    updates: int = 0  # optimiser steps; ends with the one that reaches it
    # CPU seconds of training and validation; ends with the epoch that reaches them, which differs
    # from machine to machine
    cpu_seconds: float = 0.0
    seed: int = 0  # of initial weights, validation videos, batches and selections
    device: str = "cpu"  # of the network
    # Whether videos of the split are held out for validation where the fold has no `val` split. A
    # command line sets it as one of the agent's hyper-parameters.
    holdout: bool = True
    fit_rows: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    validation_rows: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))


def make_task(cache: FeatureCache, data: str | Path, **settings: Any) -> Task:
    """A task on `cache`, its videos divided into training and validation videos.

    Without a reward, or with None, it is that of the split's videos, see `default_reward`.

    Raises:
        FrameSelectError: for an unknown fold, split, stream or reward, or a value out of range.
    """
    reward = settings.pop("reward", None)
    task = Task(data, **settings)
    if not 1 <= task.target_frames <= task.num_frames:
        raise FrameSelectError(
            f"target_frames={task.target_frames}: must be from 1 to the number of frames, "
            f"{task.num_frames}"
        )
    if task.num_frames > MAX_FRAMES:
        raise FrameSelectError(f"num_frames={task.num_frames}: must be at most {MAX_FRAMES}")
    for name, unit in LIMITS.items():
        if not 0 <= getattr(task, name) < math.inf:
            raise FrameSelectError(
                f"{name}={getattr(task, name)}: must be a number of {unit}, or 0 for no limit"
            )
    if isinstance(task.seed, bool) or not isinstance(task.seed, int) or task.seed < 0:
        raise FrameSelectError(f"seed={task.seed!r}: must be an integer of at least 0")
    check_alpha(task.alpha, task.aggregator)
    _check_device(task.device)
    cache.check_view(task.view, cache.stream(task.stream))
    task_judge(task, cache)
    if reward is None:
        reward = default_reward(cache, cache.rows(task.split, task.fold))
    Reward(reward, cache)
    fit, validation = holdout(cache, task.fold, task.split, task.seed, task.holdout)
    return replace(task, reward=reward, fit_rows=fit, validation_rows=validation)


def with_defaults(settings: Mapping[str, Any]) -> dict[str, Any]:
    """A task's settings from a config.json, with defaults for those that did not exist then."""
    defaults = {one.name: one.default for one in fields(Task) if one.name in SETTINGS}
    return {**defaults, **settings}


def task_judge(task: Task, cache: FeatureCache) -> Judge | None:
    """What predicts videos from their frames; None for the mean."""
    return make_judge(task.aggregator, cache, task.fold, task.stream, task.view)


def judge_facts(aggregator: str) -> dict[str, str]:
    """The digest of a judge's file: a run with another file of the same name is another run."""
    if aggregator in (MEAN, MAX):
        return {}
    return {"judge": file_digest(judge_path(aggregator))}


def check_judge(folder: Path, config: Mapping[str, Any]) -> None:
    """Refuse a run whose judge has changed since, by the content of its config.json.

    Raises:
        FrameSelectError: naming the judge.
    """
    aggregator = config["task"].get("aggregator", MEAN)
    if config.get("judge") != judge_facts(aggregator).get("judge"):
        raise FrameSelectError(
            f"{folder}: {aggregator} has changed since this run was trained with it (digests "
            "differ); train again"
        )


def _check_device(device: str) -> None:
    kind, colon, number = device.partition(":")
    if kind not in ("cpu", "cuda") or (colon and not (kind == "cuda" and number.isdecimal())):
        raise FrameSelectError(f"device={device!r}: must be cpu, cuda or cuda:N")
    if kind == "cuda" and not torch.cuda.is_available():
        raise FrameSelectError(f"device={device!r}: CUDA is not available; use cpu")
    if number and int(number) >= torch.cuda.device_count():
        raise FrameSelectError(
            f"device={device!r}: this machine has {torch.cuda.device_count()} GPUs, numbered from 0"
        )


def env_keywords(task: Task) -> dict[str, Any]:
    """The environment's keywords that follow from the task, the same for every agent.

    The environment's split holds all videos; the agent asks for those in `fit_rows`.
    """
    return {
        "data": str(task.data),
        "split": task.split,
        "fold": task.fold,
        "num_frames": task.num_frames,
        "observation": "index",
        "reward": task.reward,
        "alpha": task.alpha,
        "aggregator": task.aggregator,
        "stream": task.stream,
        "view": task.view,
        "target_frames": task.target_frames,
    }


def known_labels(cache: FeatureCache, task: Task) -> torch.Tensor:
    """The labels of all videos on the task's device, [N] int64 (regression: [N, K] float32).

    Raises:
        FrameSelectError: if that of a training video is unknown.
    """
    unknown = np.setdiff1d(task.fit_rows, cache.labelled(task.fit_rows))
    if len(unknown):
        raise FrameSelectError(
            f"{cache.path}: the labels of {len(unknown)} training videos are unknown, and this "
            "agent learns from labels; take one that learns from rewards, reinforce say"
        )
    return torch.from_numpy(cache.labels).to(task.device)


def epoch_seed(task: Task, epoch: int) -> int:
    """The seed of everything drawn in one epoch, counted from 1; 0 is before training."""
    return int(np.random.SeedSequence([task.seed, epoch]).generate_state(1)[0])


@contextmanager
def seeded(task: Task, epoch: int = 0) -> Iterator[None]:
    """Seed the global generators of torch, NumPy and Python, and restore them afterwards.

    Dropout and Stable-Baselines3 draw from them.
    """
    numpy_state, python_state = np.random.get_state(), random.getstate()
    try:
        with forked_torch(task):
            seed = epoch_seed(task, epoch)
            torch.manual_seed(seed)
            np.random.seed(seed)
            random.seed(seed)
            yield
    finally:
        np.random.set_state(numpy_state)
        random.setstate(python_state)


def forked_torch(task: Task) -> Any:
    """A context that restores torch's generators of the CPU and of the task's device."""
    return torch.random.fork_rng([] if task.device == "cpu" else [torch.device(task.device)])
