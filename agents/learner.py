"""What a training run consists of, whoever learns: epochs, and a state that can be resumed."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from agents.task import Task


@dataclass(frozen=True)
class AnnealedConfig:
    """Hyper-parameters of learners that are given a budget and let the step size fall with it."""

    #: Units of the network's layers.
    hidden: int = 128
    #: Standardise the features on the videos that are trained on.
    standardise: bool = True
    #: Adam's step size.
    learning_rate: float = 1e-3
    #: L2 penalty in Adam.
    weight_decay: float = 0.0
    #: Whether the step size falls linearly to 0 over the budget.
    anneal: bool = True
    #: What the whole reward is multiplied with.
    reward_scale: float = 0.1
    #: Largest norm of the gradient; 0 does not clip.
    clip: float = 5.0
    #: Momentum of the average of the weights over updates, which is what is kept; 0 keeps the last
    #: weights.
    average: float = 0.98
    #: Episodes per training video and epoch.
    episodes: int = 4
    #: Epochs, at most.
    epochs: int = 60
    #: Stop after so many epochs without a better validation score; 0 trains to the end.
    patience: int = 15

    def rate(self, progress: float) -> float:
        """The step size when a share of the budget is spent, 0 to 1."""
        return self.learning_rate * (1 - progress if self.anneal else 1.0)


class Learner(ABC):
    """The state of a training run between two epochs; a subclass says what an epoch is.

    Everything that is drawn during an epoch comes from generators that are seeded anew from the
    run's seed and the epoch's number (`agents.seeding`). So `state` holds no
    generator, and a run that is resumed after epoch k draws what an uninterrupted one would.

    Args:
        task: What is trained on, and for which reward.
        config: Hyper-parameters.
        average: The network before the first update.

    Attributes:
        average: The network that is validated and kept: the optimised one's weights, averaged over
            updates.
        updates: Steps of the optimiser so far. episodes: Episodes the environment has scored.
    """

    config: Any

    def __init__(self, task: Task, config: Any, average: nn.Module) -> None:
        self.task, self.config, self.average = task, config, average
        self.updates = 0
        self.episodes = 0

    @abstractmethod
    def epoch(self, number: int) -> dict[str, float]:
        """Train for one epoch, counted from 1; returns figures by name."""

    @abstractmethod
    def parts(self) -> dict[str, Any]:
        """What the next epoch depends on, by name: each has `state_dict` and `load_state_dict`."""

    def spent(self) -> bool:
        """Whether the environment has scored as many episodes as the task allows."""
        return bool(self.task.budget) and self.episodes >= self.task.budget

    def progress(self) -> float:
        """The share of the budget that is spent, 0 to 1; without one, of what the epochs allow."""
        config = self.config
        total = self.task.budget or config.epochs * config.episodes * len(self.task.fit_rows)
        return min(self.episodes / total, 1.0)

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


def falling(first: float, last: float, share: float, progress: float) -> float:
    """A number that falls linearly from `first` to `last` while `share` of the budget is spent."""
    done = min(progress / share, 1.0) if share else 1.0
    return first + (last - first) * done


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
