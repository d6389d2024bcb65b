"""Seeds: every epoch of a run draws from generators of its own."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from agents.task import Task


def epoch_seed(task: Task, epoch: int) -> int:
    """The seed of what is drawn in one epoch of a run, counted from 1; 0 is before training."""
    return int(np.random.SeedSequence([task.seed, epoch]).generate_state(1)[0])


@contextmanager
def seeded(task: Task, epoch: int = 0) -> Iterator[None]:
    """Seed the global generators of torch, NumPy and Python, and leave them as they were found.

    Dropout and Stable-Baselines3 draw from them.
    """
    numpy_state, python_state = np.random.get_state(), random.getstate()
    try:
        with torch.random.fork_rng(devices=[] if task.device == "cpu" else None):
            seed = epoch_seed(task, epoch)
            torch.manual_seed(seed)
            np.random.seed(seed)
            random.seed(seed)
            yield
    finally:
        np.random.set_state(numpy_state)
        random.setstate(python_state)
