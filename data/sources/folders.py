"""A folder of features with one file per video: .npy arrays, or another `FolderKind`."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from data.corpora.assignment import Assignment
from data.corpora.folder_layout import ClassFolders
from data.corpora.read import read_corpus
from data.sources.source import Frames, Source, assigned_source, check_videos
from frame_select_env.cache import schema
from frame_select_env.errors import FrameSelectError

NPY = ".npy"


@dataclass(frozen=True)
class VideoArrays:
    """The arrays of one video of L frames."""

    features: np.ndarray  # [L, D], or with a middle axis [L, V, D] or [L, K, D]
    time: np.ndarray | None = None  # [L] seconds; None if the file has no times
    columns: tuple[str, ...] = ()  # names of the D features, the same in all videos; may be empty


@dataclass(frozen=True)
class FolderKind:
    """A kind of feature file."""

    suffix: str  # e.g. `.npy`
    read: Callable[[Path], VideoArrays]  # raises FrameSelectError naming the file
    axis: str = ""  # the features' middle axis: "", "view" or "object"
    # For features that depend on all files of a folder: the kind to read these files with.
    fit: Callable[[Sequence[Path]], "FolderKind"] | None = None
    record: dict[str, Any] = field(default_factory=dict)  # entries for the cache's provenance


def npy_kind(axis: str = "") -> FolderKind:
    """Arrays [L, D]; [L, V, D] with the axis "view", [L, K, D] with "object"."""
    return FolderKind(NPY, partial(_read_npy, axis=axis), axis)


def read_folder(
    folder: Path,
    split_file: str | None,
    predictions: Path | None = None,
    seed: int = 0,
    kind: FolderKind | None = None,
    class_folders: ClassFolders = "auto",
) -> Source:
    """Read a folder of class folders of feature files, with splits from a split file.

    The id of a video is its path below the folder, without the suffix: `class/video`.
    `predictions` is a folder of the same layout, with .npy [L, C] (with views also [L, V, C]).
    """
    kind = kind or npy_kind()
    ids = video_ids(folder, split_file, kind)
    assignment = read_corpus(split_file, folder, ids, seed, class_folders)
    refuse_missing(assignment, f"add the {kind.suffix} file")
    files = [folder / f"{video}{kind.suffix}" for video in ids]
    if kind.fit is not None:
        kind = kind.fit(files)
    shapes, times = _survey(files, kind)
    given: dict[str, Frames] = {}
    if predictions is not None:
        if not assignment.outputs:
            raise FrameSelectError(f"{folder}: --predictions needs classes; {assignment.notes[0]}")
        prediction_files = [predictions / f"{video}.npy" for video in ids]
        outputs = len(assignment.outputs)
        leading = (1, 2) if kind.axis == "view" else (1,)
        for file, shape in zip(prediction_files, shapes, strict=True):
            allowed = [(*shape[:axes], outputs) for axes in leading]
            found = open_npy(file).shape
            if found not in allowed:
                what = "classes" if assignment.targets is None else "targets"
                raise FrameSelectError(
                    f"{file}: has shape {found}; expected {' or '.join(map(str, allowed))}: frames "
                    f"of the features, {what}"
                )
        given[schema.DEFAULT_STREAM] = lambda row: open_npy(prediction_files[row])

    return check_videos(
        dataclasses.replace(
            assigned_source(folder, assignment, ids),
            lengths=np.array([shape[0] for shape in shapes], np.int64),
            features={schema.DEFAULT_STREAM: lambda row: kind.read(files[row]).features},
            predictions=given,
            frames={"time": times.__getitem__} if times else {},
            axes={schema.DEFAULT_STREAM: kind.axis} if kind.axis else {},
            record=kind.record,
        )
    )


def video_ids(folder: Path, split_file: str | None, kind: FolderKind) -> list[str]:
    """The ids of a folder's videos, sorted; at least one."""
    # Not with_suffix: a name may contain dots.
    ids = sorted(
        file.relative_to(folder).as_posix().removesuffix(kind.suffix)
        for file in video_files(folder, split_file)
        if file.suffix == kind.suffix
    )
    if not ids:
        raise FrameSelectError(
            f"{folder}: contains no {kind.suffix} file; expected CLASS/VIDEO{kind.suffix}"
        )
    return ids


def refuse_missing(assignment: Assignment, remedy: str) -> None:
    """Raise FrameSelectError if the split file lists videos that are missing."""
    if assignment.missing:
        others = len(assignment.missing) - 1
        raise FrameSelectError(
            f"{assignment.missing[0]}{f' (and {others} more)' if others else ''}; {remedy}, "
            "or list only the videos you have in a CSV (--split-file)"
        )


def video_files(folder: Path, split_file: str | None) -> list[Path]:
    """All files below the folder, sorted, except the split file."""
    listed = None if split_file is None else Path(split_file).resolve()
    return sorted(file for file in folder.rglob("*") if file.is_file() and file.resolve() != listed)


def open_npy(file: Path) -> np.ndarray:
    """Memory-map an array; files with Python objects are refused."""
    try:
        return np.load(file, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise FrameSelectError(f"{file}: is missing") from None
    except Exception as error:  # NumPy raises anything on damaged headers
        objects = "Python objects" in str(error) or "allow_pickle" in str(error)
        reason = "contains Python objects; save numbers" if objects else f"cannot be read: {error}"
        raise FrameSelectError(f"{file}: {reason}") from None


def _read_npy(file: Path, axis: str) -> VideoArrays:
    shape = {"": "[L, D]", "view": "[L, V, D]", "object": "[L, K, D]"}[axis]
    values = open_npy(file)
    if values.ndim != (3 if axis else 2) or values.dtype.kind not in "fiu" or not values.size:
        hint = "; use --axis view or object for 3 axes" if values.ndim == 3 and not axis else ""
        raise FrameSelectError(
            f"{file}: has dtype {values.dtype} and shape {values.shape}; "
            f"expected numbers {shape}{hint}"
        )
    return VideoArrays(values)


def _survey(files: list[Path], kind: FolderKind) -> tuple[list[tuple[int, ...]], list[np.ndarray]]:
    """The shapes of all videos' features, and their times if they have any; checks they agree."""
    shapes: list[tuple[int, ...]] = []
    times: list[np.ndarray] = []
    first, example = kind.read(files[0]), "/".join(files[0].parts[-2:])
    for file in files:
        video = kind.read(file)
        here, there = video.features.shape[1:], first.features.shape[1:]
        if here != there:
            columns, expected = (" x ".join(map(str, shape)) for shape in (here, there))
            raise FrameSelectError(f"{file}: has {columns} columns; {example} has {expected}")
        if video.columns != first.columns:
            other = [name for name in video.columns if name not in first.columns]
            raise FrameSelectError(
                f"{file}: columns differ from {example}" + (f": {other[0]}" if other else "")
            )
        if (video.time is None) != (first.time is None):
            has, lacks = (example, file) if video.time is None else (file, example)
            raise FrameSelectError(
                f"{lacks}: has no time, but {has} does; add times to all videos or to none"
            )
        shapes.append(video.features.shape)
        if video.time is not None:
            times.append(video.time)
    return shapes, times
