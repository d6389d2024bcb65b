"""Writing a cache in constant memory: frames go to raw files first, then into one HDF5 file."""

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import h5py
import numpy as np

from frame_select_env.cache import schema
from frame_select_env.cache.summaries import DATASETS, Summaries, check_summaries
from frame_select_env.errors import CacheError
from frame_select_env.storage import replacing, writing

COPY_BYTES = 16 * 2**20
Heads: TypeAlias = Mapping[str, Sequence[np.ndarray]]  # by stream


def write_cache(
    path: str | Path,
    videos: Iterable[Mapping[str, Any]],
    *,
    classes: Sequence[str] | None = None,
    targets: Sequence[str] | None = None,
    axes: Mapping[str, str] | None = None,
    provenance: Mapping[str, Any] | str = "",
    heads: Mapping[str, Heads] | None = None,
) -> Path:
    """Write a cache from an iterator of videos, with one video in memory at a time.

    The file appears under its name only when it is complete; an error leaves nothing behind.
    Returns the path.

    Args:
        path: The file to write; an existing cache is replaced.
        videos: One mapping per video, all with the same keys:
            `id` (unique str), `label` (int, -1 for unknown; regression: [K] float),
            `split` ("train" | "val" | "test" | ""),
            `features` ([L, D], [L, V, D] or [L, O, D] float; or a dict of them by stream),
            `predictions` ([L, C] or [L, V, C] probabilities, regression: values; or a dict), and
            optionally `group` (str), `time` [L] (s), `number` [L] (of each frame in the source
            video, from 0), `importance` [L], `thumbnail` [L, h, w(, 3)] uint8, `raters` [L, R]
            (NaN in the columns of raters that the video does not have), `summaries` (a
            `Summaries`), and `folds`: fold name -> {"split": ..., "predictions": ...} (without
            predictions the fold uses those of the top level).
        classes: Names of the C classes (classification).
        targets: Names of the K targets (regression). Give either classes or targets.
        axes: Stream name -> "view" or "object" for streams with a middle axis.
        provenance: How the cache was made; a mapping is stored as JSON.
        heads: Fold ("default" for the top level) -> stream -> weight [D, C] and bias [C] of the
            linear head that made the predictions of videos outside the training split, or the four
            arrays of one with a hidden layer, see `FeatureCache.head`.

    Raises:
        CacheError: naming the file, the video and what is wrong with it, or why the file cannot
            be written.
    """
    path = Path(path)
    if (classes is None) == (targets is None):
        raise CacheError(f"{path}: give either classes or targets, not both")
    names = list(classes if classes is not None else targets or [])
    if not all(names) or not names or len(set(names)) != len(names):
        raise CacheError(f"{path}: classes or targets must be distinct names, at least one")
    if not path.parent.is_dir():
        raise CacheError(f"{path}: the folder {path.parent} does not exist")
    if path.exists() and not (path.is_file() and h5py.is_hdf5(path)):
        raise CacheError(f"{path}: already exists and is not a cache; choose another name")
    task = "classification" if classes is not None else "regression"
    with replacing(path, CacheError) as part:
        writer = _Writer(path, part.parent, task, names, dict(axes or {}))
        try:
            for video in videos:
                with writing(path, CacheError):
                    writer.add(video)
            with writing(path, CacheError):
                writer.save(part, provenance, heads or {})
        finally:
            for column in writer.columns.values():
                with suppress(OSError):  # what is still buffered is no longer needed
                    column.handle.close()
    return path


class _Column:
    """One dataset that grows in a raw file, with its minimum and maximum."""

    def __init__(self, file: Path, shape: tuple[int, ...], dtype: str) -> None:
        self.file, self.shape, self.dtype = file, shape, np.dtype(dtype)
        self.frames, self.min, self.max = 0, np.inf, -np.inf
        self.handle: BinaryIO = file.open("wb")

    def append(self, values: np.ndarray) -> None:
        values = np.ascontiguousarray(values, dtype=self.dtype)
        self.handle.write(values.data if values.size else b"")
        self.frames += len(values)
        if values.size:
            self.min = min(self.min, float(values.min()))
            self.max = max(self.max, float(values.max()))


