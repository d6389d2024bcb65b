"""A replay buffer that samples stretches of an episode, whose decisions share one encoding."""

from typing import Any

import numpy as np
import torch
from stable_baselines3.common.buffers import ReplayBuffer
from stable_baselines3.common.type_aliases import ReplayBufferSamples

ARRAYS = ("observations", "next_observations", "actions", "rewards", "dones", "timeouts")


class StretchReplayBuffer(ReplayBuffer):
    """Stable-Baselines3's buffer, with n-step returns (gamma = 1) and stretches of transitions.

    A batch of single transitions is about as many videos, and encoding a video is what an update
    costs. Stretches of consecutive transitions are about few.

    Args:
        stretch: Consecutive transitions of one environment that are sampled together.
        n_steps: Rewards that a return adds up before the target bootstraps; at an episode's end it
            stops, so with as many as an episode has nothing is bootstrapped.
        *args, **keywords: As in `ReplayBuffer`.
    """

    def __init__(self, *args: Any, stretch: int = 1, n_steps: int = 1, **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        self.stretch, self.n_steps = stretch, n_steps

    def sample(self, batch_size: int, env: Any = None) -> ReplayBufferSamples:
        """A batch of about `batch_size` transitions, in whole stretches."""
        count, size = max(batch_size // self.stretch, 1), self.size()
        # Counted from the oldest transition, no stretch and no return runs into it again.
        oldest = self.pos if self.full else 0
        first = np.random.randint(0, size, count)
        age = (first[:, None] + np.arange(self.stretch)) % size
        slots = np.random.randint(0, self.n_envs, count).repeat(self.stretch)
        return self.transitions(age.ravel(), slots, oldest)

    def transitions(self, age: np.ndarray, slots: np.ndarray, oldest: int) -> ReplayBufferSamples:
        """The transitions [k] with their n-step returns.

        Args:
            age: [k] int, how many transitions of the same environment are older.
            slots: [k] int, the environments.
            oldest: Where the oldest transition is.
        """
        size = self.size()
        steps = age[:, None] + np.arange(self.n_steps)
        there = steps < size
        place = (oldest + np.minimum(steps, size - 1)) % self.buffer_size
        column = slots[:, None]
        over = (self.dones[place, column] + self.timeouts[place, column] > 0) | ~there
        # A return takes the rewards up to the first end, that one included.
        counted = there & (np.cumsum(over, axis=1) - over == 0)
        last = place[np.arange(len(age)), counted.sum(1) - 1]
        returns = (self.rewards[place, column] * counted).sum(1, keepdims=True)
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

    def cut(self) -> None:
        """Mark the newest transitions as cut off where their episodes go on."""
        newest = (self.pos - 1) % self.buffer_size
        self.timeouts[newest] = np.maximum(self.timeouts[newest], 1 - self.dones[newest])

    def state_dict(self) -> dict[str, Any]:
        """What has been put into the buffer."""
        size = self.size()
        arrays = {name: torch.from_numpy(getattr(self, name)[:size]) for name in ARRAYS}
        return {"pos": int(self.pos), "full": bool(self.full), **arrays}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Fill the buffer."""
        self.pos, self.full = state["pos"], state["full"]
        for name in ARRAYS:
            getattr(self, name)[: len(state[name])] = state[name].numpy()
