"""A learner that takes one step of its own optimiser on every batch of training videos."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from agents.feature_table import FeatureTable
from agents.learner import Learner, clip_gradient, follow
from agents.networks import Network
from agents.task import Task
from frame_select_env import FeatureCache


class BatchLearner(Learner):
    """The state of a training run; a subclass says what one update is.

    Args:
        cache: The cache.
        task: What is trained on, and for which reward.
        config: Hyper-parameters.
        make_network: (cache, task, config) -> the network as the task's seed initialises it.

    Attributes:
        network: What is optimised, by `optimiser`.
        rows: [n] int, the training videos. videos: How many of them an update takes.
        table: Their features.
    """

    def __init__(
        self,
        cache: FeatureCache,
        task: Task,
        config: Any,
        make_network: Callable[[FeatureCache, Task, Any], Network],
    ) -> None:
        super().__init__(task, config, make_network(cache, task, config))
        self.rows = task.fit_rows
        self.videos = min(config.batch_size, len(self.rows))
        self.table = FeatureTable.read(
            cache, self.rows, task.num_frames, task.fold, task.stream, task.device
        )
        self.network: Any = make_network(cache, task, config)
        if config.standardise:
            self.network.standardise(self.table.features, self.table.valid)
        self.average.load_state_dict(self.network.state_dict())
        self.optimiser = torch.optim.Adam(
            self.network.parameters(), config.learning_rate, weight_decay=config.weight_decay
        )

    @abstractmethod
    def update(self, videos: np.ndarray) -> dict[str, float]:
        """One step on the videos [B], rows in the cache; returns figures by name."""

    def parts(self) -> dict[str, Any]:
        """The network and the optimiser."""
        return {"network": self.network, "optimiser": self.optimiser}

    def epoch(self, number: int) -> dict[str, float]:
        """One pass over the training videos; returns the means of what `update` returns."""
        shuffled = np.random.default_rng([self.task.seed, number]).permutation(self.rows)
        whole = shuffled[: len(shuffled) // self.videos * self.videos]
        found: list[dict[str, float]] = []
        for batch in whole.reshape(-1, self.videos):
            found.append(self.update(batch))
            if self.spent():
                break
        return {name: sum(one[name] for one in found) / len(found) for name in found[0]}

    def descend(self, loss: torch.Tensor) -> None:
        """One step of the optimiser, and of the average of the weights."""
        self.optimiser.zero_grad()
        loss.backward()
        clip_gradient(self.optimiser, self.config.clip)
        self.optimiser.step()
        self.updates += 1
        follow(self.average, self.network, self.config.average, self.updates)
