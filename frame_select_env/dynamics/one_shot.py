"""The one-step process: keep or discard every frame at once."""

from typing import Any

import numpy as np
from gymnasium import spaces

from frame_select_env.dynamics.actions import read_whole
from frame_select_env.dynamics.episodes import Episodes, Slots
from frame_select_env.dynamics.settings import OneShotSettings, Settings


class OneShotEpisodes(Episodes):
    """Episodes of FrameSelect/OneShot-v0."""

    settings_class = OneShotSettings

    def __init__(self, settings: Settings, num_slots: int) -> None:
        super().__init__(settings, num_slots)
        self.action_space = spaces.MultiBinary(settings.num_frames)

    def read_actions(self, actions: Any, count: int) -> np.ndarray:
        """[count, T] of 0 and 1, as bool."""
        shape = (count, self.settings.num_frames)
        return read_whole(actions, shape, 2).astype(bool, copy=False)

    def apply(self, slots: Slots, actions: np.ndarray) -> np.ndarray:
        """Select the frames whose action is 1; padding is never selected."""
        video = self.video[slots]
        selected = actions & self.valid(video)
        self.selected[slots] = selected
        self.kept[slots] = selected.sum(axis=1)
        weights = selected.astype(np.float64)[:, None, :]
        self.kept_sum[slots] = np.matmul(weights, self.table.chunk_sum[video])[:, 0]
        return np.ones(len(video), bool)
