"""The algorithms of Stable-Baselines3 and sb3-contrib by name."""

import sb3_contrib
import stable_baselines3
from stable_baselines3.common.base_class import BaseAlgorithm

from frame_select_env import FrameSelectError
from frame_select_env.errors import known


def algorithms() -> dict[str, type[BaseAlgorithm]]:
    """All of them, "A2C" and so on."""
    found: dict[str, type[BaseAlgorithm]] = {}
    for library in (stable_baselines3, sb3_contrib):
        for name, value in vars(library).items():
            if isinstance(value, type) and issubclass(value, BaseAlgorithm):
                found[name] = value
    return found


def algorithm(name: str) -> type[BaseAlgorithm]:
    """The algorithm of that name.

    Raises:
        FrameSelectError: with the known ones.
    """
    found = algorithms()
    if name not in found:
        raise FrameSelectError(known("algorithm", name, found))
    return found[name]
