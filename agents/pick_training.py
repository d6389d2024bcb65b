"""What the agents on Pick share."""

from dataclasses import dataclass
from typing import Any

from agents.networks import FrameSetNetwork
from agents.pick_agent import PickAgent
from agents.seeding import first_network
from agents.task import Task
from frame_select_env import FeatureCache


@dataclass(frozen=True)
class PickConfig:
    """The process; equal for two agents that are compared."""

    #: Whether the agent may end the episode before it has picked m frames.
    stop: bool = True
    #: Whether each step pays the change of the reward, or the last step all of it.
    dense: bool = False


def set_network(cache: FeatureCache, task: Task, config: Any) -> FrameSetNetwork:
    """The network as the task's seed initialises it, on the task's device."""
    return first_network(
        task,
        lambda: FrameSetNetwork(
            cache.feature_size(task.stream),
            len(cache.classes),
            config.stop,
            config.hidden,
            config.dropout,
        ),
    )


def pick_env(task: Task, config: Any) -> tuple[str, dict[str, Any]]:
    """The environment's id and its keywords: an episode has m picks, at most."""
    keywords = {"picks": task.select, "stop": config.stop, "dense": config.dense}
    return "FrameSelect/Pick-v0", keywords


def pick_agent(name: str, network: FrameSetNetwork, task: Task) -> PickAgent:
    """The ranking by a network: it picks as many frames as it was trained to."""
    return PickAgent(name, network, task.select)
