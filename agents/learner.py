"""What a training run consists of, whoever learns: epochs, and a state that can be resumed."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from agents.task import Task


class Learner(ABC):
    """The state of a training run between two epochs; a subclass says what an epoch is.

    Everything that is drawn during an epoch comes from generators that are seeded anew from the
    run's seed and the epoch's number (`agents.seeding`). So `state` holds no
    generator, and a run that is resumed after epoch k draws what an uninterrupted one would.

    Attributes:
        task: What is trained on, and for which reward.
        average: The network that is validated and kept: the optimised one's weights, averaged over
            updates.
        updates: Steps of the optimiser so far. episodes: Episodes the environment has scored.
    """

    def __init__(self, task: Task, average: nn.Module) -> None:
        self.task, self.average = task, average
        self.updates = 0
        self.episodes = 0

    @abstractmethod
    def epoch(self, number: int) -> dict[str, float]:
        """Train for one epoch, counted from 1; returns figures by name."""

    @abstractmethod
    def parts(self) -> dict[str, Any]:
        """What the next epoch depends on, by name: each has `state_dict` and `load_state_dict`."""

    def pass_over(
        self, rows: np.ndarray, size: int, update: Callable[[np.ndarray], dict[str, float]]
    ) -> dict[str, float]:
        """Call `update` on whole batches of `rows` until the budget is spent.

        Returns:
            The means of the figures that it returned.
        """
        batches = rows[: len(rows) // size * size].reshape(-1, size)
        found: list[dict[str, float]] = []
        for batch in batches:
            found.append(update(batch))
            if self.task.budget and self.episodes >= self.task.budget:
                break
        return {name: sum(one[name] for one in found) / len(found) for name in found[0]}

    def state(self) -> dict[str, Any]:
        """All that a resumed run needs: nested dicts and lists of tensors and numbers."""
        parts = {name: part.state_dict() for name, part in self.parts().items()}
        counts = {"updates": self.updates, "episodes": self.episodes}
        return {"average": self.average.state_dict(), "counts": counts, "parts": parts}

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from what `state` gave."""
        self.average.load_state_dict(state["average"])
        self.updates = state["counts"]["updates"]
        self.episodes = state["counts"]["episodes"]
        for name, part in self.parts().items():
            part.load_state_dict(state["parts"][name])


def clip_gradient(optimiser: torch.optim.Optimizer, norm: float) -> None:
    """Scale the gradient of all that is optimised to at most `norm`; 0 does not clip."""
    if norm:
        every = [parameter for group in optimiser.param_groups for parameter in group["params"]]
        nn.utils.clip_grad_norm_(every, norm)


def follow(average: nn.Module, network: nn.Module, momentum: float, updates: int) -> None:
    """Let `average` follow the weights of `network`, after so many updates.

    Early on it is a plain mean: the first weights would otherwise linger.
    """
    momentum = min(momentum, 1 - 1 / max(updates, 1))
    with torch.no_grad():
        for mean, value in zip(average.parameters(), network.parameters(), strict=True):
            mean.lerp_(value, 1 - momentum)
