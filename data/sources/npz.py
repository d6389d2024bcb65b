"""FEATURES.npz, which any framework can write.

    features [F, D]  (several streams: features.<stream>)      lengths [N]    ids [N]
    labels [N] int, -1 if unknown (regression: [N, K] float)   splits [N]  (folds: splits.<fold>)

With a middle axis, features are [F, V, D] or [F, K, D]; see `Axes`.
Optional: groups [N], classes [C] or targets [K], importance [F], time [F] (seconds), number [F]
(of each frame in its video, from 0), thumbnail [F, h, w(, 3)] uint8, predictions [F, C] (or
predictions.<stream>).
N videos with F frames in total, concatenated.
"""

import math
import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NoReturn

import numpy as np

from data.sources.axes import Axes
from data.sources.source import Frames, Source, check_videos, split_field, stream_field
from frame_select_env.cache import schema
from frame_select_env.errors import FrameSelectError

REQUIRED = ("lengths", "labels", "ids", "splits")
OPTIONAL = ("groups", "classes", "targets", *schema.FRAME_DATASETS)
FAMILIES = ("features", "predictions", "splits")  # these may also be called <family>.<name>
MOST_CLASSES = 10**6
NAME = re.compile(r"[A-Za-z0-9_-]+")  # of streams and folds: they become names in the HDF5 file


def read_npz(path: Path, axes: Axes | None = None) -> Source:
    """Read an npz of features; all arrays are read into memory."""
    return _Reader(path, axes or Axes()).source()


