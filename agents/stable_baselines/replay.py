"""A replay buffer that samples consecutive transitions, whose video is encoded once."""

from typing import Any, ClassVar, NamedTuple, TypeAlias

import numpy as np
import torch
from stable_baselines3.common.buffers import ReplayBuffer
from stable_baselines3.common.type_aliases import ReplayBufferSamples

# Where transitions are: their index and their environment, [k] each.
Places: TypeAlias = tuple[np.ndarray, np.ndarray]


class SequenceSamples(NamedTuple):
    """Stable-Baselines3's `ReplayBufferSamples` of k transitions, and how they were drawn."""

    observations: torch.Tensor
    actions: torch.Tensor
    next_observations: torch.Tensor
    dones: torch.Tensor
    rewards: torch.Tensor
    discounts: torch.Tensor
    weights: torch.Tensor  # [k, 1], of their losses
    places: Places


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

    arrays: ClassVar[tuple[str, ...]] = (  # what a transition consists of
        *("observations", "next_observations", "actions"),
        *("rewards", "dones", "timeouts"),
    )

    def __init__(
        self, *args: Any, sequence_length: int = 1, n_steps: int = 1, **keywords: Any
    ) -> None:
        super().__init__(*args, **keywords)
        self.sequence_length, self.n_steps = sequence_length, n_steps

    def sample(self, batch_size: int, env: Any = None) -> SequenceSamples:  # type: ignore[override]
        """A batch of about `batch_size` transitions, in whole sequences."""
        first, slots, weights = self.draw(max(batch_size // self.sequence_length, 1))
        age = ((first[:, None] + np.arange(self.sequence_length)) % self.size()).ravel()
        slots, weights = (one.repeat(self.sequence_length) for one in (slots, weights))
        places = (self.oldest() + age) % self.buffer_size, slots
        each = torch.as_tensor(weights[:, None], dtype=torch.float32, device=self.device)
        found = self.transitions(age, slots)._asdict()
        return SequenceSamples(**found, weights=each, places=places)

    def draw(self, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Draw sequences: the ages of their first transitions, environments, weights, [k] each.

        Ages count from the oldest transition, so no return wraps around to it.
        """
        first = np.random.randint(0, self.size(), count)
        return first, np.random.randint(0, self.n_envs, count), np.ones(count)

    def update_priorities(self, places: Places, errors: np.ndarray) -> None:
        """Take note of the TD errors [k] of transitions; drawing uniformly has no use for them."""

    def oldest(self) -> int:
        """The index of the oldest transition."""
        return self.pos if self.full else 0

    def transitions(self, age: np.ndarray, slots: np.ndarray) -> ReplayBufferSamples:
        """Transitions [k] with their n-step returns.

        Each is the one of environment `slots` [k] that has `age` [k] older ones.
        """
        size, oldest = self.size(), self.oldest()
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
        arrays = {name: torch.from_numpy(getattr(self, name)[:size]) for name in self.arrays}
        return {"pos": int(self.pos), "full": bool(self.full), **arrays}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self.pos, self.full = state["pos"], state["full"]
        for name in self.arrays:
            getattr(self, name)[: len(state[name])] = state[name].numpy()
