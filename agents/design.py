"""AgentDesign: what an agent consists of, for the command lines and the run folders."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from agents.learner import Learner
from agents.task import Task
from frame_select_env import FeatureCache, Ranking


@dataclass(frozen=True)
class AgentDesign:
    """An agent as the command line and the run folders know it.

    Attributes:
        name: What `--agent` takes.
        config: The dataclass of its hyper-parameters; must have `epochs` and `patience`.
        presets: Hyper-parameters by the name of a preset; must hold "tuned".
        check: (config) -> None; raises FrameSelectError for hyper-parameters that make no sense.
        network: (cache, task, config) -> the network as the task's seed initialises it.
        agent: (network, task, config) -> the ranking by that network.
        learner: (cache, task, config) -> the state of a training run.
        search: What `agents search` draws hyper-parameters from: name -> values.
        select: The default m of a preset, where that is not 8.
    """

    name: str
    config: type[Any]
    presets: dict[str, Any]
    check: Callable[[Any], None]
    network: Callable[[FeatureCache, Task, Any], nn.Module]
    agent: Callable[[Any, Task, Any], Ranking]
    learner: Callable[[FeatureCache, Task, Any], Learner]
    search: dict[str, tuple[Any, ...]]
    select: dict[str, int] = field(default_factory=dict)

    def default_select(self, preset: str, num_frames: int) -> int:
        """The default m of a preset, at most T."""
        return min(self.select.get(preset, 8), num_frames)
