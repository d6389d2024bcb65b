"""Source: videos that are about to become a cache, wherever they come from."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import numpy as np

from frame_select_env.cache import schema
from frame_select_env.errors import FrameSelectError

# The row of a video -> the values of its L frames, [L, ...].
Frames = Callable[[int], np.ndarray]


@dataclass(frozen=True)
class Source:
    """N videos; frames are read one video at a time, so they need not fit in memory.

    Attributes:
        path: The file or folder, for messages and provenance.
        task: "classification" or "regression".
        outputs: Names of the C classes or K targets.
        ids: [N] str.
        labels: [N] int64, -1 unknown; regression: [N, K] float32.
        splits: Fold -> [N] str; "default" first.
        lengths: [N] int64, frames of each video.
        features: Stream -> reader of [L, D]; [L, V, D] or [L, K, D] where it has a middle axis.
        axes: Stream -> "view" (V crops or the like of a frame, each predicted on its own) or
            "object" (K detections of a frame); streams without a middle axis are left out.
        groups: [N] str, units that cross-fitting by group does not part; None if there are none.
        predictions: Stream -> reader of ready-made predictions [L, C] (of views also [L, V, C]);
            a head is trained for every stream that is left out.
        frames: Any of importance, time, thumbnail -> reader of [L, ...].
        notes: What the user should be told, a line each.
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
    notes: list[str] = field(default_factory=list)
    axes: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def trained_streams(self) -> list[str]:
        """The streams that bring no predictions: a head is trained for each."""
        return [stream for stream in self.features if stream not in self.predictions]

    def fail(self, field_name: str, message: str) -> NoReturn:
        """Raise the one-line error about this source."""
        raise FrameSelectError(f"{self.path}: {field_name}: {message}")

    def read_features(self, stream: str, row: int) -> np.ndarray:
        """The features [L, D] (with a middle axis [L, V, D]) of a video, float16 or float32.

        Raises:
            FrameSelectError: naming the video, if they are not finite numbers of that shape.
        """
        axes = (3,) if self.axes.get(stream) else (2,)
        return self._read(stream_field("features", stream), self.features[stream], row, axes)

    def read_predictions(self, stream: str, row: int) -> np.ndarray:
        """The ready-made predictions [L, C] (of views also [L, V, C]) of a video, as they are.

        Raises:
            FrameSelectError: naming the video, if they are not finite numbers of that shape.
        """
        name = stream_field("predictions", stream)
        axes = (2, 3) if self.axes.get(stream) == "view" else (2,)
        values = self._read(name, self.predictions[stream], row, axes)
        if values.shape[-1] != len(self.outputs):
            kind = "classes" if self.task == "classification" else "targets"
            self.fail(
                name,
                f"video {str(self.ids[row])!r} has {values.shape[-1]} columns; "
                f"there are {len(self.outputs)} {kind}",
            )
        return values

    def _read(self, name: str, frames: Frames, row: int, axes: tuple[int, ...]) -> np.ndarray:
        values = frames(row)
        video = f"video {str(self.ids[row])!r}"
        length = self.lengths[row]
        if values.ndim not in axes or len(values) != length or values.dtype.kind not in "fiu":
            middle = {(2,): "", (3,): "middle axis, ", (2, 3): "views if any, "}[axes]
            self.fail(
                name,
                f"{video} is {values.dtype} of the shape {values.shape}; "
                f"expected numbers [{length}, {middle}columns]",
            )
        if values.dtype != np.float16:
            values = np.asarray(values, np.float32)
        wrong = schema.check_finite(name, values)
        if wrong:
            self.fail(name, f"{video}: {wrong}")
        return values


def stream_field(kind: str, stream: str) -> str:
    """What an array of a stream is called: `features`, or `features.audio`."""
    return kind if stream == schema.DEFAULT_STREAM else f"{kind}.{stream}"


def split_field(fold: str) -> str:
    """What an array of splits is called: `splits`, or `splits.fold1`."""
    return "splits" if fold == schema.DEFAULT_FOLD else f"splits.{fold}"


def check_videos(source: Source) -> Source:
    """Check what can be checked without reading frames; returns the source.

    Raises:
        FrameSelectError: for a duplicate id, a label out of range, an unknown split, no video.
    """
    if not len(source):
        source.fail("ids", "there is no video")
    unique, counts = np.unique(source.ids, return_counts=True)
    if (counts > 1).any():
        source.fail("ids", f"{str(unique[counts > 1][0])!r} stands twice; ids must be unique")
    for name in source.ids:
        wrong = schema.check_text(str(name))
        if wrong:
            source.fail("ids", wrong)
    for row, label in enumerate(source.labels):
        wrong = schema.check_label(label, source.task, len(source.outputs))
        if wrong:
            source.fail("labels", f"video {str(source.ids[row])!r}: {wrong}")
    for stream, axis in source.axes.items():
        if stream not in source.features or axis not in schema.MIDDLE_AXES:
            source.fail("axes", f"{stream}: {axis!r} is no stream's view or object axis")
    for stream in source.predictions:
        if stream not in source.features:
            source.fail(stream_field("predictions", stream), "belongs to no stream of features")
    for fold, splits in source.splits.items():
        for row, split in enumerate(splits):
            wrong = schema.check_split(split)
            if wrong:
                source.fail(split_field(fold), f"video {str(source.ids[row])!r}: {wrong}")
    return source
