"""Reading frames of a video by number, scaled and upright, in one pass."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.video.reformatter import Interpolation, VideoReformatter
from av.video.stream import VideoStream

from data.video.files import VideoError, open_video
from data.video.timeline import MisnamedError, Timeline

# Seek only past at least this many frames: seeking empties the decoder's pipeline.
JUMP = 12
SMALLEST = 8  # pixels of the shorter side; nothing is recognisable below
LONGEST = 8  # maximum aspect ratio: longer pictures would not fit in memory when scaled up


def read_sizes(
    path: Path,
    timeline: Timeline,
    wanted: np.ndarray,
    sides: Sequence[int | None],
    threads: int = 1,
) -> Iterator[tuple[int, list[np.ndarray]]]:
    """Yield the wanted frames in the order they are shown, each in several sizes.

    Seeks from keyframe to keyframe if they are dense enough to save decoding; otherwise decodes
    everything, with that many threads (0: one per CPU). `wanted` are increasing numbers, `sides`
    pixels of the shorter side, None: unscaled. Yields the number, and for every side the frame
    [h, w, 3] uint8 RGB, upright.

    Raises:
        VideoError: if a wanted frame cannot be decoded.
        MisnamedError: if the decoded frames differ from a timeline read from packets.
    """
    read = _by_number if timeline.pts is None else _by_time
    with open_video(path, threads) as (container, track):
        aspect = float(track.sample_aspect_ratio or 1)
        pictures = [Picture(path, side, aspect) for side in sides]
        for number, frame in read(container, track, timeline, wanted):
            if frame.is_corrupt:
                raise VideoError(f"{path}: frame {number} is damaged")
            yield number, [picture.read(frame) for picture in pictures]
            wanted = wanted[1:]
    if len(wanted):
        if not timeline.decoded:
            raise MisnamedError
        raise VideoError(f"{path}: ends before frame {wanted[0]} of {len(timeline)}")


class Picture:
    """Converts a video's frames to upright RGB arrays of one size; shrinking is antialiased."""

    def __init__(self, path: Path, side: int | None, aspect: float = 1.0) -> None:
        self.path = path  # for messages
        self.side = side  # pixels of the shorter side; None: unscaled
        self.aspect = aspect  # width of a pixel / its height; scaled frames get square pixels
        self.reformatter = VideoReformatter()  # shared by all frames: it caches conversion tables
        self._size: tuple[int, int] | None = None

    def read(self, frame: av.VideoFrame) -> np.ndarray:
        """The picture, [h, w, 3] uint8 RGB."""
        # Broadcasts change size midway; all pictures of a video get the same size.
        self._size = self._size or self._scaled_size(frame)
        width, height = self._size
        rgb = self.reformatter.reformat(
            frame, width, height, "rgb24", interpolation=Interpolation.BILINEAR, threads=1
        )
        picture = rgb.to_ndarray()
        # Phones store rotated pictures together with their rotation.
        turns = round(frame.rotation / 90) % 4 if np.isfinite(frame.rotation) else 0
        return np.ascontiguousarray(np.rot90(picture, turns)) if turns else picture

    def _scaled_size(self, frame: av.VideoFrame) -> tuple[int, int]:
        width, height = frame.width, frame.height
        short, long = sorted((width, height))
        if short < SMALLEST or long > LONGEST * short:
            raise VideoError(
                f"{self.path}: its frames are {width} x {height} pixels; the shorter side must be "
                f"at least {SMALLEST}, and the longer side at most {LONGEST} times the shorter"
            )
        if self.side is None:
            return width, height
        shown = width * self.aspect
        scale = self.side / min(shown, height)
        return round(shown * scale), round(height * scale)


def _by_time(
    container: InputContainer, track: VideoStream, timeline: Timeline, wanted: np.ndarray
) -> Iterator[tuple[int, av.VideoFrame]]:
    assert timeline.pts is not None
    frames = container.decode(track)
    coming = 0  # the frame that decoding would return next
    for number in wanted.tolist():
        key = int(timeline.key[number])
        if key - coming > JUMP:
            container.seek(int(timeline.pts[key]), stream=track)
            frames = container.decode(track)
        time = int(timeline.pts[number])
        for frame in frames:
            if frame.pts is None or frame.pts > time:
                raise MisnamedError
            if frame.pts == time:
                yield number, frame
                break
        coming = number + 1


def _by_number(
    container: InputContainer, track: VideoStream, timeline: Timeline, wanted: np.ndarray
) -> Iterator[tuple[int, av.VideoFrame]]:
    frames = enumerate(container.decode(track))
    for number in wanted.tolist():
        for count, frame in frames:
            if count == number:
                yield number, frame
                break
    # Too few frames: `read_sizes` notices that some wanted ones are missing.
