"""Finding and opening video files."""

from collections import Counter
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
KINDS = 6  # of ignored files that a note lists
SUFFIXES = frozenset(f".{name}" for name in FORMATS.split())


class VideoError(FrameSelectError):
    """A video that cannot be decoded; the message names the file and the problem."""


@dataclass(frozen=True)
class VideoFiles:
    """The videos below a folder, or a single one."""

    folder: Path  # or the file of a single video
    files: dict[str, Path]  # id (path below the folder without suffix, with `/`) -> file, sorted
    unusable: list[str] = field(default_factory=list)  # a line per duplicate id or invalid name
    # Other files by kind, a suffix or, without one, a name -> how many; none in hidden folders.
    ignored: dict[str, int] = field(default_factory=dict)


def find_videos(path: Path, split_file: Path | None = None) -> VideoFiles:
    """Find videos below a folder by suffix, none hidden; of equal ids, the first file is used.

    A file is taken for a video whatever its suffix. The split file does not count as ignored.
    """
    if path.is_file():
        name = path.stem
        if wrong := schema.check_text(name):
            raise FrameSelectError(f"{path.parent}: the video {wrong}")
        return VideoFiles(path, {name: path})
    if not path.is_dir():
        raise FrameSelectError(f"{path}: no such file or folder (VIDEOS)")
    folder = path
    files: dict[str, Path] = {}
    unusable = []
    ignored: Counter[str] = Counter()
    for file in sorted(folder.rglob("*")):
        below = file.relative_to(folder)
        if any(part.startswith(".") for part in below.parts[:-1]) or not file.is_file():
            continue
        suffix, hidden = file.suffix.lower(), file.name.startswith(".")
        if hidden or suffix not in SUFFIXES:
            if split_file is None or file.resolve() != split_file.resolve():
                ignored[f"hidden {suffix}" if suffix in SUFFIXES else suffix or file.name] += 1
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
    return VideoFiles(folder, dict(sorted(files.items())), unusable, dict(ignored))


def ignored_note(videos: VideoFiles) -> str:
    """The files that are no videos, in a line; empty if there are none."""
    kinds = Counter(videos.ignored).most_common()
    listed = [f"{count} {kind}" for kind, count in kinds[:KINDS]]
    if rest := sum(count for _, count in kinds[KINDS:]):
        listed.append(f"{rest} others")
    return f"ignored: {', '.join(listed)}" if listed else ""


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
