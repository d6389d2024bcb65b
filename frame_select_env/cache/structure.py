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


@dataclass(frozen=True)
class Structure:
    """The file's tables of videos, and the extents of its frame datasets by name.

    The ids are UTF-8 bytes: there may be many, and they are seldom needed.
    """

    task: str
    provenance: dict[str, Any]
    outputs: tuple[str, ...]
    ids: np.ndarray
    labels: np.ndarray
    splits: dict[str, np.ndarray]
    groups: np.ndarray | None
    start: np.ndarray
    streams: tuple[str, ...]
    extents: dict[str, Extent]


def read_structure(path: Path) -> Structure:
    """Open `path`, check its structure and read its small tables.

    Raises:
        CacheError: naming the file, the dataset and what is wrong.
    """
    if not path.is_file():
        raise CacheError(f"{path}: no such file; make a cache with frame-select import")
    try:
        with h5py.File(path, "r") as h5:
            return _Reader(path, h5).structure()
    except CacheError:
        raise
    except (OSError, KeyError, RuntimeError, ValueError) as error:
        if not h5py.is_hdf5(path):
            raise CacheError(f"{path}: is not an HDF5 file") from None
        raise CacheError(f"{path}: cannot be read, truncated or damaged: {error}") from None


class _Reader:
    def __init__(self, path: Path, h5: h5py.File) -> None:
        self.path, self.h5 = path, h5
        self.datasets: dict[str, h5py.Dataset] = {}

    def fail(self, dataset: str, message: str) -> NoReturn:
        raise CacheError(f"{self.path}: {dataset}: {message}")

    def structure(self) -> Structure:
        attrs = self.h5.attrs
        if attrs.get("format") != schema.FORMAT:
            self.fail("/", f"the attribute format is not {schema.FORMAT!r}: not a cache")
        if int(attrs.get("version", -1)) != schema.VERSION:
            self.fail(
                "/",
                f"version {attrs.get('version')} is not supported, only {schema.VERSION}; "
                "write the cache again",
            )
        task = attrs.get("task")
        if task not in schema.TASKS:
            self.fail("/", f"task is {task!r}; allowed: {', '.join(schema.TASKS)}")
        self.datasets = datasets = dict(self.walk(self.h5, ""))
        outputs = self.strings("classes" if task == "classification" else "targets")
        ids = self.raw_strings("videos/id")
        count = len(ids)
        start = self.table("videos/start", (count + 1,))
        if start[0] != 0 or (np.diff(start) <= 0).any():
            self.fail("videos/start", "must rise from 0, by at least one frame per video")
        splits = {schema.DEFAULT_FOLD: self.split("videos/split", count)}
        for fold in sorted({name.split("/")[1] for name in datasets if name.startswith("folds/")}):
            splits[fold] = self.split(f"folds/{fold}/split", count)
        extents = {
            name: self.extent(name, int(start[-1]))
            for name in datasets
            if name.startswith(("streams/", "frames/"))
            or (name.startswith("folds/") and "/predictions/" in name)
        }
        streams = sorted({name.split("/")[1] for name in extents if name.startswith("streams/")})
        if not streams:
            self.fail("streams", "there are none")
        for name, extent in extents.items():
            self.check_extent(name, extent, len(outputs), streams)
        for stream in streams:
            for kind in ("features", "predictions"):
                if f"streams/{stream}/{kind}" not in extents:
                    self.fail(f"streams/{stream}/{kind}", "is missing")
        return Structure(
            task=task,
            provenance=_provenance(attrs.get("provenance", "")),
            outputs=tuple(outputs.tolist()),
            ids=ids,
            labels=self.labels(task, count, len(outputs)),
            splits=splits,
            groups=self.strings("videos/group", count) if "videos/group" in datasets else None,
            start=start,
            streams=tuple(streams),
            extents=extents,
        )

    def walk(self, group: h5py.Group, prefix: str) -> Iterator[tuple[str, h5py.Dataset]]:
        """Every dataset under `group`; links and types that lead out of the file are refused."""
        for name in group:
            full = f"{prefix}{name}"
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                self.fail(full, "is an external or soft link, which is not allowed in a cache")
            item = group[name]
            if isinstance(item, h5py.Group):
                yield from self.walk(item, f"{full}/")
                continue
            if item.is_virtual or item.external:
                self.fail(full, "is a virtual or external dataset, not allowed in a cache")
            if item.dtype.kind == "O":
                self.fail(full, "has an object type; write fixed-length strings")
            yield full, item

    def dataset(self, name: str) -> h5py.Dataset:
        if name not in self.datasets:
            self.fail(name, "is missing")
        return self.datasets[name]

    def table(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        dataset = self.dataset(name)
        if dataset.shape != shape:
            self.fail(name, f"has shape {dataset.shape}, expected {shape}")
        return dataset[:]

    def raw_strings(self, name: str, count: int | None = None) -> np.ndarray:
        """UTF-8 bytes, as stored."""
        dataset = self.dataset(name)
        if dataset.dtype.kind != "S" or dataset.ndim != 1 or count not in (None, len(dataset)):
            self.fail(name, f"must be {count or 'at least 1'} fixed-length strings")
        return dataset[:]

    def strings(self, name: str, count: int | None = None) -> np.ndarray:
        """Decoded strings; most are repeated, so each different one is decoded once."""
        different, index = np.unique(self.raw_strings(name, count), return_inverse=True)
        return np.char.decode(different, "utf-8")[index]

    def split(self, name: str, count: int) -> np.ndarray:
        values = self.strings(name, count)
        unknown = sorted(set(np.unique(values).tolist()) - set(schema.SPLITS))
        if unknown:
            self.fail(name, f"has the unknown split {unknown[0]!r}; allowed: train, val, test, ''")
        return values

    def labels(self, task: str, count: int, outputs: int) -> np.ndarray:
        if task == "regression":
            return self.table("videos/label", (count, outputs))
        labels = self.table("videos/label", (count,))
        low, high = labels.min(initial=0), labels.max(initial=0)
        if labels.dtype.kind != "i" or low < schema.UNKNOWN_LABEL or high >= outputs:
            self.fail("videos/label", f"must be integers from -1 to {outputs - 1}")
        return labels

    def extent(self, name: str, total: int) -> Extent:
        dataset = self.datasets[name]
        offset = dataset.id.get_offset()
        if offset is None:
            self.fail(name, "is chunked or compressed; the datasets of a cache are contiguous")
        if dataset.ndim < 1 or dataset.shape[0] != total:
            self.fail(name, f"has shape {dataset.shape}; videos/start implies {total} frames")
        if offset + dataset.size * dataset.dtype.itemsize > self.path.stat().st_size:
            self.fail(name, "extends past the end of the file: truncated")
        attrs = dataset.attrs
        return Extent(
            offset,
            dataset.shape,
            dataset.dtype,
            str(attrs.get("axes", "")),
            float(attrs.get("min", 0.0)),
            float(attrs.get("max", 0.0)),
        )

    def check_extent(self, name: str, extent: Extent, outputs: int, streams: list[str]) -> None:
        """Check dtype, axes and width of one frame dataset."""
        kind = name.split("/")
        if kind[0] == "frames":
            expected = schema.FRAME_DATASETS.get(kind[1], extent.dtype)
            if extent.dtype != expected:
                self.fail(name, f"is {extent.dtype}; expected {expected}")
            return
        if extent.axes not in schema.MIDDLE_AXES:
            self.fail(name, f"axes is {extent.axes!r}; allowed: '', view, object")
        if len(extent.shape) != (3 if extent.axes else 2):
            self.fail(name, f"has shape {extent.shape}, which does not fit axes={extent.axes!r}")
        if kind[-1] == "features":
            if extent.dtype.name not in schema.FEATURE_DTYPES:
                self.fail(name, f"is {extent.dtype}; expected float16 or float32")
            return
        if kind[0] == "folds" and kind[-1] not in streams:
            self.fail(name, f"has no stream of that name; streams: {', '.join(streams)}")
        if extent.dtype != np.float32 or extent.shape[-1] != outputs:
            self.fail(
                name,
                f"is {extent.dtype} with {extent.shape[-1]} columns; expected float32 "
                f"with {outputs}",
            )


def _provenance(text: Any) -> dict[str, Any]:
    try:
        value = json.loads(str(text))
    except json.JSONDecodeError:
        return {"note": str(text)} if text else {}
    return value if isinstance(value, dict) else {"note": value}
