"""Which video files a folder holds, and by which ids."""

from dataclasses import dataclass, field
from pathlib import Path

from frame_select_env.cache import schema
from frame_select_env.errors import FrameSelectError

SUFFIXES = frozenset(
    f".{name}"
    for name in (
        *("3gp", "asf", "avi", "flv", "m2ts", "m4v", "mkv", "mov", "mp4"),
        *("mpeg", "mpg", "mts", "ogv", "ts", "vob", "webm", "wmv"),
    )
)


@dataclass(frozen=True)
class VideoFiles:
    """The videos below a folder.

    Attributes:
        folder: Where they are.
        files: Id (path below the folder without suffix, with `/`) -> file, sorted by id.
        unusable: A line for every file that cannot be told from another, or whose name is no text.
    """

    folder: Path
    files: dict[str, Path]
    unusable: list[str] = field(default_factory=list)


def find_videos(folder: Path) -> VideoFiles:
    """Find the video files below a folder, by their suffix; hidden files and folders are left out.

    Of two files with one id, `a.mp4` and `a.avi`, the first in the alphabet counts.

    Raises:
        FrameSelectError: if there is no such folder or no video in it.
    """
    if not folder.is_dir():
        what = "is a file; give the folder it lies in" if folder.exists() else "no such folder"
        raise FrameSelectError(f"{folder}: {what} (VIDEOS)")
    files: dict[str, Path] = {}
    unusable = []
    for file in sorted(folder.rglob("*")):
        below = file.relative_to(folder)
        if file.suffix.lower() not in SUFFIXES or not file.is_file():
            continue
        if any(part.startswith(".") for part in below.parts):
            continue
        name = below.with_suffix("").as_posix()
        wrong = schema.check_text(name)
        if wrong:
            unusable.append(f"{folder}: the video {wrong}")
        elif name in files:
            unusable.append(
                f"{file}: has the id of {files[name].name} ({name}); rename one of them"
            )
        else:
            files[name] = file
    if not files:
        known = ", ".join(sorted(SUFFIXES))
        raise FrameSelectError(f"{folder}: holds no video file ({known})")
    return VideoFiles(folder, dict(sorted(files.items())), unusable)
