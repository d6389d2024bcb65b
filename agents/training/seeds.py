"""Seeds of many runs: how many, or which."""

from collections.abc import Sequence
from typing import TypeAlias

from frame_select_env import FrameSelectError

Seeds: TypeAlias = int | Sequence[int]


def expand_seeds(seeds: Seeds) -> tuple[int, ...]:
    """The seeds that a count n stands for, 0 to n - 1; those of a sequence are the seeds.

    Raises:
        FrameSelectError: for a count below 1, and for a seed that is below 0 or duplicated.
    """
    if isinstance(seeds, int) and not isinstance(seeds, bool):
        if seeds < 1:
            raise FrameSelectError(f"seeds={seeds}: must be at least 1")
        return tuple(range(seeds))
    if not isinstance(seeds, list | tuple):
        raise FrameSelectError(f"seeds={seeds!r}: must be a number of seeds, or a list of them")
    if not len(seeds):
        raise FrameSelectError("seeds: give their number, or the seeds themselves")
    for place, seed in enumerate(seeds):
        if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
            raise FrameSelectError(f"seeds: {seed!r} must be an integer of at least 0")
        if seed in seeds[:place]:
            raise FrameSelectError(f"seeds: {seed} is duplicated")
    return tuple(seeds)
