"""One run: an agent trained on a cache with one seed, into a run folder; resumed if it is there."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agents.agent_text import AgentChoice
from agents.run_writer import RunWriter
from agents.runs import Epoch, as_json, cache_facts
from agents.task import Task, make_task
from agents.training import CHECKPOINT_SECONDS, Trained, train
from frame_select_env import FeatureCache, open_cache


@dataclass(frozen=True)
class Run:
    """What a run folder is made from.

    Attributes:
        data: A bundled cache's name or a path.
        choice: The agent, and its hyper-parameters.
        keywords: Of the `Task`: fold, split, stream, num_frames, reward, alpha, select, budget,
            seed, device. Without `select`, the preset's.
    """

    data: str
    choice: AgentChoice
    keywords: dict[str, Any] = field(default_factory=dict)

    def task(self, cache: FeatureCache) -> Task:
        """The task on the opened cache.

        Raises:
            FrameSelectError: for keywords that do not fit the cache.
        """
        keywords = {name: value for name, value in self.keywords.items() if value is not None}
        frames = keywords.get("num_frames", Task.num_frames)
        keywords.setdefault("select", self.choice.design.default_select(self.choice.preset, frames))
        return make_task(cache, self.data, **keywords)


def train_run(
    folder: Path,
    run: Run,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> Trained:
    """Train an agent into `folder`; an unfinished run of the same config is resumed exactly.

    Args:
        folder: New, empty, or left by the same run when it was interrupted.
        run: What to train.
        on_epoch: Called after every epoch.
        checkpoint_seconds: Time between two checkpoints, at least.

    Raises:
        FrameSelectError: for bad settings, a cache that changed since the run began, or a folder
            that holds anything else.
    """
    cache = open_cache(run.data)
    run.choice.design.check(run.choice.config)
    task = run.task(cache)
    # What does not fit the cache is to be found before anything is written.
    run.choice.design.network(cache, task, run.choice.config)
    writer = RunWriter(folder, run_config(run, cache, task))

    def listen(epoch: Epoch) -> None:
        writer.epoch(epoch)
        on_epoch(epoch)

    try:
        choice = run.choice
        trained = train(
            choice.design, cache, task, choice.config, listen, folder, checkpoint_seconds
        )
        writer.finish(trained.agent.network)  # type: ignore[attr-defined]
    finally:
        writer.close()
    return trained


def run_config(run: Run, cache: FeatureCache, task: Task) -> dict[str, Any]:
    """What config.json says of a run: enough to rebuild the agent and its validation videos."""
    names = ("fold", "split", "stream", "num_frames", "reward", "alpha", "select", "budget", "seed")
    return {
        "agent": run.choice.agent,
        "preset": run.choice.preset,
        "data": run.data,
        "cache": cache_facts(cache),
        "task": {name: getattr(task, name) for name in names},
        "hyper": as_json(run.choice.config),
    }
