"""Reading and checking the structure of a cache file: everything but the values of its frames."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import h5py
import numpy as np

from frame_select_env.cache import schema
from frame_select_env.errors import CacheError


@dataclass(frozen=True)
class Extent:
    """Where one dataset lies in the file, for `numpy.memmap`."""

    offset: int
    shape: tuple[int, ...]
    dtype: np.dtype
    axes: str = ""
    min: float = 0.0
    max: float = 0.0

    @property
    def largest(self) -> float:
        """The largest magnitude, at least 1: what `consensus.on_grid` scales predictions by."""
        return max(abs(self.min), abs(self.max), 1.0)


def read_structure(path: Path) -> "Structure":
    """Open `path`, check its structure and read its small tables."""
    if not path.is_file():
        raise CacheError(f"{path}: no such file; make a cache with frame-select import")
    try:
        with h5py.File(path, "r") as h5:
            return Structure(path, h5)
    except CacheError:
        raise
    except (OSError, KeyError, RuntimeError, ValueError) as error:
        if not h5py.is_hdf5(path):
            raise CacheError(f"{path}: is not an HDF5 file") from None
        raise CacheError(f"{path}: cannot be read, truncated or damaged: {error}") from None


class Structure:
    """The file's tables of videos, and the extents of its frame datasets by name."""

    def __init__(self, path: Path, h5: h5py.File) -> None:
        self.path, attrs = path, h5.attrs
        if attrs.get("format") != schema.FORMAT:
            self._fail("/", f"the attribute format is not {schema.FORMAT!r}: not a cache")
        if int(attrs.get("version", -1)) != schema.VERSION:
            wrong = f"version {attrs.get('version')} is not supported"
            self._fail("/", f"{wrong}, only {schema.VERSION}; write the cache again")
        self.task: str = attrs.get("task")
        if self.task not in schema.TASKS:
            self._fail("/", f"task is {self.task!r}; allowed: {', '.join(schema.TASKS)}")
        self.provenance = _provenance(attrs.get("provenance", ""))
        self._datasets = datasets = dict(self._walk(h5, ""))
        outputs = self._strings("classes" if self.task == "classification" else "targets")
        self.outputs: tuple[str, ...] = tuple(outputs.tolist())
        self.ids = self._raw_strings("videos/id")  # bytes: many, and seldom needed
        count = len(self.ids)
        self.start = self._table("videos/start", (count + 1,))
        if self.start[0] != 0 or (np.diff(self.start) <= 0).any():
            self._fail("videos/start", "must rise from 0, by at least one frame per video")
        self.splits = {schema.DEFAULT_FOLD: self._split("videos/split", count)}
        for fold in sorted({name.split("/")[1] for name in datasets if name.startswith("folds/")}):
            self.splits[fold] = self._split(f"folds/{fold}/split", count)
        streams = {name.split("/")[1] for name in datasets if name.startswith("streams/")}
        if not streams:
            self._fail("streams", "there are none")
        self.streams = tuple(sorted(streams))
        for stream in self.streams:  # refused where one is missing
            self._dataset(f"streams/{stream}/features")
            self._dataset(f"streams/{stream}/predictions")
        self.extents = {
            name: self._extent(name)
            for name in datasets
            if name.startswith(("streams/", "frames/"))
            or (name.startswith("folds/") and "/predictions/" in name)
        }
        self.labels = self._read_labels()
        grouped = "videos/group" in datasets
        self.groups = self._strings("videos/group", count) if grouped else None

    def _fail(self, dataset: str, message: str) -> NoReturn:
        raise CacheError(f"{self.path}: {dataset}: {message}")

    def _walk(self, group: h5py.Group, prefix: str) -> Iterator[tuple[str, h5py.Dataset]]:
        """Every dataset under `group`; links and types that lead out of the file are refused."""
        for name in group:
            full = f"{prefix}{name}"
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                self._fail(full, "is an external or soft link, which is not allowed in a cache")
            item = group[name]
            if isinstance(item, h5py.Group):
                yield from self._walk(item, f"{full}/")
                continue
            if item.is_virtual or item.external:
                self._fail(full, "is a virtual or external dataset, not allowed in a cache")
            if item.dtype.kind == "O":
                self._fail(full, "has an object type; write fixed-length strings")
            yield full, item

    def _dataset(self, name: str) -> h5py.Dataset:
        if name not in self._datasets:
            self._fail(name, "is missing")
        return self._datasets[name]

    def _table(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        dataset = self._dataset(name)
        if dataset.shape != shape:
            self._fail(name, f"has shape {dataset.shape}, expected {shape}")
        return dataset[:]

    def _raw_strings(self, name: str, count: int | None = None) -> np.ndarray:
        """UTF-8 bytes, as stored."""
        dataset = self._dataset(name)
        if dataset.dtype.kind != "S" or dataset.ndim != 1 or count not in (None, len(dataset)):
            self._fail(name, f"must be {count or 'at least 1'} fixed-length strings")
        return dataset[:]

    def _strings(self, name: str, count: int | None = None) -> np.ndarray:
        """Decoded strings; most are repeated, so each different one is decoded once."""
        different, index = np.unique(self._raw_strings(name, count), return_inverse=True)
        return np.char.decode(different, "utf-8")[index]

    def _split(self, name: str, count: int) -> np.ndarray:
        values = self._strings(name, count)
        unknown = sorted(set(np.unique(values).tolist()) - set(schema.SPLITS))
        if unknown:
            self._fail(name, f"has the unknown split {unknown[0]!r}; allowed: train, val, test, ''")
        return values

    def _read_labels(self) -> np.ndarray:
        count, outputs = len(self.ids), len(self.outputs)
        if self.task == "regression":
            return self._table("videos/label", (count, outputs))
        labels = self._table("videos/label", (count,))
        low, high = labels.min(initial=0), labels.max(initial=0)
        if labels.dtype.kind != "i" or low < schema.UNKNOWN_LABEL or high >= outputs:
            self._fail("videos/label", f"must be integers from -1 to {outputs - 1}")
        return labels

    def _extent(self, name: str) -> Extent:
        """Where a frame dataset lies, after checking its shape, dtype and axes."""
        dataset, total = self._datasets[name], int(self.start[-1])
        offset = dataset.id.get_offset()
        if offset is None:
            self._fail(name, "is chunked or compressed; the datasets of a cache are contiguous")
        if dataset.ndim < 1 or dataset.shape[0] != total:
            self._fail(name, f"has shape {dataset.shape}; videos/start implies {total} frames")
        if offset + dataset.size * dataset.dtype.itemsize > self.path.stat().st_size:
            self._fail(name, "extends past the end of the file: truncated")
        attrs, shape, dtype = dataset.attrs, dataset.shape, dataset.dtype
        axes = str(attrs.get("axes", ""))
        low, high = float(attrs.get("min", 0.0)), float(attrs.get("max", 0.0))
        kind, columns, outputs = name.split("/"), shape[-1], len(self.outputs)
        if kind[0] == "frames":
            expected = schema.FRAME_DATASETS.get(kind[1], dtype)
            if dtype != expected:
                self._fail(name, f"is {dtype}; expected {expected}")
        elif axes not in schema.MIDDLE_AXES:
            self._fail(name, f"axes is {axes!r}; allowed: '', view, object")
        elif len(shape) != (3 if axes else 2):
            self._fail(name, f"has shape {shape}, which does not fit axes={axes!r}")
        elif kind[-1] == "features":
            if dtype.name not in schema.FEATURE_DTYPES:
                self._fail(name, f"is {dtype}; expected float16 or float32")
        elif kind[0] == "folds" and kind[-1] not in self.streams:
            self._fail(name, f"has no stream of that name; streams: {', '.join(self.streams)}")
        elif dtype != np.float32 or columns != outputs:
            found = f"is {dtype} with {columns} columns"
            self._fail(name, f"{found}; expected float32 with {outputs}")
        return Extent(offset, shape, dtype, axes, low, high)


def _provenance(text: Any) -> dict[str, Any]:
    try:
        value = json.loads(str(text))
    except json.JSONDecodeError:
        return {"note": str(text)} if text else {}
    return value if isinstance(value, dict) else {"note": value}
