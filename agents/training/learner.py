"""Learners: the state of a training run, one epoch after another, that can be saved and resumed."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from agents.networks.feature_table import FeatureTable
from agents.networks.frame_scorer import FrameScorerConfig
from agents.networks.network import Standardised
from agents.training.task import Task
from frame_select_env import FeatureCache

COUNTS = ("updates", "episodes", "timesteps")
ValidationMetric: TypeAlias = Literal["error", "pcc"]
Validated: TypeAlias = Literal["selection", "answer"]


@dataclass(frozen=True)
class TrainingConfig:
    """Hyper-parameters of all learners."""

    #: Number of units of the network's layers; for a frame scorer in each direction of its LSTM.
    hidden_size: int = 128
    #: Standardise the features, with statistics of the training videos.
    standardise: bool = True
    #: Learning rate of Adam.
    learning_rate: float = 1e-3
    #: L2 penalty in Adam.
    weight_decay: float = 0.0
    #: Maximum norm of the gradient; 0 disables clipping.
    max_grad_norm: float = 5.0
    #: Decay of the exponential moving average of the weights, which is what is validated and saved;
    #: 0 does not average.
    ema_decay: float = 0.98
    #: Maximum number of epochs.
    epochs: int = 60
    #: Stop after this many epochs without a better validation score; 0 disables early stopping.
    patience: int = 15
    #: Weights to keep: those of the epoch with the best validation score, or of the last epoch.
    keep: Literal["best", "last"] = "best"
    #: The validation score: error, the accuracy (regression: minus the mean absolute error); or for
    #: a regression pcc, Pearson's correlation, averaged over targets.
    validation_metric: ValidationMetric = "error"
    #: What is validated: the mean of the cache's predictions at the m best frames, the selection;
    #: or the network's own answer, for agents that have one.
    validate: Validated = "selection"
    #: Without a val split, hold out a fifth of the training videos for validation; False trains on
    #: all of them, which needs keep=last and patience=0.
    holdout: bool = True


@dataclass(frozen=True)
class AnnealedConfig(TrainingConfig):
    """Hyper-parameters of learners whose learning rate may fall as the budget is spent."""

    #: Decrease the learning rate linearly to 0 over the budget.
    anneal_lr: bool = True
    #: Factor by which the whole reward is multiplied.
    reward_scale: float = 0.1
    #: Episodes per training video and epoch.
    episodes: int = 4

    def rate(self, progress: float) -> float:
        """The learning rate when a share of the budget is spent, 0 to 1."""
        return self.learning_rate * (1 - progress if self.anneal_lr else 1.0)


@dataclass(frozen=True)
class ScorerConfig(FrameScorerConfig, TrainingConfig):
    """Hyper-parameters of learners that train a frame scorer on batches of videos."""

    #: Dropout on the network's input and on the LSTM's output.
    dropout: float = 0.3
    #: L2 penalty in Adam.
    weight_decay: float = 1e-4
    #: Divide the learning rate by 10 after each of these epochs.
    decay_epochs: tuple[int, ...] = ()
    #: Number of videos per update.
    batch_size: int = 32


class Learner(ABC):
    """The state of a training run; a subclass defines what an epoch is.

    Everything drawn during an epoch comes from generators seeded by the run's seed and the epoch's
    number (`seeded`). So `state` holds no generator, and a run that is resumed after epoch k draws
    what an uninterrupted one would.

    Attributes:
        average: The network that is validated and saved: the weights, averaged over updates.
        updates: Optimiser steps so far.
        episodes: Episodes scored by the environment so far. timesteps: Its steps so far.
        cpu_seconds: CPU seconds of training up to the last epoch's end; `train` sets it.
    """

    config: Any

    def __init__(self, network: Standardised, task: Task, config: Any) -> None:
        self.task, self.config, self.average = task, config, network
        self.updates = 0
        self.episodes = 0
        self.timesteps = 0
        self.cpu_seconds = 0.0

    @abstractmethod
    def epoch(self, number: int) -> dict[str, float]:
        """Train for one epoch, counted from 1; returns its metrics by name."""

    @abstractmethod
    def parts(self) -> dict[str, Any]:
        """What the next epoch depends on, by name: each has `state_dict` and `load_state_dict`."""

    def spent(self) -> bool:
        """Whether one of the task's limits is reached: of episodes, updates or CPU seconds."""
        return any(share >= 1 for share in self._shares())

    def progress(self) -> float:
        """The share of the limit that is nearest, 0 to 1; without limits, that of the epochs."""
        config, shares = self.config, self._shares()
        if not shares:
            shares = [self.episodes / (config.epochs * config.episodes * len(self.task.fit_rows))]
        return min(max(shares), 1.0)

    def _shares(self) -> list[float]:
        """The share that is spent of each of the task's limits."""
        task = self.task
        limits = (
            (self.episodes, task.budget),
            (self.updates, task.updates),
            (self.cpu_seconds, task.cpu_seconds),
        )
        return [done / limit for done, limit in limits if limit]

    def update_average(self, network: nn.Module) -> None:
        """Move the averaged weights towards those of `network`, after an update.

        Early on it is a plain mean, because the first weights would otherwise linger.
        """
        decay = min(self.config.ema_decay, 1 - 1 / max(self.updates, 1))
        with torch.no_grad():
            means: list[Tensor] = list(self.average.parameters())
            values: list[Tensor] = list(network.parameters())
            torch._foreach_lerp_(means, values, 1 - decay)

    def state(self) -> dict[str, Any]:
        """All that a resumed run needs: nested dicts and lists of tensors and numbers."""
        parts = {name: part.state_dict() for name, part in self.parts().items()}
        counts = {name: getattr(self, name) for name in COUNTS}
        return {"average": self.average.state_dict(), "counts": counts, "parts": parts}

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
        self.average.load_state_dict(state["average"])
        for name in COUNTS:
            setattr(self, name, state["counts"][name])
        for name, part in self.parts().items():
            part.load_state_dict(state["parts"][name])


