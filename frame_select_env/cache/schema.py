"""The format of a cache: one HDF5 file of contiguous, uncompressed, aligned datasets.

    /                 attrs: format, version, task ("classification" | "regression"), provenance,
                      crc32 of everything but the values
    /classes [C] str  (or /targets [K] str)
    /videos/id [N]  /videos/label [N] int64 (-1: unknown) or [N, K] float32
    /videos/split [N] train | val | test | ""  /videos/group [N]  /videos/start [N + 1] int64
    /streams/<name>/features [F, D] float16 | float32  (attrs axes, min, max)
    /streams/<name>/predictions [F, C] float32         (attrs axes, min, max)
    /folds/<fold>/split [N]  /folds/<fold>/predictions/<stream> [F, C]  (attrs axes, min, max)
    /folds/<fold>/head/<stream>/weight [D, C] float32, bias [C] float32  (also of the fold default;
                      or with hidden_weight [D, H], hidden_bias [H] and then weight [H, C])
    /frames/time [F] float32 s  /frames/number [F] int32, from 0 in the source video
    /frames/importance [F] float32  /frames/thumbnail [F, h, w(, 3)] uint8
    /frames/raters [F, R] float32  (the score of each rater; a column of NaN: none in this video)
    /summaries/start [N + 1] int64  /summaries/frame [G] int32  /summaries/shot [G] int32
    /summaries/kept [G, R] uint8    (see `frame_select_env.cache.summaries`)

Every dataset has the attribute crc32, a checksum of its values. Strings and attributes have a fixed
length: HDF5 keeps others in a heap that crashes when it is damaged.

N videos, F frames of all videos one after another, C classes, K regression targets, D features.
Video i has the frames start[i] : start[i + 1]. The attribute `axes` names a middle axis: "view"
([F, V, D], [F, V, C]) or "object" ([F, O, D]); it is "" where there is none. A head predicts a
stream's frames of videos outside the training split: it is linear, or has one hidden layer of H
rectified units; its objects are flattened. At most R raters scored a video. G counts the frames of
the original videos, before sampling.

Opening checks the structure, the checksum of the root, and those of the small tables; the checksums
of the frames are checked by `FeatureCache.check_values`.

The functions below check values: when a cache is written, when a video is first read, and by
`inspect --full`. Each returns what is wrong, or None.
"""

import json
import zlib
from collections.abc import Mapping

import numpy as np

from frame_select_env.cache.summaries import check_raters

FORMAT = "frame-select-cache"
VERSION = 2
TASKS = ("classification", "regression")
SPLITS = ("train", "val", "test", "")
MIDDLE_AXES = ("", "view", "object")
FEATURE_DTYPES = ("float16", "float32")
DEFAULT_STREAM = "main"
DEFAULT_FOLD = "default"
UNKNOWN_LABEL = -1
ALIGNMENT = 4096  # bytes: every dataset starts on a page, so that it can be memory-mapped
# Probabilities saved in half precision or by a float32 softmax are off by far less than this.
SUM_TOLERANCE = 2e-3

# Dataset of /frames -> dtype, and numbers of axes. All are optional.
FRAME_DATASETS = {
    "time": "float32",
    "number": "int32",
    "importance": "float32",
    "thumbnail": "uint8",
    "raters": "float32",
}
FRAME_AXES = {"time": (1,), "number": (1,), "importance": (1,), "thumbnail": (3, 4), "raters": (2,)}
# The arrays of a head in the order in which they are applied; a linear one has the last two.
HEAD = ("hidden_weight", "hidden_bias", "weight", "bias")
ATTRIBUTE_BYTES = 60_000  # HDF5 allows 64 KiB of all attributes of an object


def checksum(values: np.ndarray, before: int = 0) -> int:
    """The CRC-32 of an array's bytes, continuing that of the values before it."""
    return zlib.crc32(np.ascontiguousarray(values).reshape(-1).view(np.uint8).data, before)


