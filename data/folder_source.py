"""Reading a folder of features, one .npy [L, D] per video, in class folders or by a CSV.

The arrays are memory-mapped: a folder may be larger than memory.
"""

from functools import partial
from pathlib import Path

import numpy as np

from data.corpora import Assignment, read_corpus
from data.source import Frames, Source, check_videos
from frame_select_env.cache import schema
from frame_select_env.errors import FrameSelectError


def read_folder(
    folder: Path, split_file: str | None, predictions: Path | None = None, seed: int = 0
) -> Source:
    """Read a folder of features, and who trains and who tests from a split file.

    A video's id is its path below the folder, without the suffix: `class/video`.

    Args:
        folder: The class folders.
        split_file: A CSV, `hmdb51:DIR`, `ucf101:DIR`, ...; see `data.corpora.read_corpus`. None:
            the folders' own split, or a random one.
        predictions: A folder laid out the same, one .npy [L, C] per video.
        seed: Draws a random split.

    Raises:
        FrameSelectError: naming the file, what is wrong with it and the remedy.
    """
    ids = sorted(f.relative_to(folder).with_suffix("").as_posix() for f in folder.rglob("*.npy"))
    if not ids:
        raise FrameSelectError(f"{folder}: holds no .npy file; expected CLASS/VIDEO.npy [L, D]")
    assignment = read_corpus(split_file, folder, ids, seed)
    if assignment.missing:
        others = len(assignment.missing) - 1
        raise FrameSelectError(
            f"{assignment.missing[0]}{f' (and {others} others)' if others else ''}; add the .npy, "
            "or list the videos that you have in a CSV (--split-file)"
        )
    shapes = [_shape(folder, video) for video in ids]
    for video, shape in zip(ids, shapes, strict=True):
        if shape[1] != shapes[0][1]:
            raise FrameSelectError(
                f"{_file(folder, video)}: has {shape[1]} columns; {ids[0]}.npy has {shapes[0][1]}"
            )
    ready: dict[str, Frames] = {}
    if predictions is not None:
        for video, shape in zip(ids, shapes, strict=True):
            expected = (shape[0], len(assignment.outputs))
            if _shape(predictions, video) != expected:
                raise FrameSelectError(
                    f"{_file(predictions, video)}: has the shape {_shape(predictions, video)}; "
                    f"expected {expected}: frames of the features, {_outputs(assignment)}"
                )
        ready[schema.DEFAULT_STREAM] = partial(_row, predictions, ids)
    return check_videos(
        Source(
            path=folder,
            task="classification" if assignment.targets is None else "regression",
            outputs=assignment.outputs,
            ids=np.array(ids),
            labels=_labels(assignment),
            splits={fold: np.array(splits) for fold, splits in assignment.splits.items()},
            lengths=np.array([shape[0] for shape in shapes], np.int64),
            features={schema.DEFAULT_STREAM: partial(_row, folder, ids)},
            groups=None if assignment.groups is None else np.array(assignment.groups),
            predictions=ready,
            notes=assignment.notes,
        )
    )


def _outputs(assignment: Assignment) -> str:
    return "classes" if assignment.targets is None else "targets"


def _labels(assignment: Assignment) -> np.ndarray:
    """[N] int64, -1 unknown; regression: [N, K] float32."""
    if assignment.targets is not None:
        return assignment.targets
    number = {name: label for label, name in enumerate(assignment.outputs)}
    labels = [schema.UNKNOWN_LABEL if name is None else number[name] for name in assignment.labels]
    return np.array(labels, np.int64)


def _file(folder: Path, video: str) -> Path:
    # Not with_suffix: a dot inside a name is no suffix.
    return folder / f"{video}.npy"


def _row(folder: Path, ids: list[str], row: int) -> np.ndarray:
    return _open(folder, ids[row])


def _open(folder: Path, video: str) -> np.ndarray:
    """One video's array, memory-mapped."""
    file = _file(folder, video)
    try:
        return np.load(file, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise FrameSelectError(f"{file}: is missing") from None
    except (OSError, ValueError, EOFError) as error:
        objects = "Python objects" in str(error) or "allow_pickle" in str(error)
        reason = "holds Python objects; save numbers" if objects else f"cannot be read: {error}"
        raise FrameSelectError(f"{file}: {reason}") from None


def _shape(folder: Path, video: str) -> tuple[int, ...]:
    """The shape [L, columns] of one video's array; reads the header alone."""
    values = _open(folder, video)
    if values.ndim != 2 or values.dtype.kind not in "fiu" or not values.size:
        raise FrameSelectError(
            f"{_file(folder, video)}: is {values.dtype} {values.shape}; expected numbers [L, D]"
        )
    return values.shape