class _Reader:
    def __init__(self, path: Path, axes: Axes) -> None:
        self.path, self.axes = path, axes
        self.arrays = self._load()

    def fail(self, name: str, message: str) -> NoReturn:
        raise FrameSelectError(f"{self.path}: {name}: {message}")

    def fail_array(self, name: str, values: np.ndarray, expected: str) -> NoReturn:
        found = f"has dtype {values.dtype} and shape {values.shape}"
        self.fail(name, f"{found}; expected {expected}")

    def _load(self) -> dict[str, np.ndarray]:
        arrays: dict[str, np.ndarray] = {}
        name = "file"
        try:
            archive = np.load(self.path, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                self.fail(name, "contains a single array, not an npz; see --help for the layout")
            with archive:
                for name in archive.files:
                    self.check_size(archive, name)
                    arrays[name] = archive[name]
        except FrameSelectError:
            raise
        except Exception as error:  # NumPy and zipfile raise anything on damaged files
            if "allow_pickle" not in str(error):
                self.fail(name, f"cannot be read: {error}")
            if name == "file":
                self.fail(name, "is not an .npz file")
            self.fail(name, "contains Python objects, which are not read; save numbers or strings")
        return arrays

    def check_size(self, archive: np.lib.npyio.NpzFile, name: str) -> None:
        """Refuse an array whose header asks for more than the file holds, before reading it."""
        members = archive.zip
        assert members is not None
        member = name if name in members.namelist() else f"{name}.npy"
        with members.open(member) as file:
            version = np.lib.format.read_magic(file)
            read = np.lib.format.read_array_header_1_0
            if version != (1, 0):
                read = np.lib.format.read_array_header_2_0
            shape, _, dtype = read(file)
        size = members.getinfo(member).file_size
        if math.prod(shape) * dtype.itemsize > size:
            self.fail(name, f"has a header for shape {shape} and {size} bytes: damaged")
        if size > 1000 * max(self.path.stat().st_size, 10**6):
            self.fail(name, f"would be {size} bytes in memory: not an array of features")

    def source(self) -> Source:
        for name in REQUIRED:
            if name not in self.arrays:
                have = ", ".join(sorted(self.arrays)) or "nothing"
                self.fail(name, f"is missing; the file contains {have}")
        features = self.family("features", schema.DEFAULT_STREAM)
        if not features:
            self.fail("features", "is missing; add features or features.<stream>")
        if schema.DEFAULT_STREAM in features and len(features) > 1:
            self.fail("features", "cannot be combined with features.<stream>; name every stream")
        lengths = self.arrays["lengths"]
        if lengths.ndim != 1 or lengths.dtype.kind not in "iu" or (lengths < 1).any():
            self.fail("lengths", "must be one integer per video, at least 1")
        lengths = lengths.astype(np.int64)
        count, start = len(lengths), np.concatenate([[0], np.cumsum(lengths)])
        self.axes.check(features)
        for stream, values in features.items():
            name, axis = stream_field("features", stream), self.axes.of(stream)
            if values.ndim == 3 and not axis:
                self.fail_array(name, values, "[F, D]; use --axis view or object for 3 axes")
            self.check_frames(name, values, start[-1], axes=(3,) if axis else (2,))
        labels, outputs, task = self.labels(count)
        predictions = self.predictions(list(features), start[-1])
        frames = {name: self.arrays[name] for name in schema.FRAME_DATASETS if name in self.arrays}
        for name, values in frames.items():
            self.check_frames(name, values, start[-1], schema.FRAME_AXES[name])
            if name == "thumbnail" and values.dtype != np.uint8:
                self.fail(name, f"has dtype {values.dtype}; expected uint8")
            if wrong := schema.check_values(f"frames/{name}", values):
                self.fail(name, wrong)
        splits = {
            fold: self.strings(split_field(fold), values, count)
            for fold, values in self.family("splits", schema.DEFAULT_FOLD).items()
        }
        groups = self.arrays.get("groups")
        names = [*REQUIRED, *OPTIONAL]
        unknown = [n for n in self.arrays if n not in names and n.split(".")[0] not in FAMILIES]
        note = f"ignored unknown arrays: {', '.join(unknown)}; known are {', '.join(names)}"
        source = check_videos(
            Source(
                path=self.path,
                task=task,
                outputs=outputs,
                ids=self.strings("ids", self.arrays["ids"], count),
                labels=labels,
                splits={schema.DEFAULT_FOLD: splits.pop(schema.DEFAULT_FOLD), **splits},
                lengths=lengths,
                features=_cut(features, start),
                groups=None if groups is None else self.strings("groups", groups, count),
                predictions=_cut(predictions, start),
                frames=_cut(frames, start),
                notes=[note] if unknown else [],
                axes={stream: axis for stream in features if (axis := self.axes.of(stream))},
            )
        )
        # Everything is in memory: report bad values before a head is trained, not when writing.
        for stream in source.features:
            for row in range(len(source)):
                source.read_features(stream, row)
        return source

    def family(self, name: str, default: str) -> dict[str, np.ndarray]:
        """The arrays `name` (under the key `default`) and `name.<key>`, by key."""
        members = {}
        for full, values in self.arrays.items():
            stem, dot, key = full.partition(".")
            if stem != name:
                continue
            if dot and (not NAME.fullmatch(key) or key == default):
                self.fail(full, f"{key!r} is not a valid name; use letters, digits, _ and -")
            members[key if dot else default] = values
        return members

    def check_frames(self, name: str, values: np.ndarray, total: int, axes: Sequence[int]) -> None:
        if values.dtype.kind not in "fiu" or values.ndim not in axes:
            self.fail_array(name, values, f"numbers with {' or '.join(map(str, axes))} axes")
        if len(values) != total:
            self.fail(name, f"has {len(values)} frames, but lengths sum to {total}")

    def labels(self, videos: int) -> tuple[np.ndarray, list[str], str]:
        """The labels as stored in a cache, the names of the classes or targets, and the task."""
        labels = self.arrays["labels"]
        regression = labels.dtype.kind == "f"
        if labels.dtype.kind not in "iuf" or labels.ndim not in ((1, 2) if regression else (1,)):
            self.fail_array("labels", labels, "[N] integers or [N, K] floats")
        if len(labels) != videos:
            self.fail("labels", f"has {len(labels)} rows, but lengths has {videos}")
        wanted, other = ("targets", "classes") if regression else ("classes", "targets")
        if other in self.arrays:
            self.fail(other, f"cannot be used with {labels.dtype} labels; use {wanted}")
        if regression:
            labels = labels.reshape(videos, -1).astype(np.float32)
            names = [f"target{k}" for k in range(labels.shape[1])]
        else:
            labels = labels.astype(np.int64)
            if labels.max(initial=-1) >= MOST_CLASSES:
                self.fail("labels", f"has the label {labels.max()}; classes are numbered from 0")
            names = [str(label) for label in range(labels.max(initial=-1) + 1)]
        if wanted in self.arrays:
            given = self.arrays[wanted]
            names = self.strings(wanted, given, len(names) if regression else given.size).tolist()
        unknown = (
            not regression and wanted not in self.arrays and not self.family("predictions", "")
        )
        if len(set(names)) != len(names) or not (names or unknown):
            self.fail(wanted, "must be distinct names, at least one")
        return labels, names, "regression" if regression else "classification"

    def predictions(self, streams: list[str], total: int) -> dict[str, np.ndarray]:
        given = self.family("predictions", schema.DEFAULT_STREAM)
        if len(streams) == 1 and list(given) == [schema.DEFAULT_STREAM]:
            # The only stream's, whatever its name.
            given = {streams[0]: given[schema.DEFAULT_STREAM]}
        if given and set(given) != set(streams):
            wanted = ", ".join(stream_field("predictions", stream) for stream in streams)
            self.fail("predictions", f"must be given for every stream: {wanted}")
        for stream, values in given.items():
            axes = (2, 3) if self.axes.of(stream) == "view" else (2,)
            self.check_frames(stream_field("predictions", stream), values, total, axes)
        return given

    def strings(self, name: str, values: np.ndarray, count: int) -> np.ndarray:
        if values.dtype.kind not in "USiu" or values.ndim != 1:
            self.fail_array(name, values, "a list of strings")
        if len(values) != count:
            self.fail(name, f"has {len(values)} strings; expected {count}")
        try:
            found = np.char.decode(values, "utf-8") if values.dtype.kind == "S" else values
            found = found.astype(np.str_)
            "\n".join(found.tolist()).encode()
        except UnicodeError:
            self.fail(name, "has a string that is not valid UTF-8")
        return found


def _cut(arrays: dict[str, np.ndarray], start: np.ndarray) -> dict[str, Frames]:
    """Readers of one video's frames from arrays of all videos' frames."""

    def read(values: np.ndarray, row: int) -> np.ndarray:
        return values[start[row] : start[row + 1]]

    return {name: partial(read, values) for name, values in arrays.items()}
