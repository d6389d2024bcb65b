"""The layout of a cache file: one HDF5 file of contiguous, uncompressed, aligned datasets.

    /                 attrs: format, version, task ("classification" | "regression"), provenance
    /classes [C] str  (or /targets [K] str)
    /videos/id [N]  /videos/label [N] int64 (-1: unknown) or [N, K] float32
    /videos/split [N] train | val | test | ""  /videos/group [N]  /videos/start [N + 1] int64
    /streams/<name>/features [F, D] float16 | float32  (attrs axes, min, max)
    /streams/<name>/predictions [F, C] float32         (attrs axes, min, max)
    /folds/<fold>/split [N]  /folds/<fold>/predictions/<stream> [F, C]
    /frames/time [F] float32  /frames/importance [F] float32  /frames/thumbnail [F, h, w(, 3)] uint8

N videos, F frames of all videos one after another, C classes, K regression targets, D features.
Video i owns the frames start[i] : start[i + 1]. The attribute `axes` names a middle axis: "view"
([F, V, D], [F, V, C]) or "object" ([F, O, D]); it is "" where there is none.
"""

FORMAT = "frame-select-cache"
VERSION = 1
TASKS = ("classification", "regression")
SPLITS = ("train", "val", "test", "")
MIDDLE_AXES = ("", "view", "object")
FEATURE_DTYPES = ("float16", "float32")
DEFAULT_STREAM = "main"
DEFAULT_FOLD = "default"
UNKNOWN_LABEL = -1
ALIGNMENT = 4096  # bytes: every dataset starts on a page, so that it can be memory-mapped

# Dataset of /frames -> dtype. All are optional.
FRAME_DATASETS = {"time": "float32", "importance": "float32", "thumbnail": "uint8"}
