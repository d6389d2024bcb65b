"""Several folders of features of the same videos, each of which becomes a stream."""

import dataclasses
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from data.corpora.folder_layout import ClassFolders
from data.sources.alignment import MisalignedError, align
from data.sources.folders import FolderKind, read_folder, video_ids
from data.sources.source import Frames, Source, check_videos
from frame_select_env.cache import schema
from frame_select_env.errors import FrameSelectError


def read_streams(
    folders: Mapping[str, tuple[Path, FolderKind]],
    split_file: str | None,
    seed: int = 0,
    class_folders: ClassFolders = "auto",
) -> Source:
    """Read folders by stream, as `read_folder` does; their frames are aligned by time.

    Raises FrameSelectError if a video is missing in one of them, or if the frames of a video cannot
    be aligned; see `align`.
    """
    _check_same_videos(
        {s: (folder, video_ids(folder, split_file, kind)) for s, (folder, kind) in folders.items()}
    )
    parts = {
        stream: read_folder(folder, split_file, None, seed, kind, class_folders)
        for stream, (folder, kind) in folders.items()
    }
    first = next(iter(parts.values()))
    label = Path(" ".join(f"{stream}={folder}" for stream, (folder, _) in folders.items()))
    times, frames = _align(label, parts)
    lengths = np.array([len(rows[next(iter(parts))]) for rows in frames], np.int64)
    record: dict[str, Any] = {"source": {s: p.path.resolve().name for s, p in parts.items()}}
    notes = list(first.notes)
    for stream, part in parts.items():
        for key, value in part.record.items():
            record.setdefault(key, {})[stream] = value
        if (total := int(part.lengths.sum())) != lengths.sum():
            notes.append(
                f"stream {stream}: {lengths.sum()} of {total} frames are used, the nearest in time "
                "to those of the coarsest stream"
            )
    readers = {stream: part.features[schema.DEFAULT_STREAM] for stream, part in parts.items()}
    return check_videos(
        dataclasses.replace(
            first,
            path=label,
            lengths=lengths,
            features={s: partial(_take, read, s, frames) for s, read in readers.items()},
            frames={"time": times.__getitem__} if times else {},
            axes={s: axis for s, part in parts.items() for axis in part.axes.values()},
            notes=notes,
            record=record,
        )
    )


def _take(read: Frames, stream: str, frames: list[dict[str, np.ndarray]], row: int) -> np.ndarray:
    return read(row)[frames[row][stream]]


def _align(
    label: Path, parts: Mapping[str, Source]
) -> tuple[list[np.ndarray], list[dict[str, np.ndarray]]]:
    """By video: the times, if a stream has times, and the frames of every stream."""
    first = next(iter(parts.values()))
    times, frames = [], []
    for row in range(len(first)):
        lengths = {stream: int(part.lengths[row]) for stream, part in parts.items()}
        seconds = {s: part.frames["time"](row) for s, part in parts.items() if part.frames}
        try:
            coarsest, chosen = align(lengths, seconds)
        except MisalignedError as error:
            raise FrameSelectError(f"{label}: {first.video(row)}: {error}") from None
        frames.append(chosen)
        if seconds:
            times.append(seconds[coarsest])
    return times, frames


def _check_same_videos(streams: Mapping[str, tuple[Path, list[str]]]) -> None:
    for stream, (folder, ids) in streams.items():
        for other, (_, theirs) in streams.items():
            if missing := sorted(set(theirs) - set(ids)):
                more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
                raise FrameSelectError(
                    f"{folder}: stream {stream} lacks the video {missing[0]!r}{more}, which stream "
                    f"{other} has; every stream needs the same videos"
                )