class _Disk(io.FileIO):
    """A file that keeps the first error of writing for `check`, and from then on writes nothing.

    HDF5 is told nothing of it: it would try again at every close, and h5py print each failure.
    """

    error: OSError | None = None

    def write(self, data: Any) -> int:
        rest = memoryview(data)
        size = len(rest)
        try:
            while rest and not self.error:
                rest = rest[super().write(rest) :]
        except OSError as error:
            self.error = error
        return size

    def truncate(self, size: int | None = None) -> int:
        try:
            return self.tell() if self.error else super().truncate(size)
        except OSError as error:
            self.error = error
            return self.tell()

    def check(self) -> None:
        """Raise the first error."""
        if self.error:
            raise self.error


class _Writer:
    """Checks each video, appends its frames to raw files, and copies these into the HDF5 file."""

    def __init__(
        self, path: Path, work: Path, task: str, names: list[str], axes: dict[str, str]
    ) -> None:
        self.path, self.work, self.task, self.names, self.axes = path, work, task, names, axes
        self.columns: dict[str, _Column] = {}
        self.described: dict[str, object] = {}  # what the root's checksum covers, by dataset
        self.name = ""  # the id of the video that is being added
        self.keys: tuple[set[str], list[str], list[str]] | None = None
        # By id: label, split, group (None where there are none) and number of frames.
        self.rows: dict[str, tuple[Any, str, str | None, int]] = {}
        self.fold_splits: dict[str, list[str]] = {}
        self.summary_lengths: list[int] = []

    def add(self, video: Mapping[str, Any]) -> None:
        """Check one video and append it."""
        self.name = name = str(video.get("id", f"number {len(self.rows)}"))
        missing = {"id", "label", "split", "features", "predictions"} - set(video)
        self.require(not missing, f"has no {', '.join(sorted(missing))}")
        self.require(name not in self.rows, "the id is duplicated; ids must be unique")
        folds = dict(video.get("folds") or {})
        features, predictions = _by_stream(video["features"]), _by_stream(video["predictions"])
        for wrong in (
            schema.check_text(name),
            schema.check_text(str(video.get("group", ""))),
            schema.check_label(video["label"], self.task, len(self.names)),
            schema.check_split(video["split"]),
            *(schema.check_split(content.get("split")) for content in folds.values()),
            *(schema.check_name("fold", str(fold)) for fold in folds),
            *(schema.check_name("stream", str(stream)) for stream in features),
        ):
            self.require(not wrong, wrong)
        keys = set(video), list(features), list(folds)
        if self.keys is None:
            self.keys = keys
            wrong_axes = set(self.axes) - set(features)
            wrong_axes = wrong_axes or set(self.axes.values()) - set(schema.MIDDLE_AXES)
            self.require(not wrong_axes, f"axes has the unknown name {wrong_axes}")
        same = keys == self.keys and set(predictions) == set(features)
        self.require(same, "must have the same keys, streams and folds as the first video")

        length = len(next(iter(features.values())))
        self.require(length > 0, "has no frames")
        for stream, values in features.items():
            self.append(f"streams/{stream}/features", values, length)
            self.append(f"streams/{stream}/predictions", predictions[stream], length)
        for dataset in schema.FRAME_DATASETS:
            if dataset in video:
                self.append(f"frames/{dataset}", video[dataset], length)
        if "summaries" in video:
            self.summaries(video["summaries"], length)
        for fold, content in folds.items():
            for stream, values in _by_stream(content.get("predictions", {})).items():
                unknown = f"fold {fold!r} has predictions for the unknown stream {stream!r}"
                self.require(stream in features, unknown)
                self.append(f"folds/{fold}/predictions/{stream}", values, length)
            self.fold_splits.setdefault(fold, []).append(content["split"])

        group = str(video["group"]) if "group" in video else None
        self.rows[name] = video["label"], video["split"], group, length

    def summaries(self, one: Summaries, length: int) -> None:
        """Check the raters' summaries of a video of `length` frames and append them."""
        wrong = check_summaries(one, length)
        self.require(not wrong, wrong)
        for name in DATASETS:
            self.append(f"summaries/{name}", getattr(one, name), len(one.frame))
        self.summary_lengths.append(len(one.frame))

    def append(self, dataset: str, values: Any, length: int) -> None:
        """Check the frames of one dataset of a video and append them to its raw file."""
        values = np.asarray(values)
        frames = len(values) if values.ndim else 0
        self.require(frames == length, f"{dataset} has {frames} frames; features have {length}")
        column, kind = self.columns.get(dataset), dataset.split("/")
        axis = self.axes.get(_stream_of(dataset), "")
        if kind[0] == "summaries":
            dtype, axes = DATASETS[kind[1]]
            dimensions: tuple[int, ...] = (axes,)
        elif kind[0] == "frames":
            dtype = schema.FRAME_DATASETS[kind[1]]
            dimensions = schema.FRAME_AXES[kind[1]]
        elif kind[-1] == "features":
            stored = values.dtype if column is None else column.dtype  # the first video decides
            dtype = "float16" if stored == np.float16 else "float32"
            dimensions = (3,) if axis else (2,)
        else:
            dtype, dimensions = "float32", ((2, 3) if axis == "view" else (2,))
        remedy = ", or name the middle axis with axes=" if kind[-1] == "features" else ""
        expected = f"expected {dimensions[0]} axes{remedy}"
        self.require(values.ndim in dimensions, f"{dataset} has shape {values.shape}; {expected}")
        if dtype != "uint8":
            if dtype != "int32":  # what is too large for that would become another number
                with np.errstate(over="ignore"):  # values that are too large become inf and fail
                    values = values.astype(dtype, copy=False)
            wrong = schema.check_values(dataset, values)
            self.require(not wrong, wrong)
        if "predictions" in kind:
            columns, outputs = values.shape[-1], len(self.names)
            self.require(columns == outputs, f"{dataset} has {columns} columns; expected {outputs}")
            wrong = schema.check_predictions(values, self.task)
            self.require(not wrong, wrong)
        if column is None:
            self.require(not self.rows, f"has {dataset}, which earlier videos do not have")
            file = self.work / f"{len(self.columns)}.raw"
            column = self.columns[dataset] = _Column(file, values.shape[1:], dtype)
        shape = values.shape[1:]
        differs = f"{dataset} has shape {shape} per frame; the first video has {column.shape}"
        self.require(shape == column.shape, differs)
        column.append(values)

    def require(self, holds: bool, message: str | None) -> None:
        if not holds:
            raise CacheError(f"{self.path}: video {self.name!r}: {message}")

    def save(
        self, file: Path, provenance: Mapping[str, Any] | str, heads: Mapping[str, Heads]
    ) -> None:
        """Write the HDF5 file from the raw files and the lists of the videos."""
        if not self.rows:
            raise CacheError(f"{self.path}: there are no videos to write")
        labels, splits, groups, lengths = zip(*self.rows.values(), strict=True)
        total, original = sum(lengths), sum(self.summary_lengths)
        short = [
            name
            for name, column in self.columns.items()
            if column.frames != (original if name.startswith("summaries/") else total)
        ]
        if short:
            raise CacheError(f"{self.path}: {short[0]} is missing for some videos")
        aligned = {
            "alignment_threshold": schema.ALIGNMENT,
            "alignment_interval": schema.ALIGNMENT,
        }
        with _Disk(file, "w+") as disk, h5py.File(disk, "w", **aligned) as h5:
            text = provenance if isinstance(provenance, str) else json.dumps(provenance)
            if len(text.encode()) > schema.ATTRIBUTE_BYTES:
                raise CacheError(
                    f"{self.path}: provenance has {len(text.encode())} bytes; at most "
                    f"{schema.ATTRIBUTE_BYTES} can be stored"
                )
            root: dict[str, str | float] = {
                "format": schema.FORMAT,
                "version": schema.VERSION,
                "task": self.task,
                "provenance": text,
            }
            for name, value in root.items():
                self.attribute(h5, name, value)
            classification = self.task == "classification"
            self.strings(h5, "classes" if classification else "targets", self.names)
            self.strings(h5, "videos/id", list(self.rows))
            dtype = np.int64 if classification else np.float32
            self.table(h5, "videos/label", np.asarray(labels, dtype))
            self.strings(h5, "videos/split", splits)
            if groups[0] is not None:
                self.strings(h5, "videos/group", groups)
            starts = np.concatenate([[0], np.cumsum(lengths)])
            self.table(h5, "videos/start", starts.astype(np.int64))
            if self.summary_lengths:
                starts = np.concatenate([[0], np.cumsum(self.summary_lengths)])
                self.table(h5, "summaries/start", starts.astype(np.int64))
            for fold, values in self.fold_splits.items():
                self.strings(h5, f"folds/{fold}/split", values)
            for fold, by_stream in heads.items():
                for stream, arrays in by_stream.items():
                    self.head(h5, fold, stream, arrays)
            for name, column in self.columns.items():
                self.copy(h5, name, column)
                disk.check()
            self.attribute(h5, "crc32", schema.root_checksum(root, self.described))
            h5.close()
            disk.check()

    def attribute(self, item: h5py.HLObject, name: str, value: str | float) -> None:
        """Store an attribute with a fixed length."""
        if isinstance(value, str):
            encoded = value.encode() or b"\0"  # HDF5 has no empty strings of fixed length
            item.attrs.create(name, encoded, dtype=h5py.string_dtype("utf-8", len(encoded)))
        else:
            item.attrs[name] = np.array(value)

    def strings(self, h5: h5py.File, name: str, values: Sequence[str]) -> None:
        """Store strings as UTF-8, all of the length of the longest."""
        encoded = [value.encode("utf-8") for value in values]
        width = max(1, *(len(value) for value in encoded))
        self.table(h5, name, np.array(encoded, h5py.string_dtype("utf-8", width)))

    def table(self, h5: h5py.File, name: str, values: np.ndarray) -> None:
        """Store an array with its checksum."""
        dataset = h5.create_dataset(name, data=values)
        self.finish(dataset, name, schema.checksum(values))

    def head(self, h5: h5py.File, fold: str, stream: str, arrays: Sequence[np.ndarray]) -> None:
        """Store a head, after checking that it fits its stream's features."""
        name = f"folds/{fold}/head/{stream}"
        column = self.columns.get(f"streams/{stream}/features")
        if column is None or fold not in (schema.DEFAULT_FOLD, *self.fold_splits):
            raise CacheError(f"{self.path}: {name}: is of an unknown fold or stream")
        inputs = schema.head_inputs((0, *column.shape), self.axes.get(stream, ""))
        units = arrays[1].size if len(arrays) == len(schema.HEAD) else None
        shapes = schema.head_shapes(inputs, len(self.names), units)
        if [values.shape for values in arrays] != list(shapes.values()):
            raise CacheError(
                f"{self.path}: {name}: {', '.join(shapes)} have the shapes "
                f"{[values.shape for values in arrays]}; expected {list(shapes.values())}"
            )
        for part, values in zip(shapes, arrays, strict=True):
            if wrong := schema.check_finite(part, values):
                raise CacheError(f"{self.path}: {name}: {wrong}")
            self.table(h5, f"{name}/{part}", values.astype(np.float32))

    def finish(
        self,
        dataset: h5py.Dataset,
        name: str,
        crc32: int,
        axes: str = "",
        low: float = 0.0,
        high: float = 0.0,
    ) -> None:
        """Store a dataset's checksum, and note what the root's covers of it."""
        self.attribute(dataset, "crc32", crc32)
        self.described[name] = schema.describe(dataset.shape, dataset.dtype, crc32, axes, low, high)

    def copy(self, h5: h5py.File, name: str, column: _Column) -> None:
        """Copy one raw file into its dataset, a block at a time."""
        column.handle.close()
        shape = (column.frames, *column.shape)
        dataset = h5.create_dataset(name, shape, column.dtype)
        step = max(1, COPY_BYTES // max(1, int(np.prod(column.shape)) * column.dtype.itemsize))
        source = np.memmap(column.file, column.dtype, "r", shape=shape)
        crc32 = 0
        for first in range(0, column.frames, step):
            block = source[first : first + step]
            dataset[first : first + step] = block
            crc32 = schema.checksum(block, crc32)
        if name.startswith(("frames/", "summaries/")):
            self.finish(dataset, name, crc32)
            return
        axes = self.axes.get(_stream_of(name), "") if len(column.shape) == 2 else ""
        for attribute, value in (("axes", axes), ("min", column.min), ("max", column.max)):
            self.attribute(dataset, attribute, value)
        self.finish(dataset, name, crc32, axes, column.min, column.max)


def _by_stream(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {schema.DEFAULT_STREAM: value}


def _stream_of(dataset: str) -> str:
    parts = dataset.split("/")
    return parts[1] if parts[0] == "streams" else parts[-1]
