"""What a cache holds, without its frames: videos, folds, streams and views."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np

from frame_select_env.cache.schema import DEFAULT_FOLD, FRAME_DATASETS, UNKNOWN_LABEL
from frame_select_env.cache.structure import Extent, read_structure
from frame_select_env.errors import FrameSelectError, known

# What is seen of a stream with several views of each frame: all together, one, or one at a time.
View: TypeAlias = int | Literal["random"] | None


def frame_index(lengths: np.ndarray, num_frames: int) -> tuple[np.ndarray, np.ndarray]:
    """Sample T frames from videos of L frames.

    From L >= T frames, frame t is floor((t + 1/2) L / T); a shorter video keeps all its frames and
    is padded at the end. `lengths` [B] holds L. Returns index [B, T] int64 within the video (0 at
    padding) and valid [B, T] bool.
    """
    length = np.asarray(lengths, np.int64)[:, None]
    t = np.arange(num_frames, dtype=np.int64)[None, :]
    spread = (2 * t + 1) * length // (2 * num_frames)
    valid = t < length
    return np.where(length >= num_frames, spread, np.where(valid, t, 0)), valid


def entry_of(video: Any, view: Any, views: int) -> Any:
    """Number the views of videos, [B] int arrays or tensors: an entry for each."""
    return video * views + view


def video_and_view(entry: Any, views: int) -> tuple[Any, Any]:
    """The inverse of `entry_of`."""
    return entry // views, entry % views


class CacheTables:
    """The tables of a cache; `FeatureCache` describes the attributes, and adds the frames."""

    def __init__(self, path: Path) -> None:
        self.path = path
        table = read_structure(path)
        self.task, self.classes, self.provenance = table.task, table.outputs, table.provenance
        self.labels, self.groups, self.start = table.labels, table.groups, table.start
        self.streams, self._ids = table.streams, table.ids
        self._splits: Mapping[str, np.ndarray] = table.splits
        self._extents: Mapping[str, Extent] = table.extents
        self._heads: Mapping[str, Extent] = table.heads
        self._summary_start = table.summary_start

    def __len__(self) -> int:
        return len(self._ids)

    @cached_property
    def ids(self) -> np.ndarray:
        """[N] str, the videos' ids."""
        return np.char.decode(self._ids, "utf-8")

    @property
    def folds(self) -> tuple[str, ...]:
        """The folds' names; the first is "default", the top level."""
        return tuple(self._splits)

    @property
    def lengths(self) -> np.ndarray:
        """[N] int64, the number of frames of each video."""
        return np.diff(self.start)

    @property
    def frame_datasets(self) -> tuple[str, ...]:
        """Which of time, number, importance, thumbnail and raters the cache has."""
        return tuple(name for name in FRAME_DATASETS if f"frames/{name}" in self._extents)

    @property
    def raters(self) -> int:
        """R, the largest number of raters of a video; 0 without raters."""
        return self._extents["frames/raters"].shape[1] if "raters" in self.frame_datasets else 0

    @property
    def has_summaries(self) -> bool:
        """Whether the cache has the summaries of raters."""
        return len(self._summary_start) > 0

    @property
    def f_score(self) -> str:
        """How the F-scores of several raters become one, "mean" or "max", by the provenance."""
        return "max" if self.provenance.get("f_score") == "max" else "mean"

    @property
    def single_class(self) -> bool:
        """Whether one class is all there is, as where no video has a label.

        Every prediction is right then, so predictions say nothing of a selection.
        """
        return self.task == "classification" and len(self.classes) == 1

    def splits(self, fold: str = DEFAULT_FOLD) -> np.ndarray:
        """[N] str, the split of every video in `fold`.

        Raises:
            FrameSelectError: for an unknown fold.
        """
        if fold not in self._splits:
            raise FrameSelectError(f"{self.path}: {known('fold', fold, self._splits)}")
        return self._splits[fold]

    def rows(self, split: str, fold: str = DEFAULT_FOLD) -> np.ndarray:
        """[n] int64, the rows of the videos of `split`, in the file's order.

        Raises:
            FrameSelectError: for an unknown fold or a split without videos.
        """
        splits = self.splits(fold)
        rows = np.flatnonzero(splits == split)
        if not split or not len(rows):
            have = {str(name) for name in splits if name}
            raise FrameSelectError(f"{self.path}: fold {fold!r}: {known('split', split, have)}")
        return rows

    def labelled(self, rows: np.ndarray) -> np.ndarray:
        """Those of the videos in `rows` [n] whose label is known; in a regression it always is."""
        if self.labels.ndim == 2:
            return rows
        return rows[self.labels[rows] != UNKNOWN_LABEL]

    def judged(self, rows: np.ndarray) -> np.ndarray:
        """Those of the videos in `rows` [n] that answers can be compared with.

        These are the labelled ones; where one class is all there is, every video.
        """
        return rows if self.single_class else self.labelled(rows)

    def true_labels(self, rows: np.ndarray) -> np.ndarray:
        """The labels of judged videos, [n] int64 (regression: [n, K]); the one class is theirs."""
        labels = self.labels[rows]
        return np.zeros_like(labels) if self.single_class else labels

    @property
    def has_labels(self) -> bool:
        """Whether the label of any video is known."""
        return len(self.labelled(np.arange(len(self)))) > 0

    def stream(self, name: str | None = None) -> str:
        """The name of a stream, or of several, "a+b"; None stands for the only one.

        Raises:
            FrameSelectError: for an unknown stream, or for None if there are several.
        """
        if name is None:
            if len(self.streams) > 1:
                listed = ", ".join(self.streams)
                raise FrameSelectError(
                    f"{self.path}: has the streams {listed}; choose one: stream= (--stream)"
                )
            return self.streams[0]
        parts = [name] if name in self.streams else name.split("+")
        for part in parts:
            if part not in self.streams:
                raise FrameSelectError(f"{self.path}: {known('stream', part, self.streams)}")
            if parts.count(part) > 1:
                raise FrameSelectError(f"{self.path}: stream {name!r} names {part!r} twice")
        return name

    def parts(self, stream: str | None = None) -> list[str]:
        """The streams that a name stands for: "a+b" is two side by side."""
        name = self.stream(stream)
        return [name] if name in self.streams else name.split("+")

    def features_extent(self, stream: str | None = None) -> Extent:
        """Shape, dtype, minimum and maximum of a stream's features, without reading them.

        Of several streams, side by side, with middle axes flattened.
        """
        parts = [self._extents[f"streams/{part}/features"] for part in self.parts(stream)]
        size = sum(int(np.prod(part.shape[1:])) for part in parts)
        return parts[0] if len(parts) == 1 else side_by_side(parts, size)

    def predictions_extent(self, stream: str | None = None, fold: str = DEFAULT_FOLD) -> Extent:
        """Shape, dtype, minimum and maximum of a stream's predictions, without reading them."""
        parts = [self._extents[self._predictions_name(part, fold)] for part in self.parts(stream)]
        return parts[0] if len(parts) == 1 else side_by_side(parts, len(self.classes))

    def _single(self, stream: str | None) -> str:
        parts = self.parts(stream)
        if len(parts) > 1:
            raise FrameSelectError(f"{self.path}: {stream!r} is several streams; read one of them")
        return parts[0]

    def feature_size(self, stream: str | None = None, view: View = None) -> int:
        """D: of single views, or with middle axes flattened; of several streams the sum."""
        shapes = [self._extents[f"streams/{one}/features"].shape for one in self.parts(stream)]
        return sum(int(np.prod(shape[1 if view is None else 2 :])) for shape in shapes)

    def views(self, stream: str | None = None) -> int:
        """V, the number of views of each frame; 1 without an axis of views.

        Several streams have as many as each of them has, 1 if they do not agree.
        """
        extents = [self._extents[f"streams/{one}/features"] for one in self.parts(stream)]
        counts = {one.shape[1] if one.axes == "view" else 1 for one in extents}
        return counts.pop() if len(counts) == 1 else 1

    def check_view(self, view: View, stream: str | None = None) -> None:
        """Refuse a view that the stream does not have.

        Raises:
            FrameSelectError: naming the views that it has.
        """
        if view is None:
            return
        name, count = self.stream(stream), self.views(stream)
        if {self._extents[f"streams/{one}/features"].axes for one in self.parts(stream)} != {
            "view"
        }:
            raise FrameSelectError(
                f"view={view!r}: the stream {name!r} of {self.path} has no axis of views; "
                "leave view out"
            )
        if len({self.views(one) for one in self.parts(stream)}) > 1:
            raise FrameSelectError(
                f"view={view!r}: the streams of {name!r} have different numbers of views"
            )
        number = isinstance(view, int) and not isinstance(view, bool) and 0 <= view < count
        if view != "random" and not number:
            raise FrameSelectError(
                f"view={view!r}: must be from 0 to {count - 1}, 'random' or None for all together"
            )

    def clips_of(
        self, rows: np.ndarray, stream: str | None = None, view: View = None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """The clips that the videos in `rows` [B] make: their videos [n], and views [n] or None.

        With view="random" these are all views of a video, one after another; else one clip each.
        """
        rows = np.asarray(rows, np.int64)
        if view == "random":
            views = self.views(stream)
            return rows.repeat(views), np.tile(np.arange(views), len(rows))
        return rows, None if view is None else np.full(len(rows), view)

    def sample(self, rows: np.ndarray, num_frames: int) -> tuple[np.ndarray, np.ndarray]:
        """The rows of the file that are frames 0..T-1 of the videos in `rows`, and which are valid.

        Both are [B, T]; at padding the row is that of the video's first frame.
        """
        rows = np.asarray(rows, np.int64)
        index, valid = frame_index(self.start[rows + 1] - self.start[rows], num_frames)
        return self.start[rows][:, None] + index, valid

    def _predictions_name(self, stream: str | None, fold: str) -> str:
        self.splits(fold)
        name = f"folds/{fold}/predictions/{self.stream(stream)}"
        return name if name in self._extents else f"streams/{self.stream(stream)}/predictions"


def side_by_side(parts: Sequence[Extent], size: int) -> Extent:
    """The extent of several datasets side by side, which lies nowhere in the file."""
    low, high = min(part.min for part in parts), max(part.max for part in parts)
    dtype = np.result_type(*(part.dtype for part in parts))
    return Extent(-1, (parts[0].shape[0], size), dtype, 0, "", low, high)
