"""A replay buffer that samples consecutive transitions, whose video is encoded once."""

from typing import Any

import numpy as np
import torch
from stable_baselines3.common.buffers import ReplayBuffer
from stable_baselines3.common.type_aliases import ReplayBufferSamples

ARRAYS = ("observations", "next_observations", "actions", "rewards", "dones", "timeouts")


class SequenceReplayBuffer(ReplayBuffer):
    """Stable-Baselines3's buffer with n-step returns (gamma = 1), sampled in sequences.

    The cost of an update is that of encoding videos. A batch of single transitions has about as
    many videos as transitions; a batch of sequences has few.

    Args:
        sequence_length: Number of consecutive transitions of one environment sampled together.
        n_steps: Number of rewards in a return before the target bootstraps. A return stops at the
            episode's end, so with as many steps as an episode has, nothing is bootstrapped.
        *args, **keywords: As in `ReplayBuffer`.
    """

    def __init__(
        self, *args: Any, sequence_length: int = 1, n_steps: int = 1, **keywords: Any
    ) -> None:
        super().__init__(*args, **keywords)
        self.sequence_length, self.n_steps = sequence_length, n_steps

    def sample(self, batch_size: int, env: Any = None) -> ReplayBufferSamples:
        """A batch of about `batch_size` transitions, in whole sequences."""
        count, size = max(batch_size // self.sequence_length, 1), self.size()
        # Ages count from the oldest transition, so no sequence and no return wraps around to it.
        oldest = self.pos if self.full else 0
        first = np.random.randint(0, size, count)
        age = (first[:, None] + np.arange(self.sequence_length)) % size
        slots = np.random.randint(0, self.n_envs, count).repeat(self.sequence_length)
        return self.transitions(age.ravel(), slots, oldest)

    def transitions(self, age: np.ndarray, slots: np.ndarray, oldest: int) -> ReplayBufferSamples:
        """Transitions [k] with their n-step returns.

        Each is the one of environment `slots` [k] that has `age` [k] older ones; `oldest` is the
        index of the oldest.
        """
        size = self.size()
        steps = age[:, None] + np.arange(self.n_steps)
        there = steps < size
        index = (oldest + np.minimum(steps, size - 1)) % self.buffer_size
        column = slots[:, None]
        over = (self.dones[index, column] + self.timeouts[index, column] > 0) | ~there
        # A return adds up the rewards until the first end, inclusive.
        counted = there & (np.cumsum(over, axis=1) - over == 0)
        last = index[np.arange(len(age)), counted.sum(1) - 1]
        returns = (self.rewards[index, column] * counted).sum(1, keepdims=True)
        done = self.dones[last, slots] * (1 - self.timeouts[last, slots])
        now = (oldest + age) % self.buffer_size
        return ReplayBufferSamples(
            observations=self.to_torch(self.observations[now, slots]),
            actions=self.to_torch(self.actions[now, slots]),
            next_observations=self.to_torch(self.next_observations[last, slots]),
            dones=self.to_torch(done[:, None]),
            rewards=self.to_torch(returns),
            discounts=torch.ones(len(age), 1, device=self.device),
        )

    def truncate(self) -> None:
        """Mark the newest transitions as truncated unless they ended their episodes."""
        newest = (self.pos - 1) % self.buffer_size
        self.timeouts[newest] = np.maximum(self.timeouts[newest], 1 - self.dones[newest])

    def state_dict(self) -> dict[str, Any]:
        """The transitions in the buffer."""
        size = self.size()
        arrays = {name: torch.from_numpy(getattr(self, name)[:size]) for name in ARRAYS}
        return {"pos": int(self.pos), "full": bool(self.full), **arrays}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self.pos, self.full = state["pos"], state["full"]
        for name in ARRAYS:
            getattr(self, name)[: len(state[name])] = state[name].numpy()
