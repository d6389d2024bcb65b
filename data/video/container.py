"""Opening a video file, and the one track of it whose frames are meant."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from data.video.failure import VideoError, one_video


@contextmanager
def open_video(path: Path, threads: int = 1) -> Iterator[tuple[InputContainer, VideoStream]]:
    """The open container and its first moving video track; cover pictures do not count.

    Args:
        path: The file.
        threads: That decode; 0: as many as there are CPUs.

    Raises:
        VideoError: if the file is no video, has no video track, or fails while it is open.
    """
    with one_video(path), av.open(str(path), metadata_errors="replace") as container:
        tracks = [
            track
            for track in container.streams.video
            if not track.disposition & Disposition.attached_pic
        ]
        if not tracks:
            sound = ", only sound" if container.streams.audio else ""
            raise VideoError(f"{path}: has no video track{sound}")
        track = tracks[0]
        if track.codec_context is None:
            raise VideoError(f"{path}: FFmpeg knows no decoder for its video track")
        track.codec_context.thread_count = threads
        track.thread_type = "SLICE" if threads == 1 else "AUTO"
        yield container, track


def start_seconds(container: InputContainer) -> float:
    """When the container's own clock starts, s: times are told from there on."""
    return (container.start_time or 0) / av.time_base
