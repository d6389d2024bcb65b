"""What every agent with a BiLSTM frame scorer shares: hyper-parameters, network, step sizes."""

from dataclasses import dataclass
from typing import Any

import torch

from agents.batch_learner import BatchLearner
from agents.networks import FrameScorer, State
from agents.seeding import first_network
from agents.task import Task
from frame_select_env import FeatureCache


@dataclass(frozen=True)
class ScorerConfig:
    """Hyper-parameters of the network and of its optimisation."""

    #: What the network sees of a frame.
    state: State = "feature"
    #: Units of the LSTM in each direction.
    hidden: int = 128
    #: Layers of the LSTM.
    layers: int = 1
    #: Dropout on the network's input and on the LSTM's output.
    dropout: float = 0.3
    #: Standardise the features on the videos that are trained on.
    standardise: bool = True
    #: Adam's step size.
    learning_rate: float = 1e-3
    #: L2 penalty in Adam.
    weight_decay: float = 1e-4
    #: After these epochs the learning rate is divided by 10.
    decay_epochs: tuple[int, ...] = ()
    #: Passes over the training videos, at most.
    epochs: int = 60
    #: Stop after so many epochs without a better validation score; 0 trains to the end.
    patience: int = 15
    #: Videos per update.
    batch_size: int = 32
    #: Largest norm of the gradient; 0 does not clip.
    clip: float = 5.0
    #: Momentum of the average of the weights over updates, which is what is kept; 0 keeps the last
    #: weights.
    average: float = 0.98


def initial_network(cache: FeatureCache, task: Task, config: ScorerConfig) -> FrameScorer:
    """The network as the task's seed initialises it, on the task's device."""
    return first_network(
        task,
        lambda: FrameScorer(
            cache.feature_size(task.stream),
            len(cache.classes),
            config.state,
            config.hidden,
            config.layers,
            config.dropout,
        ),
    )


class ScorerLearner(BatchLearner):
    """The state of a training run of a frame scorer; a subclass says what one update is.

    Args:
        cache: The cache.
        task: What is trained on, and for which reward.
        config: Hyper-parameters.
    """

    def __init__(self, cache: FeatureCache, task: Task, config: ScorerConfig) -> None:
        super().__init__(cache, task, config, initial_network)
        self.schedule = torch.optim.lr_scheduler.MultiStepLR(
            self.optimiser, list(config.decay_epochs), 0.1
        )

    def parts(self) -> dict[str, Any]:
        """The schedule of the step size too."""
        return {**super().parts(), "schedule": self.schedule}

    def epoch(self, number: int) -> dict[str, float]:
        """One pass over the training videos; returns the means of what `update` returns."""
        self.network.train()
        figures = super().epoch(number)
        self.schedule.step()
        return figures
