"""Videos as .npy files, memory-mapped: a folder of them may be larger than memory."""

from functools import partial
from pathlib import Path

import numpy as np

from data.folder_kind import FolderKind, VideoArrays
from frame_select_env.errors import FrameSelectError

SUFFIX = ".npy"


def npy_kind(axis: str = "") -> FolderKind:
    """Files of [L, D]; with the axis "view" [L, V, D], with "object" [L, K, D]."""
    return FolderKind(SUFFIX, partial(_read, axis=axis), axis)


def _read(file: Path, axis: str) -> VideoArrays:
    shape = {"": "[L, D]", "view": "[L, V, D]", "object": "[L, K, D]"}[axis]
    values = open_npy(file)
    if values.ndim != (3 if axis else 2) or values.dtype.kind not in "fiu" or not values.size:
        hint = "; --axis view or object reads three axes" if values.ndim == 3 and not axis else ""
        raise FrameSelectError(
            f"{file}: is {values.dtype} {values.shape}; expected numbers {shape}{hint}"
        )
    return VideoArrays(values)


def open_npy(file: Path) -> np.ndarray:
    """One array, memory-mapped; of Python objects nothing is loaded.

    Raises:
        FrameSelectError: if the file is missing, damaged, or holds Python objects.
    """
    try:
        return np.load(file, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise FrameSelectError(f"{file}: is missing") from None
    except (OSError, ValueError, EOFError) as error:
        objects = "Python objects" in str(error) or "allow_pickle" in str(error)
        reason = "holds Python objects; save numbers" if objects else f"cannot be read: {error}"
        raise FrameSelectError(f"{file}: {reason}") from None
