"""OpenFace 2 CSVs: action units, gaze and head pose per frame.

The header is written by OpenFace's RecorderCSV.cpp: frame, face_id, timestamp, confidence, success,
gaze_*, eye_lmk_*, pose_*, x_* to Z_* (landmarks), p_* (shape model), AU*_r, AU*_c, with a space
after every comma. FaceLandmarkVidMulti writes one row per face, FeatureExtraction one per frame.
"""

import csv
import re
import warnings
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from data.sources.folders import FolderKind, VideoArrays
from frame_select_env.cache import schema
from frame_select_env.errors import FrameSelectError

SUFFIX = ".csv"
# Group -> pattern of column names. Eye landmarks (eye_lmk_) and shape parameters (p_) are left out:
# gaze_, pose_ and the landmarks carry the same information.
COLUMNS = {"au": r"AU\d+_[rc]", "gaze": r"gaze_.+", "pose": r"pose_.+", "landmarks": r"[xyXYZ]_\d+"}
DEFAULT_COLUMNS = ("gaze", "pose", "au")
REQUIRED = ("frame", "timestamp", "confidence")


def openface_kind(columns: Sequence[str] = DEFAULT_COLUMNS) -> FolderKind:
    """CSVs whose columns in the given groups (see `COLUMNS`) are the features, in file order."""
    if not columns:
        raise FrameSelectError(f"--columns: give at least one of {', '.join(COLUMNS)}")
    pattern = re.compile("|".join(COLUMNS[group] for group in columns))
    return FolderKind(SUFFIX, partial(_read, pattern=pattern))


def _read(file: Path, pattern: re.Pattern[str]) -> VideoArrays:
    """One row per frame: with several faces, the one with the highest confidence.

    Frames without a face keep the values that OpenFace wrote (mostly zeros): avoiding them is the
    agent's task.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            names = [name.strip() for name in next(csv.reader(lines), [])]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FrameSelectError(f"{file}: cannot be read as a CSV: {error}") from None
    for name in names:
        if names.count(name) > 1:
            raise FrameSelectError(f"{file}: the column {name!r} is duplicated")
    chosen = [index for index, name in enumerate(names) if pattern.fullmatch(name)]
    for name in REQUIRED:
        if name not in names:
            raise FrameSelectError(
                f"{file}: has no column {name!r}; expected a CSV written by OpenFace's "
                "FeatureExtraction or FaceLandmarkVidMulti"
            )
    if not chosen:
        raise FrameSelectError(f"{file}: has none of the columns selected by --columns")
    columns = [*(names.index(name) for name in REQUIRED), *chosen]
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*input contained no data")  # refused below
            values = np.loadtxt(
                file,
                delimiter=",",
                skiprows=1,
                usecols=columns,
                comments=None,
                ndmin=2,
                encoding="utf-8-sig",
            )
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise FrameSelectError(f"{file}: has cells that are not numbers: {reason}") from None
    if not len(values):
        raise FrameSelectError(f"{file}: contains no frames; remove the video")
    frame, confidence = values[:, 0], values[:, 2]
    if wrong := schema.check_finite("frame or timestamp", values[:, :2]):
        raise FrameSelectError(f"{file}: {wrong}")
    # By frame, then by decreasing confidence (NaN last); ties in file order.
    order = np.lexsort((-np.nan_to_num(confidence, nan=-1.0), frame))
    _, first = np.unique(frame[order], return_index=True)
    best = values[order[first]]
    return VideoArrays(
        features=best[:, len(REQUIRED) :].astype(np.float32),
        time=best[:, 1].astype(np.float32),
        columns=tuple(names[index] for index in chosen),
    )
