"""Which video comes next in every episode slot."""

from collections.abc import Callable

import numpy as np

BLOCK = 256  # videos drawn at a time: a generator call per episode would cost more than the episode


class Draws:
    """Videos drawn uniformly, with replacement, by each slot's own generator, in blocks.

    Args:
        rows: [n] int, the videos to draw from.
        num_slots: B.
        generator: The generator of a slot, asked for when a block is drawn.
    """

    def __init__(
        self,
        rows: np.ndarray,
        num_slots: int,
        generator: Callable[[int], np.random.Generator],
    ) -> None:
        self.rows = rows
        self._generator = generator
        self._block = np.zeros((num_slots, BLOCK), np.int64)
        self._next = np.full(num_slots, BLOCK)

    def restart(self, slot: int) -> None:
        """Forget the slot's drawn videos: its generator is a new one."""
        self._next[slot] = BLOCK

    def take(self, slots: np.ndarray) -> np.ndarray:
        """The next video of every slot in `slots` [k], as rows [k] of the cache."""
        place = self._next[slots]
        if place.max() == BLOCK:
            for slot in slots[place == BLOCK]:
                draw = self._generator(int(slot)).integers(0, len(self.rows), BLOCK)
                self._block[slot] = self.rows[draw]
            place = np.where(place == BLOCK, 0, place)
        self._next[slots] = place + 1
        return self._block[slots, place]
