"""The set-building process: add one frame at a time, in any order."""

from typing import Any

import numpy as np
from gymnasium import spaces

from frame_select_env.dynamics.actions import read_whole
from frame_select_env.dynamics.episodes import EVERY, Episodes, Facts, Slots
from frame_select_env.dynamics.settings import PickSettings


class PickEpisodes(Episodes):
    """Episodes of FrameSelect/Pick-v0; `cursor` counts the steps."""

    settings_class = PickSettings
    settings: PickSettings

    def __init__(self, settings: PickSettings, num_slots: int) -> None:
        super().__init__(settings, num_slots)
        self.num_actions = settings.num_frames + settings.stop
        self.action_space = spaces.Discrete(self.num_actions)

    def read_actions(self, actions: Any, count: int) -> np.ndarray:
        """[count] int, a frame each, or T to stop."""
        return read_whole(actions, (count,), self.num_actions).astype(np.int64, copy=False)

    def apply(self, actions: np.ndarray, going: np.ndarray | None) -> np.ndarray:
        """Add the frame; one that is selected already, or padding, is not added again."""
        settings, table, slots = self.settings, self.table, self.slots
        frame = np.minimum(actions, settings.num_frames - 1)
        added = (actions < self.length) & ~self.selected[slots, frame]
        if going is not None:
            added &= going
        self.selected[slots, frame] |= added
        sums = table.chunk_sum.take(self.video * table.chunks + frame, axis=0)
        sums *= added.astype(np.float64)[:, None]  # mixed types would be cast in a buffer
        self.kept_sum += sums
        self.kept += added
        self.cursor += 1 if going is None else going
        ended = (self.cursor >= settings.picks) | (self.kept >= self.length)
        if settings.stop:
            ended |= actions == settings.num_frames
        return ended if going is None else ended & going

    def action_masks(self, slots: Slots = EVERY) -> np.ndarray:
        """Which actions are legal, bool [k, n]: valid frames not yet selected, and stopping."""
        masks = np.ones((len(self.slots[slots]), self.num_actions), bool)
        masks[:, : self.settings.num_frames] = self.valid(self.video[slots]) & ~self.selected[slots]
        return masks

    def notes(self, slots: Slots) -> Facts:
        """The action mask, int8 [k, n] as Gymnasium's `Discrete.sample` takes it."""
        return {"action_mask": self.action_masks(slots).astype(np.int8)}
