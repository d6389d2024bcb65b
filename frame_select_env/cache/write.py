"""Writing a cache in constant memory: frames go to raw files first, then into one HDF5 file."""

import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import h5py
import numpy as np

from frame_select_env.cache import schema
from frame_select_env.errors import CacheError

COPY_BYTES = 16 * 2**20


def write_cache(
    path: str | Path,
    videos: Iterable[Mapping[str, Any]],
    *,
    classes: Sequence[str] | None = None,
    targets: Sequence[str] | None = None,
    axes: Mapping[str, str] | None = None,
    provenance: Mapping[str, Any] | str = "",
) -> Path:
    """Write a cache from an iterator of videos, with one video in memory at a time.

    The file appears under its name only when it is complete; an error leaves nothing behind.

    Args:
        path: The file to write; an existing cache is replaced.
        videos: One mapping per video, all with the same keys:
            `id` (unique str), `label` (int, -1 for unknown; regression: [K] float),
            `split` ("train" | "val" | "test" | ""),
            `features` ([L, D], [L, V, D] or [L, O, D] float; or a dict of them by stream),
            `predictions` ([L, C] or [L, V, C] probabilities, regression: values; or a dict), and
            optionally `group` (str), `time` [L] (s), `importance` [L], `thumbnail`
            [L, h, w(, 3)] uint8, and `folds`: fold name -> {"split": ..., "predictions": ...}
            (without predictions the fold uses those of the top level).
        classes: Names of the C classes (classification).
        targets: Names of the K targets (regression). Give either classes or targets.
        axes: Stream name -> "view" or "object" for streams with a middle axis.
        provenance: How the cache was made; a mapping is stored as JSON.

    Returns:
        The path written.

    Raises:
        CacheError: naming the file, the video and what is wrong with it, or why the file cannot
            be written.
    """
    path = Path(path)
    if (classes is None) == (targets is None):
        raise CacheError(f"{path}: give either classes or targets, not both")
    names = list(classes if classes is not None else targets or [])
    if not names or len(set(names)) != len(names):
        raise CacheError(f"{path}: classes or targets must be distinct names, at least one")
    if not path.parent.is_dir():
        raise CacheError(f"{path}: the folder {path.parent} does not exist")
    if path.exists() and not (path.is_file() and h5py.is_hdf5(path)):
        raise CacheError(f"{path}: already exists and is not a cache; choose another name")
    with _writing(path):
        work = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    task = "classification" if classes is not None else "regression"
    spool = _Spool(path, work, task, len(names), dict(axes or {}))
    try:
        for video in videos:
            with _writing(path):
                spool.add(video)
        whole = work / "whole.h5"
        with _writing(path):
            _assemble(spool, whole, names, provenance)
            os.replace(whole, path)
    finally:
        spool.close()
        shutil.rmtree(work, ignore_errors=True)
    return path


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Say in one line why a file cannot be written: usually the disk is full.

    HDF5 raises a RuntimeError if it finds out only when closing the file.
    """
    try:
        yield
    except (OSError, RuntimeError) as error:
        found = re.search(r"error message = '([^']+)'", str(error))
        reason = found[1] if found else getattr(error, "strerror", None) or str(error)
        raise CacheError(f"{path}: cannot be written: {reason}") from None


class _Column:
    """One dataset that grows in a raw file, with its minimum and maximum."""

    def __init__(self, file: Path, shape: tuple[int, ...], dtype: np.dtype) -> None:
        self.file, self.shape, self.dtype = file, shape, dtype
        self.frames = 0
        self.min, self.max = np.inf, -np.inf
        self.handle: BinaryIO = file.open("wb")

    def append(self, values: np.ndarray) -> None:
        values = np.ascontiguousarray(values, dtype=self.dtype)
        self.handle.write(values.data if values.size else b"")
        self.frames += len(values)
        if values.size:
            self.min = min(self.min, float(values.min()))
            self.max = max(self.max, float(values.max()))


class _Spool:
    """Checks each video and appends its frames to raw files, one per dataset."""

    def __init__(
        self, path: Path, work: Path, task: str, outputs: int, axes: dict[str, str]
    ) -> None:
        self.path, self.work, self.task, self.outputs, self.axes = path, work, task, outputs, axes
        self.columns: dict[str, _Column] = {}
        self.keys: set[str] | None = None
        self.streams: tuple[str, ...] = ()
        self.folds: tuple[str, ...] = ()
        self.ids: dict[str, None] = {}
        self.labels: list[Any] = []
        self.splits: list[str] = []
        self.groups: list[str] = []
        self.fold_splits: dict[str, list[str]] = {}
        self.lengths: list[int] = []

    def add(self, video: Mapping[str, Any]) -> None:
        """Check one video and append it."""
        missing = {"id", "label", "split", "features", "predictions"} - set(video)
        name = str(video.get("id", f"number {len(self.ids)}"))
        self._require(name, not missing, f"has no {', '.join(sorted(missing))}")
        self._require(name, name not in self.ids, "the id is duplicated; ids must be unique")
        self._refuse(
            name, schema.check_text(name) or schema.check_text(str(video.get("group", "")))
        )
        self._refuse(name, schema.check_label(video["label"], self.task, self.outputs))
        self._refuse(name, schema.check_split(video["split"]))
        streams = _by_stream(video["features"])
        predictions = _by_stream(video["predictions"])
        folds = dict(video.get("folds") or {})
        if self.keys is None:
            self.keys, self.streams = set(video), tuple(streams)
            self.folds = tuple(folds)
            self.fold_splits = {fold: [] for fold in folds}
            wrong_axes = set(self.axes) - set(streams) or set(self.axes.values()) - set(
                schema.MIDDLE_AXES
            )
            self._require(name, not wrong_axes, f"axes has the unknown name {wrong_axes}")
        same = (
            set(video) == self.keys
            and tuple(streams) == self.streams
            and tuple(folds) == self.folds
            and set(predictions) == set(streams)
        )
        self._require(name, same, "must have the same keys, streams and folds as the first video")

        length = len(next(iter(streams.values())))
        self._require(name, length > 0, "has no frames")
        for stream, features in streams.items():
            self._frames(name, f"streams/{stream}/features", features, length)
            self._frames(name, f"streams/{stream}/predictions", predictions[stream], length)
        for dataset in schema.FRAME_DATASETS:
            if dataset in video:
                self._frames(name, f"frames/{dataset}", video[dataset], length)
        for fold, content in folds.items():
            self._refuse(name, schema.check_split(content.get("split")))
            self.fold_splits[fold].append(content["split"])
            for stream, values in _by_stream(content.get("predictions", {})).items():
                unknown = f"fold {fold!r} has predictions for the unknown stream {stream!r}"
                self._require(name, stream in streams, unknown)
                self._frames(name, f"folds/{fold}/predictions/{stream}", values, length)

        self.ids[name] = None
        self.labels.append(video["label"])
        self.splits.append(video["split"])
        if "group" in video:
            self.groups.append(str(video["group"]))
        self.lengths.append(length)

    def close(self) -> None:
        """Close the raw files; what is still buffered is no longer needed."""
        for column in self.columns.values():
            with suppress(OSError):
                column.handle.close()

    def _frames(self, name: str, dataset: str, values: Any, length: int) -> None:
        values = np.asarray(values)
        self._require(
            name,
            values.ndim >= 1 and len(values) == length,
            f"{dataset} has {len(values) if values.ndim else 0} frames; features have {length}",
        )
        column = self.columns.get(dataset)
        kind = dataset.split("/")
        axis = self.axes.get(kind[1] if kind[0] == "streams" else kind[-1], "")
        if kind[0] == "frames":
            dtype = schema.FRAME_DATASETS[kind[1]]
            wanted = (1,) if kind[1] != "thumbnail" else (3, 4)
        elif kind[-1] == "features":
            stored = values.dtype if column is None else column.dtype  # the first video decides
            dtype = "float16" if stored == np.float16 else "float32"
            wanted = (3,) if axis else (2,)
        else:
            dtype, wanted = "float32", ((2, 3) if axis == "view" else (2,))
        self._require(
            name,
            values.ndim in wanted,
            f"{dataset} has shape {values.shape}; expected {wanted[0]} axes"
            + (", or name the middle axis with axes=" if kind[-1] == "features" else ""),
        )
        if dtype != "uint8":
            with np.errstate(over="ignore"):  # values that are too large become inf and fail
                values = values.astype(dtype, copy=False)
            self._refuse(name, schema.check_finite(dataset, values))
        if "predictions" in kind:
            self._require(
                name,
                values.shape[-1] == self.outputs,
                f"{dataset} has {values.shape[-1]} columns; expected {self.outputs}",
            )
            self._refuse(name, schema.check_predictions(values, self.task))
        if column is None:
            self._require(name, not self.ids, f"has {dataset}, which earlier videos do not have")
            file = self.work / f"{len(self.columns)}.raw"
            column = self.columns[dataset] = _Column(file, values.shape[1:], np.dtype(dtype))
        self._require(
            name,
            values.shape[1:] == column.shape,
            f"{dataset} has shape {values.shape[1:]} per frame; the first video has {column.shape}",
        )
        column.append(values)

    def _require(self, name: str, holds: bool, message: str) -> None:
        if not holds:
            raise CacheError(f"{self.path}: video {name!r}: {message}")

    def _refuse(self, name: str, wrong: str | None) -> None:
        if wrong:
            raise CacheError(f"{self.path}: video {name!r}: {wrong}")


def _by_stream(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {schema.DEFAULT_STREAM: value}


def _assemble(
    spool: _Spool, file: Path, names: list[str], provenance: Mapping[str, Any] | str
) -> None:
    """Write the HDF5 file from the columns and the lists of the videos."""
    if not spool.ids:
        raise CacheError(f"{spool.path}: there are no videos to write")
    total = sum(spool.lengths)
    short = [name for name, column in spool.columns.items() if column.frames != total]
    if short:
        raise CacheError(f"{spool.path}: {short[0]} is missing for some videos")
    with h5py.File(
        file,
        "w",
        alignment_threshold=schema.ALIGNMENT,
        alignment_interval=schema.ALIGNMENT,
    ) as h5:
        h5.attrs["format"] = schema.FORMAT
        h5.attrs["version"] = schema.VERSION
        h5.attrs["task"] = spool.task
        text = provenance if isinstance(provenance, str) else json.dumps(provenance)
        h5.attrs["provenance"] = text
        classification = spool.task == "classification"
        _strings(h5, "classes" if classification else "targets", names)
        _strings(h5, "videos/id", list(spool.ids))
        h5["videos/label"] = np.asarray(spool.labels, np.int64 if classification else np.float32)
        _strings(h5, "videos/split", spool.splits)
        if spool.groups:
            _strings(h5, "videos/group", spool.groups)
        h5["videos/start"] = np.concatenate([[0], np.cumsum(spool.lengths)]).astype(np.int64)
        for fold, splits in spool.fold_splits.items():
            _strings(h5, f"folds/{fold}/split", splits)
        for name, column in spool.columns.items():
            _copy(h5, name, column, spool.axes)
        h5.flush()
        os.fsync(h5.id.get_vfd_handle())


def _strings(h5: h5py.File, name: str, values: Sequence[str]) -> None:
    encoded = [value.encode("utf-8") for value in values]
    width = max(1, *(len(value) for value in encoded))
    h5.create_dataset(name, data=encoded, dtype=h5py.string_dtype("utf-8", width))


def _copy(h5: h5py.File, name: str, column: _Column, axes: Mapping[str, str]) -> None:
    column.handle.close()
    shape = (column.frames, *column.shape)
    dataset = h5.create_dataset(name, shape, column.dtype)
    frame_bytes = max(1, int(np.prod(column.shape)) * column.dtype.itemsize)
    step = max(1, COPY_BYTES // frame_bytes)
    source = np.memmap(column.file, column.dtype, "r", shape=shape)
    for first in range(0, column.frames, step):
        dataset[first : first + step] = source[first : first + step]
    if not name.startswith("frames/"):
        parts = name.split("/")
        stream = parts[1] if parts[0] == "streams" else parts[-1]
        dataset.attrs["axes"] = axes.get(stream, "") if len(column.shape) == 2 else ""
        dataset.attrs["min"], dataset.attrs["max"] = column.min, column.max
