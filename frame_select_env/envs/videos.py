"""Which video an episode is about: drawn from the split, or chosen by `options["video"]`."""

from collections.abc import Callable
from typing import Any

import numpy as np

from frame_select_env.cache import FeatureCache
from frame_select_env.cache.schema import UNKNOWN_LABEL
from frame_select_env.errors import FrameSelectError

BLOCK = 256  # videos drawn at a time: a generator call per episode would cost more than the episode


def requested_rows(cache: FeatureCache, videos: Any, count: int) -> np.ndarray:
    """The rows [count] that `options["video"]` asks for, an int or `count` ints."""
    rows = np.asarray(videos)
    if rows.dtype.kind not in "iu" or rows.shape not in ((), (count,)):
        raise FrameSelectError(
            f"options['video']={videos!r}: must be a row of the cache"
            + (f", or {count} of them" if count > 1 else "")
        )
    rows = np.broadcast_to(rows.astype(np.int64), (count,))
    wrong = rows[(rows < 0) | (rows >= len(cache))]
    if len(wrong):
        raise FrameSelectError(
            f"options['video']={wrong[0]}: the cache has rows 0 to {len(cache) - 1}"
        )
    if cache.task == "classification":
        unknown = rows[cache.labels[rows] == UNKNOWN_LABEL]
        if len(unknown):
            raise FrameSelectError(
                f"options['video']={unknown[0]}: its label is unknown, so there is no reward"
            )
    return rows


class Draws:
    """Videos drawn from `rows` uniformly with replacement, in blocks, by each slot's generator."""

    def __init__(
        self, rows: np.ndarray, num_slots: int, generator: Callable[[int], np.random.Generator]
    ) -> None:
        self.rows = rows
        self._generator = generator
        self._block = np.zeros((num_slots, BLOCK), np.int64)
        self._next = np.full(num_slots, BLOCK)

    def restart(self, slot: int) -> None:
        """Discard the slot's drawn videos, because its generator was replaced."""
        self._next[slot] = BLOCK

    def take(self, slots: np.ndarray) -> np.ndarray:
        """The next video of every slot in `slots` [k], as rows [k] of the cache."""
        index = self._next[slots]
        if index.max() == BLOCK:
            for slot in slots[index == BLOCK]:
                draw = self._generator(int(slot)).integers(0, len(self.rows), BLOCK)
                self._block[slot] = self.rows[draw]
            index = np.where(index == BLOCK, 0, index)
        self._next[slots] = index + 1
        return self._block[slots, index]
