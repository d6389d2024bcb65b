"""From a run folder back to an agent that ranks frames."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from agents.agent_text import agent_text
from agents.registry import agent_design
from agents.runs import load_weights, read_config
from agents.task import Task, make_task
from frame_select_env import Clips, FeatureCache, FrameSelectError, Ranking


@dataclass(frozen=True)
class Control:
    """A ranking that tables show as a reference, under another name and without a free choice."""

    name: str
    ranking: Ranking
    control: ClassVar[bool] = True

    def scores(self, clips: Clips) -> np.ndarray:
        """The ranking's scores, [B, T]."""
        return self.ranking.scores(clips)


@dataclass(frozen=True)
class LoadedRun:
    """A trained agent with what it was trained for.

    Attributes:
        name: The agent's name. text: The same with the hyper-parameters that differ from its preset
            `tuned`, as `agents.agent_text` writes it.
        agent: The trained agent.
        untrained: The same network with its first weights; it has scores but no free choice, which
            would only say what the weights were initialised to.
        task: Fold, number of frames, seed and so on, and the validation videos of that seed.
    """

    name: str
    text: str
    agent: Ranking
    untrained: Ranking
    task: Task


def load_run(folder: Path, cache: FeatureCache) -> LoadedRun:
    """Load a run for use on `cache`.

    Raises:
        FrameSelectError: if the folder holds no finished run, or one that does not fit the cache.
    """
    config = read_config(folder)
    design = agent_design(config["agent"])
    try:
        task = make_task(cache, config["data"], **config["task"])
        hyper = design.config(**_tuples(config["hyper"]))
    except (KeyError, TypeError) as error:
        raise FrameSelectError(
            f"{folder}: config.json does not fit this version: {error}"
        ) from None
    _check_fit(folder, config["cache"], cache, task)
    trained, first = (design.network(cache, task, hyper) for _ in range(2))
    load_weights(folder, trained)
    load_weights(folder, first, buffers_only=True)
    untrained = Control(f"untrained {design.name}", design.agent(first, task, hyper))
    text = agent_text(config["agent"], hyper)
    return LoadedRun(design.name, text, design.agent(trained, task, hyper), untrained, task)


def _check_fit(folder: Path, trained: dict[str, Any], cache: FeatureCache, task: Task) -> None:
    stream = cache.stream(task.stream)
    size = trained["feature_sizes"].get(stream)
    if size != cache.feature_size(stream):
        raise FrameSelectError(
            f"{folder}: was trained on {trained['name']} with {size} features a frame; "
            f"{cache.path.name} has {cache.feature_size(stream)}"
        )
    if trained["name"] == cache.path.name and trained["digest"] != cache.digest:
        raise FrameSelectError(
            f"{folder}: {cache.path.name} has changed since this run was trained on it (its digest "
            "is another); train again"
        )
    if trained["classes"] != list(cache.classes):
        raise FrameSelectError(
            f"{folder}: was trained on the classes of {trained['name']}, "
            f"which are not those of {cache.path.name}"
        )


def _tuples(hyper: dict[str, Any]) -> dict[str, Any]:
    """JSON has no tuples; the hyper-parameters have no lists."""
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in hyper.items()
    }
