"""What an agent is trained for: which videos, which reward, how many frames; no hyper-parameter."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from agents.holdout import holdout
from frame_select_env import FeatureCache, FrameSelectError
from frame_select_env.rewards import Reward, RewardSpec


@dataclass(frozen=True)
class Task:
    """The task of one training run.

    Attributes:
        data: A bundled cache's name or a path.
        fold, split, stream, num_frames, reward, alpha: As in the environments.
        select: m, the number of frames that L_sampling (AS Eq. 9) and budgets aim at, and at which
            the validation score is taken.
        budget: Episodes that the environment may score; training then ends with the epoch that
            reaches it and not before. 0: the agent's hyper-parameters say when it ends, as they do
            for an agent that has no episode scored.
        seed: Of every random draw: initial weights, validation videos, batches, selections.
        device: Where the network lives, "cpu" or "cuda".
        fit_rows: The videos that are trained on. validation_rows: Those that choices are made on.
    """

    data: str | Path
    fold: str = "default"
    split: str = "train"
    stream: str | None = None
    num_frames: int = 25
    reward: RewardSpec = "sign_omega"
    alpha: float = 0.0
    select: int = 8
    budget: int = 0
    seed: int = 0
    device: str = "cpu"
    fit_rows: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    validation_rows: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))


def _check_device(device: str) -> None:
    kind, colon, number = device.partition(":")
    if kind not in ("cpu", "cuda") or (colon and not (kind == "cuda" and number.isdecimal())):
        raise FrameSelectError(f"device={device!r}: must be cpu, cuda or cuda:N")
    if kind == "cuda" and not torch.cuda.is_available():
        raise FrameSelectError(f"device={device!r}: this machine or torch build has no CUDA")
    if number and int(number) >= torch.cuda.device_count():
        raise FrameSelectError(f"device={device!r}: there are {torch.cuda.device_count()}, from 0")


def make_task(cache: FeatureCache, data: str | Path, **keywords: object) -> Task:
    """A task on `cache`, its videos divided into those to fit and those to choose on.

    Raises:
        FrameSelectError: for an unknown fold, split, stream or reward, or m > T.
    """
    task = Task(data, **keywords)  # type: ignore[arg-type]
    if not 1 <= task.select <= task.num_frames:
        raise FrameSelectError(
            f"select={task.select}: must be from 1 to the number of frames, {task.num_frames}"
        )
    if task.budget < 0:
        raise FrameSelectError(f"budget={task.budget}: must be a number of episodes, or 0 for none")
    if isinstance(task.seed, bool) or not isinstance(task.seed, int) or task.seed < 0:
        raise FrameSelectError(f"seed={task.seed!r}: must be a whole number of at least 0")
    if not 0 <= task.alpha <= 1:
        raise FrameSelectError(f"alpha={task.alpha}: must be a number from 0 to 1")
    _check_device(task.device)
    cache.stream(task.stream)
    Reward(task.reward, cache)
    fit, validation = holdout(cache, task.fold, task.split, task.seed)
    return Task(data, **keywords, fit_rows=fit, validation_rows=validation)  # type: ignore[arg-type]


def env_keywords(task: Task) -> dict[str, Any]:
    """What an environment is told of a task, the same for every agent; its split holds the videos.

    Which of them are drawn, `fit_rows`, is up to the agent: as options, or by the bridge.
    """
    return {
        "data": str(task.data),
        "split": task.split,
        "fold": task.fold,
        "num_frames": task.num_frames,
        "observation": "index",
        "reward": task.reward,
        "alpha": task.alpha,
        "stream": task.stream,
        "target_frames": task.select,
    }
