"""Source: the videos to write to a cache, independent of the format they were read from."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from data.corpora.assignment import Assignment
from frame_select_env.cache import Summaries, schema
from frame_select_env.errors import FrameSelectError

ONE_CLASS = "video"  # the class of a cache in which no label is known
# Index of a video -> the values of its L frames, [L, ...].
Frames = Callable[[int], np.ndarray]


@dataclass(frozen=True)
class Source:
    """N videos. Frames are read one video at a time, so they need not fit in memory.

    Attributes:
        path: The file or folder, for messages and provenance.
        task: "classification" or "regression".
        outputs: Names of the C classes or K targets.
        ids: [N] str.
        labels: [N] int64, -1 if unknown; regression: [N, K] float32.
        splits: Fold -> [N] str; "default" comes first.
        lengths: [N] int64, number of frames per video.
        features: Stream -> reader of [L, D], or [L, V, D] or [L, K, D] with a middle axis.
        axes: Stream -> "view" (V crops of a frame, predicted separately) or "object" (K detections
            in a frame); omits streams without a middle axis.
        groups: [N] str, groups that `--crossfit group` keeps together; None: no groups.
        predictions: Stream -> reader of given predictions [L, C] (with views also [L, V, C]); a
            head is trained for every other stream.
        frames: "time", "number", "importance", "thumbnail", "raters" (any of these) -> reader of
            [L, ...].
        summaries: Reader of a video's summaries by raters; None: there are none.
        trimmed: Reader of [L] bool, the frames that heads train on, one at least; None: all.
        notes: Messages for the user, one line each.
        record: Entries for the cache's provenance.
    """

    path: Path
    task: str
    outputs: list[str]
    ids: np.ndarray
    labels: np.ndarray
    splits: dict[str, np.ndarray]
    lengths: np.ndarray
    features: dict[str, Frames]
    groups: np.ndarray | None = None
    predictions: dict[str, Frames] = field(default_factory=dict)
    frames: dict[str, Frames] = field(default_factory=dict)
    summaries: Callable[[int], Summaries] | None = None
    trimmed: Frames | None = None
    notes: list[str] = field(default_factory=list)
    axes: dict[str, str] = field(default_factory=dict)
    record: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def trained_streams(self) -> list[str]:
        """The streams without given predictions: a head is trained for each."""
        return [stream for stream in self.features if stream not in self.predictions]

    def video(self, row: int) -> str:
        """How messages call a video."""
        return f"video {str(self.ids[row])!r}"

    def fail(self, field_name: str, message: str) -> NoReturn:
        """Raise a one-line error about this source."""
        raise FrameSelectError(f"{self.path}: {field_name}: {message}")

    def read_features(self, stream: str, row: int) -> np.ndarray:
        """The features [L, D] (with a middle axis [L, V, D]) of a video, float16 or float32."""
        axes = (3,) if self.axes.get(stream) else (2,)
        return self._read(stream_field("features", stream), self.features[stream], row, axes)

    def read_predictions(self, stream: str, row: int) -> np.ndarray:
        """The given predictions [L, C] (with views also [L, V, C]) of a video, unchanged."""
        name = stream_field("predictions", stream)
        axes = (2, 3) if self.axes.get(stream) == "view" else (2,)
        values = self._read(name, self.predictions[stream], row, axes)
        if values.shape[-1] != len(self.outputs):
            kind = "classes" if self.task == "classification" else "targets"
            expected = f"expected {len(self.outputs)} ({kind})"
            self.fail(name, f"{self.video(row)} has {values.shape[-1]} columns; {expected}")
        return values

    def _read(self, name: str, frames: Frames, row: int, axes: tuple[int, ...]) -> np.ndarray:
        values, length = frames(row), self.lengths[row]
        if values.ndim not in axes or len(values) != length or values.dtype.kind not in "fiu":
            middle = {(2,): "", (3,): "middle axis, ", (2, 3): "optional views, "}[axes]
            self.fail(
                name,
                f"{self.video(row)} has dtype {values.dtype} and shape {values.shape}; "
                f"expected numbers [{length}, {middle}columns]",
            )
        if values.dtype != np.float16:
            values = np.asarray(values, np.float32)
        if wrong := schema.check_finite(name, values):
            self.fail(name, f"{self.video(row)}: {wrong}")
        return values


def _ones(source: Source, stream: str, row: int) -> np.ndarray:
    views = source.features[stream](row).shape[1:2] if source.axes.get(stream) == "view" else ()
    return np.ones((source.lengths[row], *views, 1), np.float32)


def stream_field(kind: str, stream: str) -> str:
    """The name of a stream's array: `features`, or `features.audio`."""
    return kind if stream == schema.DEFAULT_STREAM else f"{kind}.{stream}"


def split_field(fold: str) -> str:
    """The name of a fold's splits: `splits`, or `splits.fold1`."""
    return "splits" if fold == schema.DEFAULT_FOLD else f"splits.{fold}"


def assigned_source(
    path: Path, assignment: Assignment, ids: Sequence[str], rows: Sequence[int] | None = None
) -> Source:
    """A source of the videos `rows` (None: all), with length 0 and no stream: `replace` both."""
    chosen = np.arange(len(ids)) if rows is None else np.asarray(rows, np.int64)
    groups, labels = assignment.groups, assignment.targets
    if labels is None:
        number = {name: label for label, name in enumerate(assignment.outputs)}
        unknown = schema.UNKNOWN_LABEL
        known = [unknown if name is None else number[name] for name in assignment.labels]
        labels = np.array(known, np.int64)
    return Source(
        path=path,
        task="classification" if assignment.targets is None else "regression",
        outputs=assignment.outputs,
        ids=np.array(ids)[chosen],
        labels=labels[chosen],
        splits={fold: np.array(splits)[chosen] for fold, splits in assignment.splits.items()},
        lengths=np.zeros(len(chosen), np.int64),
        features={},
        groups=None if groups is None else np.array(groups)[chosen],
        notes=assignment.notes,
    )


def check_videos(source: Source) -> Source:
    """Check everything that needs no frames; return the source.

    Where no label is known, there is one class, which every frame is predicted to be of.
    """
    if source.task == "classification" and not source.outputs:
        source = dataclasses.replace(
            source,
            outputs=[ONE_CLASS],
            predictions={stream: partial(_ones, source, stream) for stream in source.features},
        )
    if not len(source):
        source.fail("ids", "contains no video")
    unique, counts = np.unique(source.ids, return_counts=True)
    if (counts > 1).any():
        source.fail("ids", f"{str(unique[counts > 1][0])!r} is duplicated; ids must be unique")
    for name in source.ids:
        if wrong := schema.check_text(str(name)):
            source.fail("ids", wrong)
    for row, label in enumerate(source.labels):
        if wrong := schema.check_label(label, source.task, len(source.outputs)):
            source.fail("labels", f"{source.video(row)}: {wrong}")
    for stream, axis in source.axes.items():
        if stream not in source.features or axis not in schema.MIDDLE_AXES:
            source.fail("axes", f"{stream}: {axis!r} is not a view or object axis of a stream")
    for stream in source.predictions:
        if stream not in source.features:
            source.fail(stream_field("predictions", stream), "there is no such features stream")
    for fold, splits in source.splits.items():
        for row, split in enumerate(splits):
            if wrong := schema.check_split(split):
                source.fail(split_field(fold), f"{source.video(row)}: {wrong}")
    return source
