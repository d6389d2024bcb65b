"""Which frames of a video are sampled."""

from dataclasses import dataclass

import numpy as np

from data.video.timeline import Timeline
from frame_select_env.cache import frame_index


@dataclass(frozen=True)
class Sampling:
    """T frames of every video, or all at a rate; no frame is sampled twice.

    Attributes:
        num_frames: T: frame t is floor((t + 1/2) L / T) of the L that the video has, all of them
            where L <= T. Used where fps is 0.
        fps: Frames a second: those on the screen at the times k / fps from the first frame on.
    """

    num_frames: int = 25
    fps: float = 0.0

    def numbers(self, timeline: Timeline) -> np.ndarray:
        """The sampled frames, [F] int64, increasing, at least one."""
        if not self.fps:
            index, valid = frame_index(np.array([len(timeline)]), self.num_frames)
            return index[valid].astype(np.int64)
        first, last = timeline.seconds[0], timeline.seconds[-1]
        # The last frame stays on the screen as long as the frames before it did on average.
        stays = (last - first) / max(1, len(timeline) - 1)
        times = (
            first + np.arange(max(1, np.ceil((last + stays - first) * self.fps - 1e-6))) / self.fps
        )
        return np.unique(timeline.shown_at(times))
