"""Rendering the episodes of an environment, single or vector."""

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.core import RenderFrame
from gymnasium.error import ResetNeeded

from frame_select_env.dynamics import Episodes, Slots
from frame_select_env.errors import FrameSelectError
from frame_select_env.render.ansi import ansi
from frame_select_env.render.image import Layout, draw
from frame_select_env.render.scene import read_scene

RENDER_METADATA: dict[str, Any] = {"render_modes": ["rgb_array", "ansi"], "render_fps": 4}


class Viewer:
    """Renders episodes, and adds up their rewards, which the episodes themselves forget.

    Args:
        episodes: What to show.
        mode: "rgb_array", "ansi", or None: nothing is rendered.

    Raises:
        FrameSelectError: for another mode.
    """

    def __init__(self, episodes: Episodes, mode: str | None) -> None:
        allowed = RENDER_METADATA["render_modes"]
        if mode is not None and mode not in allowed:
            listed = ", ".join(map(repr, allowed))
            raise FrameSelectError(f"render_mode={mode!r}: must be None or one of {listed}")
        self.episodes, self.mode = episodes, mode
        self.earned = np.zeros(episodes.num_slots)
        self.begun = np.zeros(episodes.num_slots, bool)

    def begin(self, slots: Slots) -> None:
        """New episodes start in `slots`."""
        self.earned[slots] = 0.0
        self.begun[slots] = True

    def add(self, rewards: np.ndarray) -> None:
        """A step has paid `rewards` [B]."""
        if self.mode is not None:
            self.earned += rewards

    def render(self, slot: int, over: bool) -> RenderFrame | None:
        """One episode: an image [H, W, 3] uint8, a text, or None without a render mode.

        Args:
            slot: Which of the B.
            over: Whether it has ended.

        Raises:
            ResetNeeded: if it was never begun.
        """
        if not self.begun[slot]:
            raise ResetNeeded("call reset() before render()")
        if self.mode is None:
            gym.logger.warn(
                "render() was called without a render mode; "
                "pass render_mode='rgb_array' or 'ansi' to gym.make"
            )
            return None
        scene = read_scene(self.episodes, slot, float(self.earned[slot]), over)
        return ansi(scene) if self.mode == "ansi" else draw(scene, Layout.of(scene))
