"""Reading and checking the structure of a cache file: everything but the values of its frames."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import h5py
import numpy as np

from frame_select_env.cache import schema
from frame_select_env.cache.summaries import DATASETS
from frame_select_env.errors import CacheError


@dataclass(frozen=True)
class Extent:
    """Where one dataset lies in the file, for `numpy.memmap`."""

    offset: int
    shape: tuple[int, ...]
    dtype: np.dtype
    crc32: int
    axes: str = ""
    min: float = 0.0
    max: float = 0.0

    @property
    def largest(self) -> float:
        """The largest magnitude, at least 1: what `consensus.on_grid` scales predictions by."""
        return max(abs(self.min), abs(self.max), 1.0)


def read_structure(path: Path) -> "Structure":
    """Open `path`, check its structure and read its small tables."""
    try:
        with h5py.File(path, "r") as h5:
            return Structure(path, h5)
    except CacheError:
        raise
    except Exception as error:  # a damaged file may make h5py, NumPy or json raise anything
        if not h5py.is_hdf5(path):
            raise CacheError(f"{path}: is not an HDF5 file") from None
        raise CacheError(f"{path}: cannot be read, truncated or damaged: {error}") from None


class Structure:
    """The file's tables of videos, and the extents of its frame datasets by name."""

    def __init__(self, path: Path, h5: h5py.File) -> None:
        self.path, self._size = path, path.stat().st_size
        version = self._number(h5, "version")
        if version == 1:
            made = "make it again with frame-select import or frame-select extract"
            self._fail("/", f"version 1 is no longer supported; {made}")
        root = {"format": self._text(h5, "format"), "version": version}
        if root["format"] != schema.FORMAT:
            self._fail("/", f"the attribute format is not {schema.FORMAT!r}: not a cache")
        if version != schema.VERSION:
            wrong = f"version {version} is not supported"
            self._fail("/", f"{wrong}, only {schema.VERSION}; write the cache again")
        self.task = root["task"] = self._text(h5, "task")
        if self.task not in schema.TASKS:
            self._fail("/", f"task is {self.task!r}; allowed: {', '.join(schema.TASKS)}")
        root["provenance"] = self._text(h5, "provenance")
        self.provenance = _provenance(root["provenance"])
        # By dataset: its crc32, axes, min and max.
        self._attributes: dict[str, tuple[int, str, float, float]] = {}
        self._right: dict[str, bool] = {}  # whether the checksums of the tables are right
        self._datasets = datasets = dict(self._walk(h5, "", set()))
        name = "classes" if self.task == "classification" else "targets"
        self.outputs: tuple[str, ...] = tuple(self._strings(name).tolist())
        if not all(self.outputs) or len(set(self.outputs)) < len(self.outputs):
            self._fail(name, "a name is empty or duplicated")
        self.ids = self._raw_strings("videos/id")  # bytes: many, and seldom needed
        count = len(self.ids)
        b"\n".join(self.ids.tolist()).decode()
        if len(set(self.ids.tolist())) < count:
            different, counts = np.unique(self.ids, return_counts=True)
            self._fail("videos/id", f"{different[counts > 1][0].decode()!r} is duplicated")
        self.start = self._table("videos/start", (count + 1,), "int64")
        if self.start[0] != 0 or (np.diff(self.start) <= 0).any():
            self._fail("videos/start", "must rise from 0, by at least one frame per video")
        self.splits = {schema.DEFAULT_FOLD: self._split("videos/split", count)}
        folds = {name.split("/")[1] for name in datasets if name.startswith("folds/")}
        for fold in sorted(folds - {schema.DEFAULT_FOLD}):
            self.splits[fold] = self._split(f"folds/{fold}/split", count)
        streams = {name.split("/")[1] for name in datasets if name.startswith("streams/")}
        if not streams:
            self._fail("streams", "there are none")
        self.streams = tuple(sorted(streams))
        for stream in self.streams:  # refused where one is missing
            self._dataset(f"streams/{stream}/features")
            self._dataset(f"streams/{stream}/predictions")
        self.summary_start = self._summary_start(count)
        self.extents = {
            name: self._extent(name)
            for name in datasets
            if name.startswith(("streams/", "frames/"))
            or (name.startswith("summaries/") and name.split("/")[1] in DATASETS)
            or name.split("/")[0::2][:2] == ["folds", "predictions"]
        }
        self.heads = {
            name: self._head(name)
            for name in datasets
            if name.split("/")[0::2][:2] == ["folds", "head"]
        }
        self.labels = self._read_labels()
        grouped = "videos/group" in datasets
        self.groups = self._strings("videos/group", count) if grouped else None
        # At the end, because other messages are more precise.
        described = {
            name: schema.describe(one.shape, one.dtype, *self._attributes[name])
            for name, one in datasets.items()
        }
        self._right["/"] = self._number(h5, "crc32") == schema.root_checksum(root, described)
        for name, right in self._right.items():
            if not right:
                self._fail(name, "has a wrong checksum: damaged, or changed after it was written")

    def _fail(self, dataset: str, message: str) -> NoReturn:
        raise CacheError(f"{self.path}: {dataset}: {message}")

    def _attribute(self, item: h5py.HLObject, name: str) -> Any:
        """An attribute, None if it is missing.

        Its type is checked first: reading a value of variable length enters HDF5's global heap,
        which crashes below Python if it is damaged.
        """
        if name not in item.attrs:
            return None
        opened = item.attrs.get_id(name)
        kind, space = opened.get_type(), opened.get_space()
        fixed = isinstance(kind, h5py.h5t.TypeStringID) and not kind.is_variable_str()
        number = isinstance(kind, h5py.h5t.TypeIntegerID | h5py.h5t.TypeFloatID)
        if space.get_simple_extent_type() != h5py.h5s.SCALAR or not (fixed or number):
            self._fail(
                item.name, f"the attribute {name} is not a number or a string of fixed length"
            )
        return item.attrs[name]

    def _text(self, item: h5py.HLObject, name: str) -> str:
        value = self._attribute(item, name)
        if value is not None and not isinstance(value, bytes):
            self._fail(item.name, f"the attribute {name} is not text")
        return (value or b"").decode()

    def _number(self, item: h5py.HLObject, name: str) -> Any:
        value = self._attribute(item, name)
        if value is not None and not isinstance(value, np.number):
            self._fail(item.name, f"the attribute {name} is not a number")
        return 0 if value is None else value.item()

    def _walk(
        self, group: h5py.Group, prefix: str, seen: set[int]
    ) -> Iterator[tuple[str, h5py.Dataset]]:
        """Every dataset under `group`; what leads out of the file or in circles is refused."""
        for name in group:
            full = f"{prefix}{name}"
            if not full.isprintable():
                self._fail(ascii(full), "is not a printable name")
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                self._fail(full, "is an external or soft link, which is not allowed in a cache")
            item = group[name]
            info = h5py.h5o.get_info(item.id)
            if info.rc != 1 or info.addr in seen or full.count("/") > 8:
                self._fail(full, "is linked more than once, or nested too deeply")
            seen.add(info.addr)
            if isinstance(item, h5py.Group):
                yield from self._walk(item, f"{full}/", seen)
                continue
            if not isinstance(item, h5py.Dataset):
                self._fail(full, "is neither a group nor a dataset")
            if item.is_virtual or item.external:
                self._fail(full, "is a virtual or external dataset, not allowed in a cache")
            if item.dtype.kind == "O":
                self._fail(full, "has an object type; write fixed-length strings")
            offset, bytes_ = item.id.get_offset(), item.size * item.dtype.itemsize
            if offset is None or item.ndim < 1:
                self._fail(full, "is chunked or compressed; the datasets of a cache are contiguous")
            if offset + bytes_ > self._size:
                self._fail(full, "extends past the end of the file: truncated")
            crc32, low, high = (self._number(item, one) for one in ("crc32", "min", "max"))
            self._attributes[full] = crc32, self._text(item, "axes"), float(low), float(high)
            yield full, item

    def _dataset(self, name: str) -> h5py.Dataset:
        if name not in self._datasets:
            self._fail(name, "is missing")
        return self._datasets[name]

    def _table(self, name: str, shape: tuple[int, ...], dtype: str) -> np.ndarray:
        dataset = self._dataset(name)
        if dataset.shape != shape:
            self._fail(name, f"has shape {dataset.shape}, expected {shape}")
        if dataset.dtype != dtype:
            self._fail(name, f"is {dataset.dtype}; expected {dtype}")
        return self._values(name, dataset)

    def _values(self, name: str, dataset: h5py.Dataset) -> np.ndarray:
        values = dataset[:]
        self._right[name] = schema.checksum(values) == self._attributes[name][0]
        return values

    def _raw_strings(self, name: str, count: int | None = None) -> np.ndarray:
        """UTF-8 bytes, as stored."""
        dataset = self._dataset(name)
        if dataset.dtype.kind != "S" or dataset.ndim != 1 or count not in (None, len(dataset)):
            self._fail(name, f"must be {count or 'at least 1'} fixed-length strings")
        return self._values(name, dataset)

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
            return self._table("videos/label", (count, outputs), "float32")
        labels = self._table("videos/label", (count,), "int64")
        if labels.min(initial=0) < schema.UNKNOWN_LABEL or labels.max(initial=0) >= outputs:
            self._fail("videos/label", f"must be integers from -1 to {outputs - 1}")
        return labels

    def _summary_start(self, count: int) -> np.ndarray:
        """The first original frame of each video, [N + 1] int64; empty without summaries."""
        if not any(name.startswith("summaries/") for name in self._datasets):
            return np.zeros(0, np.int64)
        start = self._table("summaries/start", (count + 1,), "int64")
        if start[0] != 0 or (np.diff(start) <= 0).any():
            self._fail("summaries/start", "must rise from 0, by at least one frame per video")
        for name in DATASETS:  # refused where one is missing
            self._dataset(f"summaries/{name}")
        return start

    def _head(self, name: str) -> Extent:
        """Where a part of a linear head lies, after checking its shape and dtype."""
        dataset, (stream, part) = self._datasets[name], ([*name.split("/")[3:], "", ""])[:2]
        features = self.extents.get(f"streams/{stream}/features")
        if features is None or part not in ("weight", "bias"):
            self._fail(name, "is no weight or bias of a stream's head")
        shape: tuple[int, ...] = (len(self.outputs),)
        if part == "weight":
            shape = (schema.head_inputs(features.shape, features.axes), *shape)
        if dataset.shape != shape or dataset.dtype != np.float32:
            found = f"is {dataset.dtype} with shape {dataset.shape}"
            self._fail(name, f"{found}; expected float32 with {shape}")
        crc32 = self._attributes[name][0]
        return Extent(dataset.id.get_offset(), dataset.shape, dataset.dtype, crc32)

    def _extent(self, name: str) -> Extent:
        """Where a frame dataset lies, after checking its shape, dtype and axes."""
        dataset = self._datasets[name]
        table, start = "videos", self.start
        if name.startswith("summaries/"):
            table, start = "summaries", self.summary_start
        if dataset.shape[0] != start[-1]:
            self._fail(name, f"has shape {dataset.shape}; {table}/start implies {start[-1]} frames")
        shape, dtype = dataset.shape, dataset.dtype
        crc32, axes, low, high = self._attributes[name]
        kind, columns, outputs = name.split("/"), shape[-1], len(self.outputs)
        if kind[0] == "summaries":
            expected, dimensions = DATASETS[kind[1]]
            if dtype != expected or len(shape) != dimensions:
                self._fail(name, f"is {dtype} with shape {shape}; expected {expected}")
        elif kind[0] == "frames":
            expected = schema.FRAME_DATASETS.get(kind[1], dtype)
            if dtype != expected:
                self._fail(name, f"is {dtype}; expected {expected}")
            if len(shape) not in schema.FRAME_AXES.get(kind[1], (len(shape),)):
                self._fail(name, f"has shape {shape}")
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
        return Extent(dataset.id.get_offset(), shape, dtype, crc32, axes, low, high)


def _provenance(text: Any) -> dict[str, Any]:
    try:
        value = json.loads(str(text))
    except json.JSONDecodeError:
        return {"note": str(text)} if text else {}
    return value if isinstance(value, dict) else {"note": value}