class BatchLearner(Learner):
    """A learner with an optimiser of its own; a subclass defines one update on a batch of videos.

    Attributes:
        network: The network that `optimiser` trains.
        rows: [n] int, the training videos; a visit is about a view of one that is drawn, if the
            task draws views. batch_size: Number of videos per update.
        table: The features of the training videos.
    """

    make_optimiser: Callable[..., torch.optim.Optimizer] = torch.optim.Adam

    def __init__(self, network: Standardised, cache: FeatureCache, task: Task, config: Any) -> None:
        super().__init__(network, task, config)
        self.rows = task.fit_rows
        self.batch_size = min(config.batch_size, len(self.rows))
        self.table = FeatureTable.read(
            cache, self.rows, task.num_frames, task.fold, task.stream, task.device, task.view
        )
        if config.standardise:
            network.standardise(self.table.features, self.table.valid)
        self.network: Any = copy.deepcopy(network)
        self.optimiser = self.make_optimiser(
            self.network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )

    @abstractmethod
    def update(self, videos: np.ndarray) -> dict[str, Tensor | float]:
        """One step on the videos [B], entries of the table; returns its metrics by name.

        Detached tensors stay on the device: reading one would wait for it. The epoch reads them at
        its end.
        """

    def parts(self) -> dict[str, Any]:
        """The network and the optimiser."""
        return {"network": self.network, "optimiser": self.optimiser}

    def epoch(self, number: int) -> dict[str, float]:
        """One pass over the training videos; returns the means of the metrics of its updates."""
        rng = np.random.default_rng([self.task.seed, number])
        shuffled = self.table.draw(rng.permutation(self.rows), rng)
        whole = shuffled[: len(shuffled) // self.batch_size * self.batch_size]
        metrics: list[dict[str, Tensor | float]] = []
        for batch in whole.reshape(-1, self.batch_size):
            metrics.append(self.update(batch))
            if self.spent():
                break
        return {name: _mean([one[name] for one in metrics]) for name in metrics[0]}

    def descend(self, loss: Tensor) -> None:
        """One step of the optimiser and of the average of the weights."""
        self.optimiser.zero_grad()
        loss.backward()
        if self.config.max_grad_norm:
            groups = self.optimiser.param_groups
            every = [parameter for group in groups for parameter in group["params"]]
            nn.utils.clip_grad_norm_(every, self.config.max_grad_norm)
        self.optimiser.step()
        self.updates += 1
        self.update_average(self.network)


class ScheduledLearner(BatchLearner):
    """A batch learner whose learning rate follows a schedule of epochs.

    Attributes:
        schedule: Set by the subclass.
    """

    schedule: torch.optim.lr_scheduler.LRScheduler

    def parts(self) -> dict[str, Any]:
        """The network, the optimiser and the schedule."""
        return {**super().parts(), "schedule": self.schedule}

    def epoch(self, number: int) -> dict[str, float]:
        """One pass over the training videos; returns the means of the metrics of its updates."""
        self.network.train()
        metrics = super().epoch(number)
        self.schedule.step()
        return metrics


class ScorerLearner(ScheduledLearner):
    """A batch learner of a frame scorer, with a step-wise schedule of the learning rate."""

    def __init__(
        self, network: Standardised, cache: FeatureCache, task: Task, config: ScorerConfig
    ) -> None:
        super().__init__(network, cache, task, config)
        self.schedule = torch.optim.lr_scheduler.MultiStepLR(
            self.optimiser, list(config.decay_epochs), 0.1
        )


def _mean(values: Sequence[Tensor | float]) -> float:
    """The mean of numbers, some of which may be on a device."""
    tensors = [one for one in values if isinstance(one, Tensor)]
    there = torch.stack(tensors).tolist() if tensors else []
    return (sum(there) + sum(one for one in values if not isinstance(one, Tensor))) / len(values)


def linear_schedule(initial: float, final: float, fraction: float, progress: float) -> float:
    """A value that falls linearly from `initial` to `final` over a fraction of the budget."""
    done = min(progress / fraction, 1.0) if fraction else 1.0
    return initial + (final - initial) * done
