"""The sequential process: keep or discard the chunk of frames at the cursor, from first to last."""

from typing import Any

import numpy as np
from gymnasium import spaces

from frame_select_env.dynamics.actions import read_whole
from frame_select_env.dynamics.episodes import Episodes, Slots
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

    def apply(self, slots: Slots, actions: np.ndarray) -> np.ndarray:
        """Keep or discard the chunk at the cursor and move the cursor behind it."""
        table, chunk = self.table, self.chunk
        video, cursor = self.video[slots], self.cursor[slots]
        place = cursor // chunk if chunk > 1 else cursor
        self.kept_sum[slots] += table.chunk_sum[video, place] * actions[:, None]
        self.kept[slots] += table.chunk_size[video, place] * actions
        index = self.slots[slots]
        total = table.total[video]
        for offset in range(chunk):
            frame = cursor + offset
            if chunk > 1:  # the last chunk may reach past the video's end, and past T
                inside = frame < total
                self.selected[index[inside], frame[inside]] = actions[inside]
            else:
                self.selected[index, frame] = actions
        after = np.minimum(cursor + chunk, self.settings.num_frames)
        self.cursor[slots] = after
        return after >= total
