"""The sequential process: keep or discard the chunk of frames at the cursor, from first to last."""

from typing import Any

import numpy as np
from gymnasium import spaces

from frame_select_env.dynamics.actions import read_whole
from frame_select_env.dynamics.episodes import Episodes
from frame_select_env.dynamics.settings import SequentialSettings, Settings


class SequentialEpisodes(Episodes):
    """Episodes of FrameSelect/Sequential-v0."""

    settings_class = SequentialSettings

    def __init__(self, settings: Settings, num_slots: int) -> None:
        super().__init__(settings, num_slots)
        self.action_space = spaces.Discrete(2)

    def read_actions(self, actions: Any, count: int) -> np.ndarray:
        """[count] of 0 and 1, as bool."""
        return read_whole(actions, (count,), 2).astype(bool, copy=False)

    def apply(self, actions: np.ndarray, going: np.ndarray | None) -> np.ndarray:
        """Keep or discard the chunk at the cursor and move the cursor behind it."""
        table, chunk, cursor = self.table, self.chunk, self.cursor
        if going is not None:
            actions = actions & going
        place = self.video * table.chunks
        place += cursor // chunk if chunk > 1 else cursor
        sums = table.chunk_sum.take(place, axis=0)
        sums *= actions.astype(np.float64)[:, None]  # mixed types would be cast in a buffer
        self.kept_sum += sums
        if chunk == 1:
            self.selected[self.slots, cursor] = actions
            self.kept += actions
            cursor += 1 if going is None else going
        else:
            self.kept += table.chunk_size.take(place) * actions
            frame = cursor[:, None] + np.arange(chunk)
            # The last chunk may reach past the video's end, and past T.
            slot, offset = (frame < self.length[:, None]).nonzero()
            self.selected[slot, frame[slot, offset]] = actions[slot]
            cursor += chunk if going is None else chunk * going
            np.minimum(cursor, self.settings.num_frames, out=cursor)
        ended = cursor >= self.length
        return ended if going is None else ended & going
