"""The one-step process: keep or discard every frame at once."""

from typing import Any

import numpy as np
from gymnasium import spaces

from frame_select_env.dynamics.actions import read_whole
from frame_select_env.dynamics.episodes import Episodes
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

    def apply(self, actions: np.ndarray, going: np.ndarray | None) -> np.ndarray:
        """Select the frames whose action is 1; padding is never selected."""
        if going is not None:
            actions = actions & going[:, None]
        self.selected = selected = actions & self.valid(self.video)
        weights = selected.astype(np.float64)
        # A sum of ones is exact in float64 too, and BLAS is faster than adding up booleans.
        self.kept = (weights @ np.ones(weights.shape[1])).astype(np.int64)
        sums = self.table.chunk_sum.reshape(-1, self.table.chunks, self.kept_sum.shape[1])
        self.kept_sum = np.matmul(weights[:, None, :], sums.take(self.video, axis=0))[:, 0]
        return np.ones(self.num_slots, bool) if going is None else going.copy()
