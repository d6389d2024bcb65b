"""Timeline: when every frame of a video is shown, and from where it can be decoded.

Reading packets without decoding them tells both, and costs little beside decoding. Where a
container's times cannot name its frames (AVI knows the order of decoding alone), frames are
counted instead; and where there are packets without a picture (VP8, packed MPEG-4), which only
decoding shows, `count_frames` decodes everything once.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream

from data.video.container import open_video, start_seconds
from data.video.failure import VideoError

# Containers whose packets tell when a frame is shown, and that find a keyframe by its time.
TIMED = ("mp4", "matroska")
FALLBACK_RATE = 25.0  # frames a second, where a file tells neither times nor a rate


class MisnamedError(Exception):
    """Frames decode otherwise than the packets told; `count_frames` tells it right."""


@dataclass(frozen=True)
class Timeline:
    """The L frames of a video in the order they are shown.

    Attributes:
        seconds: [L] float64, when each is shown, from the start of the container; increasing.
        pts: [L] int64, the same in the track's own unit: the name by which a decoded frame is
            known. None: frames are known by their number, and must be counted from the first.
        key: [L] int64, the latest frame at or before each from which decoding can start.
        decoded: Whether decoding told it, and not the packets.
    """

    seconds: np.ndarray
    pts: np.ndarray | None
    key: np.ndarray
    decoded: bool = False

    def __len__(self) -> int:
        return len(self.seconds)

    def shown_at(self, seconds: np.ndarray) -> np.ndarray:
        """The frame on the screen at each time, [...] int64; the first and last stay for ever."""
        # A frame's own time, computed elsewhere in floating point, must still find that frame.
        number = np.searchsorted(self.seconds, np.asarray(seconds) + 1e-6, side="right") - 1
        return np.clip(number, 0, len(self) - 1)


def read_timeline(path: Path) -> Timeline:
    """Read when the frames of a video are shown, without decoding them.

    Raises:
        VideoError: if the file is no video, holds no frame, or ends before its index says.
    """
    with open_video(path) as (container, track):
        _check_whole(path, track)
        # No packet is kept: together they are as large as the file.
        packets = [
            (packet.pts, packet.dts, packet.is_keyframe)
            for packet in container.demux(track)
            if packet.size and not packet.is_discard
        ]
        if not packets:
            raise VideoError(f"{path}: has no frames")
        shown = [_first(time, decoded) for time, decoded, _ in packets]
        order = np.argsort(shown, kind="stable")
        pts = np.array(shown, np.int64)[order]
        seconds = _seconds(pts, container, track)
        if not _names_frames(container, [time for time, _, _ in packets]):
            return Timeline(seconds, None, np.zeros(len(pts), np.int64))
        # The first frame is where reading starts, marked as a keyframe or not.
        keyframe = np.array([key for _, _, key in packets])[order]
        key = np.maximum.accumulate(np.where(keyframe, np.arange(len(pts)), 0))
        return Timeline(seconds, pts, key)


def count_frames(path: Path) -> Timeline:
    """The timeline of a video as decoding all of it tells, for files whose packets do not.

    Raises:
        VideoError: if it cannot be decoded, or holds no frame.
    """
    with open_video(path) as (container, track):
        shown = [frame.pts for frame in container.decode(track)]
        if not shown:
            raise VideoError(f"{path}: has no frames")
        pts = np.array([0 if time is None else time for time in shown], np.int64)
        seconds = _seconds(pts, container, track)
        return Timeline(seconds, None, np.zeros(len(pts), np.int64), decoded=True)


def _check_whole(path: Path, track: VideoStream) -> None:
    """An index that stands before the frames (mp4) outlives them."""
    end = max((entry.pos + entry.size for entry in track.index_entries), default=0)
    size = path.stat().st_size
    if end > size:
        raise VideoError(
            f"{path}: is truncated: its frames reach to byte {end}, the file to {size}"
        )


def _names_frames(container: InputContainer, times: list[int | None]) -> bool:
    """Whether the packets' times tell the frames apart."""
    timed = any(name in container.format.name for name in TIMED)
    return timed and None not in times and len(set(times)) == len(times)


def _seconds(pts: np.ndarray, container: InputContainer, track: VideoStream) -> np.ndarray:
    """Times in seconds; where they do not increase, frames are told by number and rate."""
    if len(pts) > 1 and (np.diff(pts) <= 0).any():
        rate = track.average_rate or track.guessed_rate or FALLBACK_RATE
        return np.arange(len(pts)) / float(rate)
    unit = track.time_base
    assert unit is not None
    return pts * float(unit) - start_seconds(container)


def _first(time: int | None, other: int | None) -> int:
    return next((known for known in (time, other) if known is not None), 0)
