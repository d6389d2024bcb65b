"""What the agents on Sequential share: the choices that make a pair of them comparable."""

from dataclasses import dataclass
from typing import Any

from agents.networks import DecisionNetwork, Encoder
from agents.seeding import first_network
from agents.task import Task
from frame_select_env import FeatureCache, FrameSelectError


@dataclass(frozen=True)
class DecisionConfig:
    """The encoder and the process; equal for two agents that are compared."""

    #: What the network sees: the frames at the cursor, or a BiLSTM over the whole video there.
    encoder: Encoder = "video"
    #: Whether each step pays the change of the reward, or the last step all of it.
    dense: bool = False
    #: Contiguous frames that one decision keeps or discards.
    chunk: int = 1


def decision_network(cache: FeatureCache, task: Task, config: Any) -> DecisionNetwork:
    """The network as the task's seed initialises it, on the task's device.

    Raises:
        FrameSelectError: if a chunk is longer than the video.
    """
    if not 1 <= config.chunk <= task.num_frames:
        raise FrameSelectError(
            f"chunk={config.chunk}: must be from 1 to the number of frames, {task.num_frames}"
        )
    return first_network(
        task,
        lambda: DecisionNetwork(
            cache.feature_size(task.stream),
            len(cache.classes),
            config.encoder,
            config.chunk,
            config.hidden,
            config.dropout,
        ),
    )


def decision_env(config: Any) -> tuple[str, dict[str, Any]]:
    """The environment's id and its keywords."""
    return "FrameSelect/Sequential-v0", {"dense": config.dense, "chunk": config.chunk}


def decisions(task: Task, config: Any) -> int:
    """How many decisions an episode has, at most."""
    return -(-task.num_frames // config.chunk)
