"""Assignment: what a split file says about every video of a folder."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from frame_select_env.errors import FrameSelectError


@dataclass(frozen=True)
class Assignment:
    """Split, label and group of N videos, in the order of the folder's ids.

    Attributes:
        classes: Names of the C classes, in the order of their labels.
        labels: [N] names of classes; None: unknown.
        splits: Fold -> [N] splits, "" where the file does not list the video; "default" first.
        groups: [N] names; None: the file knows no groups.
        notes: What the user should be told, a line each.
    """

    classes: list[str]
    labels: list[str | None]
    splits: dict[str, list[str]]
    groups: list[str] | None = None
    notes: list[str] = field(default_factory=list)


def read_lines(file: Path) -> Iterator[tuple[int, str]]:
    """Line numbers from 1, and stripped lines that are not empty.

    Raises:
        FrameSelectError: if the file is missing or no text.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise FrameSelectError(f"{file}: is missing") from None
    except (OSError, UnicodeDecodeError) as error:
        raise FrameSelectError(f"{file}: cannot be read as UTF-8 text: {error}") from None
    for line, content in enumerate(text.splitlines(), start=1):
        if content.strip():
            yield line, content.strip()


def find_video(listed: str, ids: Iterable[str]) -> str | None:
    """The id (`class/video`) that a listed path means, with or without its suffix; or None.

    Args:
        listed: As it stands in the file: `class/video` or `class/video.avi`, either slash.
        ids: The folder's ids; a set or dict, as this is asked once per line.
    """
    path = PurePosixPath(listed.strip().replace("\\", "/"))
    # The whole name first: a dot inside a name is no suffix.
    for candidate in (str(path), str(path.with_suffix("")) if path.suffix else ""):
        if candidate in ids:
            return candidate
    return None


def folder_classes(folder: Path, ids: Iterable[str]) -> list[str]:
    """The class folder that each id lies in, [N].

    Raises:
        FrameSelectError: naming a video that lies in no class folder.
    """
    for name in ids:
        if "/" not in name:
            raise FrameSelectError(
                f"{folder}/{name}.npy: lies in no class folder; move it into one, or give a CSV "
                "with a label column"
            )
    return [name.split("/")[0] for name in ids]


def unlisted_note(ids: list[str], listed: Iterable[str]) -> list[str]:
    """A note about the videos that no split lists, if there are any."""
    known = set(listed)
    rest = [name for name in ids if name not in known]
    return [f"{len(rest)} videos stand in no split and are unused: {rest[0]} ..."] if rest else []
