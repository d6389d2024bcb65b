"""Reading frames of a video by their numbers, scaled and upright, in one pass."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream

from data.video.container import open_video
from data.video.failure import VideoError
from data.video.picture import Picture
from data.video.timeline import MisnamedError, Timeline

# Frames that must lie between here and the keyframe ahead before jumping there pays: a jump empties
# the decoder's pipeline.
JUMP = 12


def read_frames(
    path: Path, timeline: Timeline, wanted: np.ndarray, side: int | None = None, threads: int = 1
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield the wanted frames in one size: `read_sizes` with one side."""
    for number, (picture,) in read_sizes(path, timeline, wanted, [side], threads):
        yield number, picture


def read_sizes(
    path: Path,
    timeline: Timeline,
    wanted: np.ndarray,
    sides: Sequence[int | None],
    threads: int = 1,
) -> Iterator[tuple[int, list[np.ndarray]]]:
    """Yield the wanted frames in the order they are shown, each in several sizes.

    Jumps from keyframe to keyframe where they are dense enough for it to save decoding, and decodes
    everything otherwise.

    Args:
        path: The video file.
        timeline: Its timeline.
        wanted: Numbers of frames, increasing.
        sides: Pixels of the shorter side that frames are scaled to; None: as they are. See
            `Picture`.
        threads: That decode; 0: as many as there are CPUs.

    Yields:
        The number, and for every side the frame [h, w, 3] uint8 RGB, upright.

    Raises:
        VideoError: if a wanted frame cannot be decoded.
        MisnamedError: if frames decode otherwise than the timeline, read from packets, tells.
    """
    read = _by_number if timeline.pts is None else _by_name
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


def _by_name(
    container: InputContainer, track: VideoStream, timeline: Timeline, wanted: np.ndarray
) -> Iterator[tuple[int, av.VideoFrame]]:
    assert timeline.pts is not None
    frames = container.decode(track)
    coming = 0  # what decoding on would give next
    for number in wanted.tolist():
        key = int(timeline.key[number])
        if key - coming > JUMP:
            container.seek(int(timeline.pts[key]), stream=track)
            frames = container.decode(track)
        name = int(timeline.pts[number])
        for frame in frames:
            if frame.pts is None or frame.pts > name:
                raise MisnamedError
            if frame.pts == name:
                yield number, frame
                break
        coming = number + 1


def _by_number(
    container: InputContainer, track: VideoStream, timeline: Timeline, wanted: np.ndarray
) -> Iterator[tuple[int, av.VideoFrame]]:
    left = iter(wanted.tolist())
    number = next(left, None)
    for count, frame in enumerate(container.decode(track)):
        if number is None:
            return
        if count == number:
            yield count, frame
            number = next(left, None)
    # Fewer frames than packets: the numbers were drawn from too many.
