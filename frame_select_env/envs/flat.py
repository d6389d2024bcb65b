"""An observation as one box, for libraries that take no Dict, and how to cut it again."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces

from frame_select_env.envs.episodes import Episodes
from frame_select_env.envs.half import float32_of
from frame_select_env.envs.settings import FLAT_MASK

MASK = "action_mask"


@dataclass(frozen=True)
class FlatLayout:
    """Where the parts of a flat observation [n] are.

    The order is that of the Dict space, alphabetical; each part is in row-major order. The action
    mask comes last.

    Attributes:
        slices: Part -> its place among the n numbers.
        shapes: Part -> its shape before it was flattened.
    """

    slices: dict[str, slice]
    shapes: dict[str, tuple[int, ...]]

    def split(self, observations: Any) -> dict[str, Any]:
        """Cut observations [..., n], an array or a tensor, into parts [..., *shape], float32."""
        leading = observations.shape[:-1]
        return {
            name: observations[..., where].reshape(*leading, *self.shapes[name])
            for name, where in self.slices.items()
        }


class FlatObservation:
    """What another mode observes, as one float32 box; with "flat+mask" and the action mask."""

    def __init__(
        self,
        space: spaces.Dict,
        observe: Callable[[Episodes], dict[str, np.ndarray]],
        episodes: Episodes,
    ) -> None:
        self._observe = observe
        parts: dict[str, spaces.Space] = dict(space.items())
        if episodes.settings.observation == FLAT_MASK:
            actions: Any = episodes.action_space
            parts[MASK] = spaces.MultiBinary(int(actions.n))
        bounds = {name: _bounds(part) for name, part in parts.items()}
        ends = np.cumsum([low.size for low, _ in bounds.values()]).tolist()
        places = [slice(*pair) for pair in zip([0, *ends], ends, strict=False)]
        self.layout = FlatLayout(
            slices=dict(zip(parts, places, strict=True)),
            shapes={name: low.shape for name, (low, _) in bounds.items()},
        )
        low, high = (
            np.concatenate([pair[end].ravel() for pair in bounds.values()]) for end in (0, 1)
        )
        self.space = spaces.Box(low, high, dtype=np.float32)

    def __call__(self, episodes: Episodes) -> np.ndarray:
        """One array [B, n] float32."""
        values = self._observe(episodes)
        if MASK in self.layout.slices:
            masks = episodes.action_masks()
            assert masks is not None
            values[MASK] = masks
        flat = np.empty((episodes.num_slots, *self.space.shape), np.float32)
        for name, where in self.layout.slices.items():
            part = values[name].reshape(episodes.num_slots, -1)
            if part.dtype == np.float16:
                float32_of(part, out=flat[:, where])
            else:
                flat[:, where] = part
        return flat


def _bounds(part: spaces.Space) -> tuple[np.ndarray, np.ndarray]:
    """The bounds of a Box or a MultiBinary, float32 in its shape."""
    if isinstance(part, spaces.Box):
        return part.low.astype(np.float32), part.high.astype(np.float32)
    return np.zeros(part.shape or (), np.float32), np.ones(part.shape or (), np.float32)
