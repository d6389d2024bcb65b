"""Reading a folder of features, one file per video, in class folders or by a CSV.

What the files are is a `FolderKind`: .npy arrays, OpenFace's CSVs, or detections in COCO's form.
Videos are read one at a time.
"""

import dataclasses
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np

from data.assigned_source import assigned_source
from data.corpora import Assignment, read_corpus
from data.folder_kind import FolderKind, VideoArrays
from data.npy_arrays import npy_kind, open_npy
from data.source import Frames, Source, check_videos
from frame_select_env.cache import schema
from frame_select_env.errors import FrameSelectError


def read_folder(
    folder: Path,
    split_file: str | None,
    predictions: Path | None = None,
    seed: int = 0,
    kind: FolderKind | None = None,
) -> Source:
    """Read a folder of features, and who trains and who tests from a split file.

    A video's id is its path below the folder, without the suffix: `class/video`.

    Args:
        folder: The class folders.
        split_file: A CSV, `hmdb51:DIR`, `ucf101:DIR`, ...; see `data.corpora.read_corpus`. None:
            the folders' own split, or a random one.
        predictions: A folder laid out the same, one .npy [L, C] (of views also [L, V, C]) per
            video.
        seed: Draws a random split.
        kind: What the files are; None: .npy files [L, D].

    Raises:
        FrameSelectError: naming the file, what is wrong with it and the remedy.
    """
    kind = kind or npy_kind()
    # Not with_suffix: a dot inside a name is no suffix.
    ids = sorted(
        file.relative_to(folder).as_posix().removesuffix(kind.suffix)
        for file in video_files(folder, split_file)
        if file.suffix == kind.suffix
    )
    if not ids:
        raise FrameSelectError(
            f"{folder}: holds no {kind.suffix} file; expected CLASS/VIDEO{kind.suffix}"
        )
    assignment = read_corpus(split_file, folder, ids, seed)
    refuse_missing(assignment, f"add the {kind.suffix}")
    files = [folder / f"{video}{kind.suffix}" for video in ids]
    shapes, timed = _survey(files, kind)
    ready: dict[str, Frames] = {}
    if predictions is not None:
        scores = [predictions / f"{video}.npy" for video in ids]
        for file, shape in zip(scores, shapes, strict=True):
            _check_predictions(file, shape, assignment, kind.axis)
        ready[schema.DEFAULT_STREAM] = lambda row: open_npy(scores[row])
    video = _reader(files, kind)
    return check_videos(
        dataclasses.replace(
            assigned_source(folder, assignment, ids),
            lengths=np.array([shape[0] for shape in shapes], np.int64),
            features={schema.DEFAULT_STREAM: lambda row: video(row).features},
            predictions=ready,
            frames={"time": lambda row: _time(video(row))} if timed else {},
            axes={schema.DEFAULT_STREAM: kind.axis} if kind.axis else {},
        )
    )


def refuse_missing(assignment: Assignment, remedy: str) -> None:
    """Fail if the split file names videos that are not there."""
    if assignment.missing:
        others = len(assignment.missing) - 1
        raise FrameSelectError(
            f"{assignment.missing[0]}{f' (and {others} others)' if others else ''}; {remedy}, "
            "or list the videos that you have in a CSV (--split-file)"
        )


def video_files(folder: Path, split_file: str | None) -> list[Path]:
    """The files below the folder, sorted; a split file that lies there is none of the videos'."""
    listed = None if split_file is None else Path(split_file).resolve()
    return sorted(file for file in folder.rglob("*") if file.is_file() and file.resolve() != listed)


def _survey(files: list[Path], kind: FolderKind) -> tuple[list[tuple[int, ...]], bool]:
    """The shape of every video's features, and whether the videos have times; all must agree."""
    shapes: list[tuple[int, ...]] = []
    first: VideoArrays | None = None
    for file in files:
        video = kind.read(file)
        first = first or video
        here, there = video.features.shape[1:], first.features.shape[1:]
        example = "/".join(files[0].parts[-2:])
        if here != there:
            columns, expected = (" x ".join(map(str, shape)) for shape in (here, there))
            raise FrameSelectError(f"{file}: has {columns} columns; {example} has {expected}")
        if video.columns != first.columns:
            other = [name for name in video.columns if name not in first.columns]
            raise FrameSelectError(
                f"{file}: has other columns than {example}" + (f": {other[0]}" if other else "")
            )
        if (video.time is None) != (first.time is None):
            has, lacks = (example, file) if video.time is None else (file, example)
            raise FrameSelectError(f"{lacks}: has no time, but {has} has; give it to all or none")
        shapes.append(video.features.shape)
    return shapes, first is not None and first.time is not None


def _check_predictions(
    file: Path, shape: tuple[int, ...], assignment: Assignment, axis: str
) -> None:
    outputs = len(assignment.outputs)
    allowed: list[tuple[int, ...]] = [(shape[0], outputs)]
    if axis == "view":
        allowed.append((shape[0], shape[1], outputs))
    found = open_npy(file).shape
    if found not in allowed:
        raise FrameSelectError(
            f"{file}: has the shape {found}; expected {' or '.join(map(str, allowed))}: frames of "
            f"the features, {'classes' if assignment.targets is None else 'targets'}"
        )


def _reader(files: list[Path], kind: FolderKind) -> Callable[[int], VideoArrays]:
    """Reads the video in a row; keeps the last one, as its features and times are asked in turn."""

    @lru_cache(maxsize=1)
    def read(row: int) -> VideoArrays:
        return kind.read(files[row])

    return read


def _time(video: VideoArrays) -> np.ndarray:
    assert video.time is not None
    return video.time
