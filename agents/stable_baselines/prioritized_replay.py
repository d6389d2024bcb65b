"""Prioritised replay of sequences: those with large errors are sampled more often."""

from typing import Any, ClassVar

import numpy as np

from agents.stable_baselines.replay import Places, SequenceReplayBuffer


class PrioritizedReplayBuffer(SequenceReplayBuffer):
    """A `SequenceReplayBuffer` that draws sequences by their errors.

    A transition's priority is p_i = (|TD error| + eps)^alpha, that of its last update; a new one
    has the highest priority so far. A sequence of L transitions is drawn with a probability
    proportional to the mean of their priorities: a transition is drawn by its priority, and then
    which of the L places of the sequence it has. (A priority of the sequence itself would tell
    little: sequences overlap, and most are never drawn a second time.) The probability P is exact,
    so with beta = 1 the weights (N P)^-beta undo it; N is the number of sequences. As in the paper
    they are divided by the largest of the batch.

    Args:
        alpha: Exponent of the priorities; 0 samples uniformly.
        beta: Exponent of the weights; whoever trains anneals the attribute to 1.
        eps: What is added to errors, so that none has probability 0.
        *args, **keywords: As in `SequenceReplayBuffer`.

    Source: Schaul, Quan, Antonoglou and Silver, "Prioritized Experience Replay", ICLR 2016, Eq. 1
    and Section 3.4 (proportional; drawn independently instead of from strata).
    """

    arrays: ClassVar[tuple[str, ...]] = (*SequenceReplayBuffer.arrays, "priorities")

    def __init__(
        self, *args: Any, alpha: float = 0.6, beta: float = 0.4, eps: float = 1e-6, **keywords: Any
    ) -> None:
        super().__init__(*args, **keywords)
        self.alpha, self.beta, self.eps = alpha, beta, eps
        self.priorities = np.zeros((self.buffer_size, self.n_envs), np.float32)
        self.highest = 1.0  # of all priorities so far

    def add(self, *args: Any, **keywords: Any) -> None:
        """Add a transition of every environment, with the highest priority so far."""
        self.priorities[self.pos] = self.highest
        super().add(*args, **keywords)

    def draw(self, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """As in `SequenceReplayBuffer`, by priority."""
        size, length = self.size(), self.sequence_length
        held = self.priorities[:size]
        summed = held.ravel().cumsum(dtype=np.float64)
        drawn = summed.searchsorted(np.random.rand(count) * summed[-1], side="right")
        # A product may round up to the sum.
        index, slots = np.divmod(np.minimum(drawn, held.size - 1), self.n_envs)
        first = (index - self.oldest() - np.random.randint(0, length, count)) % size
        age = (first[:, None] + np.arange(length)) % size
        members = held[(self.oldest() + age) % size, slots[:, None]]
        probability = members.mean(axis=1, dtype=np.float64) / summed[-1]
        weights = (held.size * probability) ** -self.beta
        return first, slots, weights / weights.max()

    def update_priorities(self, places: Places, errors: np.ndarray) -> None:
        """Set the priorities of transitions from their TD errors [k]."""
        found = (np.abs(errors) + self.eps) ** self.alpha
        self.priorities[places] = found
        self.highest = max(self.highest, float(found.max()))

    def state_dict(self) -> dict[str, Any]:
        """The transitions in the buffer, and their priorities."""
        return {**super().state_dict(), "highest": self.highest}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        super().load_state_dict(state)
        self.highest = state["highest"]
