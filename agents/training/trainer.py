"""Training a run: epochs until a limit is reached or the validation score stops improving."""

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor, nn

from agents.registry import AgentChoice
from agents.training.checkpoint import load_checkpoint, save_checkpoint
from agents.training.design import AgentDesign
from agents.training.inputs import write_inputs
from agents.training.learner import Learner
from agents.training.provenance import code_digests
from agents.training.run_folder import Epoch, RunWriter, as_json, cache_facts
from agents.training.task import SETTINGS, Task, judge_facts, known_labels, make_task, seeded
from agents.training.tracking import Tracking
from agents.training.validation import Validation, check_validation
from frame_select_env import FeatureCache, FrameSelectError, Ranking, open_cache
from frame_select_env.versions import versions

CHECKPOINT_SECONDS = 20.0  # smallest time between two checkpoints


@dataclass(frozen=True)
class Run:
    """A training run, before anything is read."""

    data: str  # name of a bundled cache, or path of a cache
    choice: AgentChoice
    settings: dict[str, Any] = field(default_factory=dict)  # of the task; m is the preset's

    def task(self, cache: FeatureCache) -> Task:
        """The task on the opened cache.

        Raises:
            FrameSelectError: for settings or hyper-parameters that do not fit the cache.
        """
        config = self.choice.config
        settings = {name: value for name, value in self.settings.items() if value is not None}
        frames = settings.get("num_frames", Task.num_frames)
        default = self.choice.design.default_target_frames(self.choice.preset, frames)
        settings = {"target_frames": default, "holdout": config.holdout, **settings}
        settings.setdefault("stream", self.choice.design.default_stream(cache))
        if self.choice.design.reward is not None:
            settings.setdefault("reward", self.choice.design.reward)
        task = make_task(cache, self.data, **settings)
        check_validation(cache, task, config)
        return task


def run_config(run: Run, cache: FeatureCache, task: Task) -> dict[str, Any]:
    """The content of a run's config.json: enough to rebuild the agent and its validation videos."""
    return {
        "agent": run.choice.agent,
        "preset": run.choice.preset,
        "data": run.data,
        "cache": cache_facts(cache),
        **judge_facts(task.aggregator),
        "task": {name: getattr(task, name) for name in SETTINGS},
        "hyper": as_json(run.choice.config),
        "code": code_digests(run.choice, task.reward),
        "versions": versions(),
    }


@dataclass(frozen=True)
class Trained:
    """The result of training: the agent with the kept weights, and the last epoch's metrics."""

    agent: Ranking
    network: nn.Module
    last: Epoch
    kept_epoch: int  # the epoch whose weights are kept
    validation: Validation | None  # None without validation videos


def train_run(
    folder: Path,
    run: Run,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    track: Tracking | None = None,
) -> Trained:
    """Train an agent into `folder`, which is new, empty, or left by the same run; that is resumed.

    Metrics go to metrics.csv and TensorBoard events there, and where `track` says.

    Raises:
        FrameSelectError: for invalid settings, a cache that changed since the run began, or a
            folder that holds anything else.
    """
    cache, choice = open_cache(run.data), run.choice
    choice.design.check(choice.config)
    task = run.task(cache)
    if choice.design.policy is not None:  # its learner says so; to make it may read a pickle
        make_learner(choice.design, cache, task, choice.config)
    # Refuse what does not fit the cache before anything is written.
    if choice.design.supervised:
        known_labels(cache, task)
    make_agent(
        choice.design,
        choice.design.initial_network(cache, task, choice.config),
        task,
        choice.config,
    )
    writer = RunWriter(folder, run_config(run, cache, task), track)

    def record(epoch: Epoch) -> None:
        writer.epoch(epoch)
        on_epoch(epoch)

    try:
        trained = train(
            choice.design, cache, task, choice.config, record, folder, checkpoint_seconds
        )
        write_inputs(folder, cache, task)
        writer.finish(trained.network)
    finally:
        writer.close()
    return trained


def write_policy(folder: Path, run: Run) -> None:
    """Write the run folder of a policy that is not trained: it costs no episode and no time.

    Raises:
        FrameSelectError: for invalid settings, or a folder that holds anything else.
    """
    cache, choice = open_cache(run.data), run.choice
    task = run.task(cache)
    writer = RunWriter(folder, run_config(run, cache, task))
    try:
        writer.epoch(Epoch(1, 0, 0, 0, 0.0, 0.0, None, 0))
        writer.finish(choice.design.initial_network(cache, task, choice.config))
    finally:
        writer.close()


