"""Videos as the CSVs that OpenFace 2 writes: action units, gaze and head pose per frame.

The header is that of OpenFace's RecorderCSV.cpp: frame, face_id, timestamp, confidence, success,
gaze_*, eye_lmk_*, pose_*, x_* to Z_* (landmarks), p_* (of the shape model), AU*_r, AU*_c, with a
space after every comma. FaceLandmarkVidMulti writes a row per face, FeatureExtraction one per
frame.
"""

import csv
import re
import warnings
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from data.folder_kind import FolderKind, VideoArrays
from frame_select_env.cache import schema
from frame_select_env.errors import FrameSelectError

SUFFIX = ".csv"
# Group of columns -> the names in it. Eye landmarks (eye_lmk_) and shape parameters (p_) are in
# none: the former say what gaze_ says, the latter what pose_ and the landmarks say.
COLUMNS = {
    "au": r"AU\d+_[rc]",
    "gaze": r"gaze_.+",
    "pose": r"pose_.+",
    "landmarks": r"[xyXYZ]_\d+",
}
DEFAULT_COLUMNS = ("gaze", "pose", "au")
REQUIRED = ("frame", "timestamp", "confidence")


def openface_kind(columns: Sequence[str] = DEFAULT_COLUMNS) -> FolderKind:
    """CSVs whose columns of the groups named (see `COLUMNS`) are the features, in file order.

    Raises:
        FrameSelectError: if no group is named.
    """
    if not columns:
        raise FrameSelectError(f"--columns: names none of {', '.join(COLUMNS)}")
    pattern = re.compile("|".join(COLUMNS[group] for group in columns))
    return FolderKind(SUFFIX, partial(_read, pattern=pattern))


def _read(file: Path, pattern: re.Pattern[str]) -> VideoArrays:
    """One frame a row: of several faces in a frame the one of the highest confidence.

    Frames in which no face was found keep what OpenFace wrote for them (zeros mostly): to select
    around them is the agent's business.
    """
    names = _header(file)
    chosen = [place for place, name in enumerate(names) if pattern.fullmatch(name)]
    for name in REQUIRED:
        if name not in names:
            raise FrameSelectError(
                f"{file}: has no column {name!r}; expected the CSV of OpenFace's FeatureExtraction "
                "or FaceLandmarkVidMulti"
            )
    if not chosen:
        raise FrameSelectError(f"{file}: has none of the columns that --columns asks for")
    places = [*(names.index(name) for name in REQUIRED), *chosen]
    values = _numbers(file, places)
    if not len(values):
        raise FrameSelectError(f"{file}: holds no frame; remove the video")
    frame, confidence = values[:, 0], values[:, 2]
    wrong = schema.check_finite("frame or timestamp", values[:, :2])
    if wrong:
        raise FrameSelectError(f"{file}: {wrong}")
    # By frame, then by falling confidence; equal ones in file order. NaN counts as the lowest.
    order = np.lexsort((-np.nan_to_num(confidence, nan=-1.0), frame))
    _, first = np.unique(frame[order], return_index=True)
    best = values[order[first]]
    return VideoArrays(
        features=best[:, len(REQUIRED) :].astype(np.float32),
        time=best[:, 1].astype(np.float32),
        columns=tuple(names[place] for place in chosen),
    )


def _header(file: Path) -> list[str]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            names = [name.strip() for name in next(csv.reader(lines), [])]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FrameSelectError(f"{file}: cannot be read as a CSV: {error}") from None
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise FrameSelectError(f"{file}: has the column {twice!r} twice")
    return names


def _numbers(file: Path, places: list[int]) -> np.ndarray:
    """The columns at `places` of all rows, [rows, columns] float64."""
    try:
        with warnings.catch_warnings():
            # A file without rows is told below, in words that name it.
            warnings.filterwarnings("ignore", message=".*input contained no data")
            return np.loadtxt(
                file,
                delimiter=",",
                skiprows=1,
                usecols=places,
                comments=None,
                ndmin=2,
                encoding="utf-8-sig",
            )
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise FrameSelectError(f"{file}: has rows that are no numbers: {reason}") from None
