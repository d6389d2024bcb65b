"""Seeds: every epoch of a run draws from generators of its own."""

import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TypeVar

import numpy as np
import torch
from torch import nn

from agents.task import Task

Built = TypeVar("Built", bound=nn.Module)


def epoch_seed(task: Task, epoch: int) -> int:
    """The seed of what is drawn in one epoch of a run, counted from 1; 0 is before training."""
    return int(np.random.SeedSequence([task.seed, epoch]).generate_state(1)[0])


def first_network(task: Task, build: Callable[[], Built]) -> Built:
    """The network that `build` makes, with the weights of the task's seed, on the task's device."""
    with _forked(task):
        torch.manual_seed(task.seed)
        return build().to(task.device)


def _forked(task: Task) -> AbstractContextManager[None]:
    """Torch's generators of the CPU and of the task's device are as they were found afterwards."""
    devices = [] if task.device == "cpu" else [torch.device(task.device)]
    return torch.random.fork_rng(devices=devices)


@contextmanager
def seeded(task: Task, epoch: int = 0) -> Iterator[None]:
    """Seed the global generators of torch, NumPy and Python, and leave them as they were found.

    Dropout and Stable-Baselines3 draw from them.
    """
    numpy_state, python_state = np.random.get_state(), random.getstate()
    try:
        with _forked(task):
            seed = epoch_seed(task, epoch)
            torch.manual_seed(seed)
            np.random.seed(seed)
            random.seed(seed)
            yield
    finally:
        np.random.set_state(numpy_state)
        random.setstate(python_state)