def train(
    design: AgentDesign,
    cache: FeatureCache,
    task: Task,
    config: Any = None,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
    folder: Path | None = None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    measure: Callable[[Ranking], dict[str, float]] = lambda agent: {},
) -> Trained:
    """Train an agent; the weights with the best validation score, or the last ones, are kept.

    Args:
        design: The agent.
        cache: The cache.
        task: What it is trained for, from `make_task`.
        config: Hyper-parameters; None for those of the preset `tuned`.
        on_epoch: Called with the metrics of every epoch that is trained.
        folder: Folder of the checkpoints; a run that left one there is resumed exactly.
        checkpoint_seconds: Smallest time between two checkpoints.
        measure: More metrics of the agent as it is after an epoch, by name.

    Raises:
        FrameSelectError: for invalid hyper-parameters, some that need validation videos where there
            are none, or a damaged checkpoint.
    """
    config = design.presets["tuned"] if config is None else config
    design.check(config)
    check_validation(cache, task, config)
    learner = make_learner(design, cache, task, config)
    agent = make_agent(design, learner.average, task, config)
    validation = None
    if len(task.validation_rows):
        validation = Validation(cache, task, config.validation_metric, config.validate)
    epoch = Epoch(0, 0, 0, 0, 0.0, 0.0, None, 0)
    best: tuple[float, float] = (-np.inf, -np.inf)
    kept: dict[str, Tensor] = {}  # the weights of the best epoch, unless the last ones are kept
    saved = load_checkpoint(folder) if folder else None
    if saved:
        learner.load_state(saved["learner"])
        epoch = Epoch(**saved["epoch"])
        best, kept = tuple(saved["best"]), saved["kept"]
    before, cpu_before = epoch.seconds, epoch.cpu_seconds
    start, cpu_start = time.perf_counter(), time.process_time()
    last_saved = start
    learner.cpu_seconds = epoch.cpu_seconds
    while not _is_over(learner, epoch):
        number, best_epoch = epoch.number + 1, epoch.best_epoch
        with seeded(task, number):
            figures = learner.epoch(number)
        figures = {**figures, **measure(agent)}
        score = validation(agent) if validation else None
        if score is not None and score > best:
            best, best_epoch = score, number
            if config.keep == "best":
                weights = learner.average.state_dict()
                kept = {name: value.clone() for name, value in weights.items()}
        now = time.perf_counter()
        epoch = Epoch(
            number,
            learner.episodes,
            learner.timesteps,
            learner.updates,
            before + now - start,
            cpu_before + time.process_time() - cpu_start,
            score,
            best_epoch,
            figures,
        )
        learner.cpu_seconds = epoch.cpu_seconds
        on_epoch(epoch)
        if folder and now - last_saved >= checkpoint_seconds:
            last_saved = now
            state = {"learner": learner.state(), "epoch": dataclasses.asdict(epoch)}
            save_checkpoint(folder, {**state, "best": best, "kept": kept})
    if config.keep == "best":
        learner.average.load_state_dict(kept)
    kept_epoch = epoch.best_epoch if config.keep == "best" else epoch.number
    return Trained(agent, learner.average, epoch, kept_epoch, validation)


def make_learner(design: AgentDesign, cache: FeatureCache, task: Task, config: Any) -> Learner:
    """The learner before its first epoch.

    Raises:
        FrameSelectError: if the design makes something else.
    """
    network = design.initial_network(cache, task, config)
    with seeded(task):
        learner = design.learner(network, cache, task, config)
    if not isinstance(learner, Learner):
        raise FrameSelectError(
            f"agent {design.name!r}: its learner is a {type(learner).__name__}, not a Learner"
        )
    return learner


def make_agent(design: AgentDesign, network: nn.Module, task: Task, config: Any) -> Ranking:
    """The ranking by a network.

    Raises:
        FrameSelectError: if it has no `name` or no `scores`, or no answer of its own to validate.
    """
    agent = design.agent(network, task, config)
    if not isinstance(getattr(agent, "name", None), str) or not callable(
        getattr(agent, "scores", None)
    ):
        raise FrameSelectError(
            f"agent {design.name!r}: its {type(agent).__name__} must have a name and scores(clips)"
        )
    if config.validate == "answer" and not callable(getattr(agent, "predict", None)):
        raise FrameSelectError(
            f"validate=answer: {agent.name} gives no answer of its own; use validate=selection"
        )
    return agent


def _is_over(learner: Learner, epoch: Epoch) -> bool:
    """Whether training ends after `epoch`."""
    task, config = learner.task, learner.config
    # A limit that a learner does not count towards cannot end its training: soft attention has no
    # episodes, and a learner from elsewhere may not count its updates.
    updates = task.updates and (learner.updates or epoch.number < config.epochs)
    if task.cpu_seconds or updates or (task.budget and learner.episodes):
        return learner.spent()
    stalled = config.patience and epoch.number - epoch.best_epoch >= config.patience
    return epoch.number >= config.epochs or bool(stalled)
