"""Telling the kinds of folders apart by their files' suffix."""

from collections.abc import Sequence
from pathlib import Path

from data.detections_source import OBJECTS, detections_kind
from data.detections_source import SUFFIX as DETECTIONS
from data.folder_kind import FolderKind
from data.folder_source import video_files
from data.npy_arrays import SUFFIX as ARRAYS
from data.npy_arrays import npy_kind
from data.openface_source import DEFAULT_COLUMNS, openface_kind
from data.openface_source import SUFFIX as OPENFACE
from frame_select_env.errors import FrameSelectError

# The flag that only one kind of folder takes -> that kind.
FLAGS = {"axis": ARRAYS, "columns": OPENFACE, "objects": DETECTIONS}


def folder_kind(
    folder: Path,
    split_file: str | None = None,
    *,
    axis: str | None = None,
    columns: Sequence[str] | None = None,
    objects: int | None = None,
) -> FolderKind:
    """What the files of a folder are: .npy arrays, OpenFace's .csv, or .json detections.

    Args:
        folder: The class folders.
        split_file: A split file that lies in the folder is not one of the videos.
        axis: "view" or "object": the .npy arrays' middle axis; None: they have none.
        columns: Groups of OpenFace's columns; None: the default ones.
        objects: K, the detections kept of a frame; None: the default.

    Raises:
        FrameSelectError: if the folder holds none of these or a mixture, or if a flag was given
            that belongs to another kind.
    """
    examples: dict[str, Path] = {}
    for file in video_files(folder, split_file):
        if file.suffix in FLAGS.values():
            examples.setdefault(file.suffix, file)
    if not examples:
        raise FrameSelectError(
            f"{folder}: holds no .npy, .csv or .json file; expected CLASS/VIDEO.npy [L, D]"
        )
    if len(examples) > 1:
        listed = " and ".join(str(file.relative_to(folder)) for file in examples.values())
        raise FrameSelectError(
            f"{folder}: holds several kinds of files, {listed}; give each kind its own folder"
        )
    (suffix,) = examples
    for flag, value in (("axis", axis), ("columns", columns), ("objects", objects)):
        if value is not None and suffix != FLAGS[flag]:
            raise FrameSelectError(
                f"--{flag} goes with a folder of {FLAGS[flag]} files; {folder} holds {suffix}"
            )
    if suffix == OPENFACE:
        return openface_kind(DEFAULT_COLUMNS if columns is None else columns)
    if suffix == DETECTIONS:
        return detections_kind(OBJECTS if objects is None else objects)
    return npy_kind(axis or "")
