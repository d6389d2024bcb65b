"""REINFORCE's time per video, as a ratio to the bare forward, backward and Adam of its network."""

import dataclasses
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from torch.nn import functional as F

from agents.reinforce import DESIGN, ReinforceConfig, ReinforceLearner
from agents.training.task import make_task
from agents.training.trainer import make_learner
from frame_select_env import open_cache

TURNS = 9


def bare(learner: ReinforceLearner, config: ReinforceConfig) -> Callable[[int], None]:
    """Forward, backward and Adam of the same network on one batch that is already at hand."""
    features, predictions, valid = learner.table(learner.rows[: learner.batch_size])
    features = features.clone()
    target = (torch.rand(valid.shape) < 0.5).float()
    optimiser = torch.optim.Adam(
        learner.network.parameters(), config.learning_rate, weight_decay=config.weight_decay
    )

    def run(updates: int) -> None:
        for _ in range(updates):
            logits = learner.network(features, predictions, valid)
            loss = F.binary_cross_entropy_with_logits(logits, target)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()

    return run


def measure() -> list[dict[str, object]]:
    """A row per preset-like batch: microseconds per video and the ratio to bare."""
    torch.set_num_threads(1)
    cache = open_cache("digits")
    rows = []
    for hidden, batch in ((64, 32), (128, 32), (256, 32)):
        config = dataclasses.replace(DESIGN.presets["tuned"], hidden_size=hidden, batch_size=batch)
        learner = make_learner(DESIGN, cache, make_task(cache, "digits"), config)
        learner.network.train()
        plain = bare(learner, config)
        order = np.random.default_rng(0)

        def reinforce(updates: int, learner: ReinforceLearner = learner, order=order) -> None:
            for _ in range(updates):
                learner.update(order.permutation(learner.rows)[: learner.batch_size])

        reinforce(3), plain(3)
        turns = []
        for _ in range(TURNS):
            times = []
            for run in (reinforce, plain):
                start = time.perf_counter()
                run(20)
                times.append((time.perf_counter() - start) / 20 / batch * 1e6)
            turns.append(times)
        rows.append(
            {
                "hidden_size": hidden,
                "batch": batch,
                "episodes": config.episodes,
                "reinforce": statistics.median(t[0] for t in turns),
                "bare": statistics.median(t[1] for t in turns),
                "ratio": statistics.median(t[0] / t[1] for t in turns),
            }
        )
    return rows