def root_checksum(attributes: Mapping[str, object], datasets: Mapping[str, object]) -> int:
    """The CRC-32 of the root's attributes, and of what describes each dataset, by its name."""
    described = [sorted(attributes.items()), sorted(datasets.items())]
    return zlib.crc32(json.dumps(described).encode())


def describe(
    shape: tuple[int, ...], dtype: np.dtype, crc32: int, axes: str, low: float, high: float
) -> list[object]:
    """What `root_checksum` covers of a dataset."""
    return [list(shape), dtype.str, crc32, axes, float(low).hex(), float(high).hex()]


def head_inputs(shape: tuple[int, ...], axes: str) -> int:
    """The number of inputs of the head of features of this shape, [F, ..., D]: views share it."""
    return int(np.prod(shape[1:])) if axes == "object" else shape[-1]


def head_shapes(inputs: int, outputs: int, units: int | None) -> dict[str, tuple[int, ...]]:
    """The shapes of a head's arrays by name; `units` of its hidden layer, None: linear."""
    last = (inputs if units is None else units, outputs), (outputs,)
    shapes = last if units is None else ((inputs, units), (units,), *last)
    return dict(zip(HEAD[-len(shapes) :], shapes, strict=True))


def check_finite(name: str, values: np.ndarray) -> str | None:
    """Check values [L, ...], frame by frame."""
    bad = ~np.isfinite(values)
    if bad.any():
        frame = int(np.argwhere(bad)[0][0])
        return f"{name} is {values[bad][0]} at frame {frame}; remove the video or repair the value"
    return None


def check_values(dataset: str, values: np.ndarray) -> str | None:
    """Check the values [L, ...] of a dataset by its full name, frame by frame."""
    if dataset == "frames/raters":
        return check_raters(values)
    if dataset == "frames/number":
        most = np.iinfo(FRAME_DATASETS["number"]).max
        if values.dtype.kind not in "iu" or values.min() < 0 or values.max() > most:
            return f"{dataset} must be whole numbers from 0, of frames in the source video"
    return check_finite(dataset, values)


def check_predictions(values: np.ndarray, task: str) -> str | None:
    """Check predictions [L, C] or [L, V, C]; for classification they must be probabilities."""
    wrong = check_finite("predictions", values)
    if wrong or task == "regression":
        return wrong
    if values.min() < -SUM_TOLERANCE or values.max() > 1 + SUM_TOLERANCE:
        return (
            f"predictions range from {values.min():.3g} to {values.max():.3g}, "
            "but must be probabilities; apply the softmax to logits first"
        )
    sums = values.sum(axis=-1)
    if np.abs(sums - 1).max() > SUM_TOLERANCE:
        worst = sums.flat[np.abs(sums - 1).argmax()]
        return f"predictions of one frame sum to {worst:.4g}, not 1; apply the softmax first"
    return None


def check_label(value: object, task: str, outputs: int) -> str | None:
    """Check one video's label: an integer, or `outputs` numbers for a regression."""
    array = np.asarray(value)
    if task == "regression":
        if array.shape != (outputs,) or not np.isfinite(array.astype(np.float64)).all():
            return f"label {value!r} must be {outputs} finite numbers"
        return None
    if array.shape != () or array.dtype.kind not in "iu":
        return f"label {value!r} must be one integer"
    if not UNKNOWN_LABEL <= int(array) < outputs:
        return f"label {int(array)} is out of range; allowed: 0 to {outputs - 1}, or -1 (unknown)"
    return None


def check_text(value: str) -> str | None:
    """Check an id or another name: file names can hold bytes that are not text."""
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return f"{ascii(value)} is not valid UTF-8; rename it"
    return None


def check_name(kind: str, name: str) -> str | None:
    """Check the name of a stream or a fold, which becomes part of a dataset's name."""
    if not name or not name.isprintable() or "/" in name or name in (".", ".."):
        return f"the {kind} name {name!r} must be printable text without a slash"
    return None


def check_split(value: object) -> str | None:
    """Check one video's split."""
    if value not in SPLITS:
        return f"split {str(value)!r} is unknown; allowed: train, val, test or '' (unused)"
    return None
