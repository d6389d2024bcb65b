"""Finding and opening video files."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from frame_select_env.cache import schema
from frame_select_env.errors import FrameSelectError

FORMATS = "3gp asf avi flv m2ts m4v mkv mov mp4 mpeg mpg mts ogv ts vob webm wmv"
SUFFIXES = frozenset(f".{name}" for name in FORMATS.split())


class VideoError(FrameSelectError):
    """A video that cannot be decoded; the message names the file and the problem."""


@dataclass(frozen=True)
class VideoFiles:
    """The videos below a folder."""

    folder: Path
    files: dict[str, Path]  # id (path below the folder without suffix, with `/`) -> file, sorted
    unusable: list[str] = field(default_factory=list)  # a line per duplicate id or invalid name


def find_videos(folder: Path) -> VideoFiles:
    """Find videos below a folder by suffix, none hidden; of equal ids, the first file is used."""
    if not folder.is_dir():
        what = "is a file; give its folder" if folder.exists() else "no such folder"
        raise FrameSelectError(f"{folder}: {what} (VIDEOS)")
    files: dict[str, Path] = {}
    unusable = []
    for file in sorted(folder.rglob("*")):
        below = file.relative_to(folder)
        hidden = any(part.startswith(".") for part in below.parts)
        if hidden or file.suffix.lower() not in SUFFIXES or not file.is_file():
            continue
        name = below.with_suffix("").as_posix()
        if wrong := schema.check_text(name):
            unusable.append(f"{folder}: the video {wrong}")
        elif name in files:
            unusable.append(
                f"{file}: has the same id as {files[name].name} ({name}); rename one of them"
            )
        else:
            files[name] = file
    if not files:
        raise FrameSelectError(f"{folder}: contains no video file ({', '.join(sorted(SUFFIXES))})")
    return VideoFiles(folder, dict(sorted(files.items())), unusable)


@contextmanager
def one_video(path: Path) -> Iterator[None]:
    """Turn any FFmpeg error into a `VideoError` about the file."""
    try:
        yield
    except av.error.FFmpegError as error:
        raise VideoError(f"{path}: cannot be decoded: {error.strerror or error}") from None


@contextmanager
def open_video(path: Path, threads: int = 1) -> Iterator[tuple[InputContainer, VideoStream]]:
    """The open container and its first video track; cover pictures do not count.

    With 0 threads, one per CPU decodes. Raises VideoError if the file is not a video, has no video
    track, or fails while it is open.
    """
    with one_video(path), av.open(str(path), metadata_errors="replace") as container:
        cover = Disposition.attached_pic
        tracks = [track for track in container.streams.video if not track.disposition & cover]
        if not tracks:
            sound = ", only sound" if container.streams.audio else ""
            raise VideoError(f"{path}: has no video track{sound}")
        track = tracks[0]
        if track.codec_context is None:
            raise VideoError(f"{path}: FFmpeg has no decoder for its video track")
        track.codec_context.thread_count = threads
        track.thread_type = "SLICE" if threads == 1 else "AUTO"
        yield container, track


def start_seconds(container: InputContainer) -> float:
    """The start of the container's clock, s; all times are relative to it."""
    return (container.start_time or 0) / av.time_base
