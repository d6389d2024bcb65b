"""Timeline: when each frame of a video is shown, where decoding can start, which are sampled.

Packets tell the first two, at little cost compared with decoding. Frames are counted instead if a
container's times do not identify them (AVI stores only the decoding order); if some packets have no
picture (VP8, packed MPEG-4), which only decoding reveals, `count_frames` decodes everything once.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream

from data.video.files import VideoError, open_video, start_seconds
from frame_select_env.cache import frame_index

# Containers whose packets have presentation times, and that can seek to a keyframe by time.
TIMED = ("mp4", "matroska")
FALLBACK_RATE = 25.0  # frames per second, if a file has neither times nor a rate


class MisnamedError(Exception):
    """The decoded frames differ from what the packets announced; use `count_frames`."""


@dataclass(frozen=True)
class Timeline:
    """The L frames of a video in the order they are shown."""

    seconds: np.ndarray  # [L] float64, when each is shown, from the container's start; increasing
    # [L] int64, the same in the track's own unit, which identifies a decoded frame; None: frames
    # are identified by counting from the first.
    pts: np.ndarray | None
    key: np.ndarray  # [L] int64, the latest frame at or before each where decoding can start
    decoded: bool = False  # whether this comes from decoding rather than from packets

    def __len__(self) -> int:
        return len(self.seconds)

    @property
    def interval(self) -> float:
        """The mean time from a frame to the next, s; 0 of a single frame."""
        return float(self.seconds[-1] - self.seconds[0]) / max(1, len(self) - 1)

    def shown_at(self, seconds: np.ndarray) -> np.ndarray:
        """The frame shown at each time, [...] int64; the first and last extend indefinitely."""
        # A frame's own time must find that frame, despite rounding.
        number = np.searchsorted(self.seconds, np.asarray(seconds) + 1e-6, side="right") - 1
        return np.clip(number, 0, len(self) - 1)


@dataclass(frozen=True)
class Sampling:
    """T frames of every video, all at a rate, or every n-th; no frame is sampled twice."""

    # T. Frame t is floor((t + 1/2) L / T) of the video's L frames; all frames if L <= T.
    num_frames: int = 25
    # Frames per second, shown at the times k / fps after the first frame; 0: `num_frames` instead.
    fps: float = 0.0
    every: int = 0  # n: the frames 0, n, 2n, ...; 0: `num_frames` or `fps` instead

    def __str__(self) -> str:
        if self.every:
            return f"1 of every {self.every}"
        return f"{self.fps:g} a second" if self.fps else f"{self.num_frames} a video"

    def numbers(self, timeline: Timeline) -> np.ndarray:
        """The sampled frames, [F] int64, increasing, at least one."""
        if self.every:
            return np.arange(0, len(timeline), self.every, dtype=np.int64)
        if not self.fps:
            index, valid = frame_index(np.array([len(timeline)]), self.num_frames)
            return index[valid].astype(np.int64)
        first, last = timeline.seconds[0], timeline.seconds[-1]
        # The last frame is shown for the average duration of the frames before it.
        count = max(1, np.ceil((last + timeline.interval - first) * self.fps - 1e-6))
        return np.unique(timeline.shown_at(first + np.arange(count) / self.fps))


def read_timeline(path: Path) -> Timeline:
    """Read the timeline of a video from its packets, without decoding."""
    with open_video(path) as (container, track):
        # An index before the frames (mp4) survives truncation.
        end = max((entry.pos + entry.size for entry in track.index_entries), default=0)
        if end > (size := path.stat().st_size):
            raise VideoError(
                f"{path}: is truncated: its frames need {end} bytes, but the file has {size}"
            )
        # Packets are not kept: together they are as large as the file.
        packets = [
            (packet.pts, packet.dts, packet.is_keyframe)
            for packet in container.demux(track)
            if packet.size and not packet.is_discard
        ]
        if not packets:
            raise VideoError(f"{path}: has no frames")
        shown = [pts if pts is not None else dts or 0 for pts, dts, _ in packets]
        order = np.argsort(shown, kind="stable")
        pts = np.array(shown, np.int64)[order]
        seconds = _seconds(pts, container, track)
        times = [time for time, _, _ in packets]
        timed = any(name in container.format.name for name in TIMED)
        # Frames must differ in their times.
        if not timed or None in times or len(set(times)) < len(times):
            return Timeline(seconds, None, np.zeros(len(pts), np.int64))
        # Reading starts at the first frame, whether or not it is marked as a keyframe.
        keyframe = np.array([key for _, _, key in packets])[order]
        key = np.maximum.accumulate(np.where(keyframe, np.arange(len(pts)), 0))
        return Timeline(seconds, pts, key)


def count_frames(path: Path) -> Timeline:
    """The timeline of a video from decoding all of it, for files with misleading packets."""
    with open_video(path) as (container, track):
        shown = [frame.pts for frame in container.decode(track)]
        if not shown:
            raise VideoError(f"{path}: has no frames")
        pts = np.array([0 if time is None else time for time in shown], np.int64)
        seconds = _seconds(pts, container, track)
        return Timeline(seconds, None, np.zeros(len(pts), np.int64), decoded=True)


def _seconds(pts: np.ndarray, container: InputContainer, track: VideoStream) -> np.ndarray:
    """Times in seconds; computed from number and rate if the stored times do not increase."""
    if len(pts) > 1 and (np.diff(pts) <= 0).any():
        rate = track.average_rate or track.guessed_rate or FALLBACK_RATE
        return np.arange(len(pts)) / float(rate)
    unit = track.time_base
    assert unit is not None
    return pts * float(unit) - start_seconds(container)
