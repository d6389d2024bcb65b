"""Training: epochs until the budget is spent or the validation score stops rising."""

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from agents.checkpoint import load_checkpoint, save_checkpoint
from agents.design import AgentDesign
from agents.runs import Epoch
from agents.seeding import seeded
from agents.task import Task
from agents.validation import Validation
from frame_select_env import FeatureCache, Ranking

CHECKPOINT_SECONDS = 20.0  # a state is saved after an epoch if the last one is so old


@dataclass(frozen=True)
class Trained:
    """What `train` made: the agent with its best weights, and the figures of the last epoch."""

    agent: Ranking
    last: Epoch


def train(
    design: AgentDesign,
    cache: FeatureCache,
    task: Task,
    config: Any = None,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
    folder: Path | None = None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> Trained:
    """Train an agent; the weights with the best validation score are kept.

    Args:
        design: The agent.
        cache: The cache.
        task: What is trained on, and for which reward.
        config: Hyper-parameters; None are the preset `tuned`.
        on_epoch: Called after every epoch with its figures; of a resumed run after those to come.
        folder: Where checkpoints are kept; a run that left one there is resumed exactly.
        checkpoint_seconds: Time between two checkpoints, at least.

    Raises:
        FrameSelectError: for hyper-parameters that make no sense, or a damaged checkpoint.
    """
    config = design.presets["tuned"] if config is None else config
    design.check(config)
    with seeded(task):
        learner = design.learner(cache, task, config)
    agent = design.agent(learner.average, task, config)
    validation = Validation(cache, task)
    epoch = Epoch(0, 0, 0, 0.0, 0.0, (-np.inf, -np.inf), 0)
    best, kept = epoch.validation, {}
    saved = load_checkpoint(folder) if folder else None
    if saved:
        learner.load_state(saved["learner"])
        epoch = Epoch(**saved["epoch"])
        best, kept = tuple(saved["best"]), saved["kept"]
    before, cpu_before = epoch.seconds, epoch.cpu_seconds
    start, cpu_start = time.perf_counter(), time.process_time()
    last_saved = start
    while not _over(learner, task, config, epoch):
        number, best_epoch = epoch.number + 1, epoch.best_epoch
        with seeded(task, number):
            figures = learner.epoch(number)
        score = validation(agent)
        if score > best:
            best, best_epoch = score, number
            kept = {name: value.clone() for name, value in learner.average.state_dict().items()}
        now = time.perf_counter()
        epoch = Epoch(
            number,
            learner.episodes,
            learner.updates,
            before + now - start,
            cpu_before + time.process_time() - cpu_start,
            score,
            best_epoch,
            figures,
        )
        on_epoch(epoch)
        if folder and now - last_saved >= checkpoint_seconds:
            last_saved = now
            saved = {
                "learner": learner.state(),
                "epoch": dataclasses.asdict(epoch),
                "best": best,
                "kept": kept,
            }
            save_checkpoint(folder, saved)
    learner.average.load_state_dict(kept)
    return Trained(agent, epoch)


def _over(learner: Any, task: Task, config: Any, epoch: Epoch) -> bool:
    """Whether training ends after `epoch`."""
    if task.budget and learner.episodes:
        return learner.spent()
    tired = config.patience and epoch.number - epoch.best_epoch >= config.patience
    return epoch.number >= config.epochs or bool(tired)
