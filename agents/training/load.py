"""Loading a trained agent from its run folder."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from agents.registry import agent_design, agent_module, agent_text, saved_file
from agents.training.design import AgentDesign
from agents.training.inputs import read_inputs
from agents.training.run_folder import load_weights, read_config
from agents.training.task import Task, check_judge, make_task
from agents.zoo import run_folder
from frame_select_env import Clips, FeatureCache, FrameSelectError, Ranking

PROJECT = ("agents", "baselines", "data", "frame_select_env")


@dataclass(frozen=True)
class Control:
    """A ranking that tables show as a reference: under another name, without a free choice."""

    name: str
    ranking: Ranking
    control: ClassVar[bool] = True

    def scores(self, clips: Clips) -> np.ndarray:
        """The ranking's scores, [B, T]."""
        return self.ranking.scores(clips)


@dataclass(frozen=True)
class LoadedRun:
    """A trained agent and its task."""

    name: str
    text: str  # the name, with the hyper-parameters that differ from the preset `tuned`
    agent: Ranking
    # The same network with its initial weights. It has no free choice, which would say nothing but
    # how the weights were initialised. None of a policy that is not trained.
    untrained: Ranking | None
    task: Task


def load_run(folder: str | Path, cache: FeatureCache, trust_code: bool = False) -> LoadedRun:
    """Load a run for use on `cache`.

    Args:
        folder: The run folder, or the name of one that ships, "zoo:cues/reinforce".
        cache: The cache.
        trust_code: Import modules outside the project that config.json names.

    Raises:
        FrameSelectError: if the folder holds no finished run, or one that does not fit the cache,
            or names modules that are not trusted.
    """
    folder = run_folder(folder)
    found = read_config(folder)
    check_trust(folder, found, trust_code)
    design = agent_design(found["agent"])
    with _fitting_version(folder):
        config = _hyper(design, found)
        task = make_task(cache, cache.path, holdout=config.holdout, **found["task"])
        _check_fit(folder, found["cache"], cache, task)
        check_judge(folder, found)
    trained, first = (design.initial_network(cache, task, config) for _ in range(2))
    load_weights(folder, trained)
    load_weights(folder, first, buffers_only=True)
    untrained = None
    if design.policy is None:
        untrained = Control(f"untrained {design.name}", design.agent(first, task, config))
    text = agent_text(found["agent"], config)
    return LoadedRun(design.name, text, design.agent(trained, task, config), untrained, task)


@dataclass(frozen=True)
class LoadedAgent:
    """A trained agent for videos outside any cache.

    Attributes:
        agent: The agent.
        task: What it was trained for, without videos.
        inputs: The cache that it was trained on, without videos, see `agents.training.inputs`.
    """

    agent: Ranking
    task: Task
    inputs: FeatureCache


def load_agent(folder: str | Path, trust_code: bool = False) -> LoadedAgent:
    """Load a run's agent without the cache that it was trained on.

    Args:
        folder: The run folder, or the name of one that ships.
        trust_code: Import modules outside the project that config.json names.

    Raises:
        FrameSelectError: if the folder holds no finished run, names modules that are not trusted,
            or was trained by a version that did not keep what this needs.
    """
    folder = run_folder(folder)
    found = read_config(folder)
    check_trust(folder, found, trust_code)
    design = agent_design(found["agent"])
    if design.policy is not None:
        raise FrameSelectError(
            f"{folder}: {design.name} is a policy that plays on the videos of a cache; new videos "
            "need an agent that was trained by train or compare"
        )
    inputs = read_inputs(folder)
    with _fitting_version(folder):
        config = _hyper(design, found)
        task = Task(found["data"], **found["task"], fit_rows=np.zeros(1, np.int64))
    network = design.initial_network(inputs, task, config)
    load_weights(folder, network)
    return LoadedAgent(design.agent(network, task, config), task, inputs)


@contextmanager
def _fitting_version(folder: Path) -> Iterator[None]:
    """Say in one line that a config.json, which may be edited by hand, does not fit."""
    try:
        yield
    except FrameSelectError:
        raise
    except Exception as error:
        raise FrameSelectError(
            f"{folder}: config.json does not fit this version: {error!r}"
        ) from None


def _hyper(design: AgentDesign, found: dict[str, Any]) -> Any:
    """The hyper-parameters in a config.json, checked."""
    # JSON has no tuples, and no hyper-parameter is a list.
    hyper = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in found["hyper"].items()
    }
    config = design.config(**hyper)
    design.check(config)
    return config


def check_trust(folder: Path, config: dict[str, Any], trust_code: bool) -> None:
    """Refuse a run whose agent or reward is in a module outside the project, unless trusted.

    Importing a module runs its code, and a run folder may come from anywhere.

    Raises:
        FrameSelectError: naming the modules.
    """
    modules = named_modules([config["agent"]], [config["task"].get("reward", "")])
    check_modules(f"{folder}: config.json", modules, trust_code)


def named_modules(agents: Iterable[str], rewards: Iterable[Any]) -> list[str]:
    """The modules of agents and of designs of rewards that are named "module:object".

    A model of Stable-Baselines3, "sb3:ALGORITHM=FILE", counts by its file, which is a pickle.
    """
    code = [saved_file(name) or agent_module(name) for name in agents if ":" in name]
    names: list[Any] = []
    for reward in rewards:
        names += reward if isinstance(reward, list | dict) else [reward]
    found = [name for name in names if isinstance(name, str) and ":" in name]
    return [*code, *(name.partition(":")[0] for name in found)]


def check_modules(where: str, modules: Iterable[str], trust_code: bool) -> None:
    """Refuse modules outside the project that a file names, unless they are trusted.

    Raises:
        FrameSelectError: naming the modules.
    """
    foreign = [name for name in modules if name.partition(".")[0] not in PROJECT]
    if foreign and not trust_code:
        raise FrameSelectError(
            f"{where} names code to run: {', '.join(dict.fromkeys(foreign))}; if you "
            "trust it, add --trust-code (in Python trust_code=True)"
        )


def _check_fit(folder: Path, trained: dict[str, Any], cache: FeatureCache, task: Task) -> None:
    for stream in cache.parts(task.stream):
        size = trained["feature_sizes"].get(stream)
        if size != cache.feature_size(stream):
            raise FrameSelectError(
                f"{folder}: was trained on {trained['name']} with {size} features per frame, but "
                f"{cache.path.name} has {cache.feature_size(stream)}; use a cache of the same "
                "backbone"
            )
    if trained["name"] == cache.path.name and trained["digest"] != cache.digest:
        raise FrameSelectError(
            f"{folder}: {cache.path.name} has changed since this run was trained on it (digests "
            "differ); train again"
        )
    if trained["classes"] != list(cache.classes):
        raise FrameSelectError(
            f"{folder}: was trained on other classes, those of {trained['name']}; "
            f"{cache.path.name} does not have them"
        )
