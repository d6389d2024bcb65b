"""Selection: the frames picked of a video."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from data.video.frames import read_sizes
from data.video.timeline import MisnamedError, Timeline, count_frames

DECODING_THREADS = 0  # one per CPU


@dataclass(frozen=True, eq=False)
class Selection:
    """The m frames picked of a video, in the order of time.

    Attributes:
        path: The video's file.
        indices: [m] int64, their numbers in the video, from 0.
        seconds: [m] float64, when each is shown, from the start of the file.
        scores: [m] float64, importance, higher is better.
        predictions: [m, C] float32, class probabilities of each frame (regression: values).
        timeline: When every frame of the video is shown.
    """

    path: Path
    indices: np.ndarray
    seconds: np.ndarray
    scores: np.ndarray
    predictions: np.ndarray
    timeline: Timeline = field(repr=False)

    @property
    def video_metadata(self) -> dict[str, Any]:
        """The arguments of `transformers.video_utils.VideoMetadata`, as JSON types.

        `fps` is the average rate, frames per second, and `duration` the time in which all frames
        are shown, s; both None for a single frame. With a variable rate only `seconds` are right.
        """
        total, interval = len(self.timeline), self.timeline.interval
        return {
            "total_num_frames": total,
            "fps": round(1 / interval, 6) if interval else None,
            "duration": round(total * interval, 6) if interval else None,
            "video_backend": "pyav",
            "frames_indices": self.indices.tolist(),
        }

    def pictures(self) -> Iterator[np.ndarray]:
        """Decode the frames: [h, w, 3] uint8 RGB each, upright, in the video's resolution.

        Raises:
            VideoError: if one cannot be decoded.
        """
        done = 0
        try:
            for picture in self._read(self.timeline, self.indices):
                yield picture
                done += 1
        except MisnamedError:  # its packets mislead only now that other frames are skipped
            timeline = count_frames(self.path)
            yield from self._read(timeline, timeline.shown_at(self.seconds[done:]))

    def _read(self, timeline: Timeline, numbers: np.ndarray) -> Iterator[np.ndarray]:
        found = read_sizes(self.path, timeline, numbers, [None], DECODING_THREADS)
        return (picture for _, (picture,) in found)
