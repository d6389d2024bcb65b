"""Reading a cache: FeatureCache, the batches of clips it returns, and `open_cache`."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Literal, TypeAlias
from weakref import WeakValueDictionary

import numpy as np

from frame_select_env.cache import schema
from frame_select_env.cache.files import CacheFile, cache_path
from frame_select_env.cache.schema import DEFAULT_FOLD
from frame_select_env.cache.structure import Extent, read_structure
from frame_select_env.errors import CacheError, FrameSelectError, known

# What is seen of a stream with several views of each frame: all together, one, or one at a time.
View: TypeAlias = int | Literal["random"] | None


@dataclass(frozen=True)
class Clips:
    """A batch of B videos of T frames each, as every ranking gets it. It holds no label.

    Attributes:
        features: [B, T, D], the cache's own dtype (float16 or float32); zeros at padding. A middle
            view or object axis is flattened into D, unless the clips are of single views.
        predictions: [B, T, C] float32 probabilities (regression: values), averaged over views
            unless the clips are of single views; zeros at padding.
        valid: [B, T] bool, False at padding, which is always at the end.
        time: [B, T] float32, seconds into the video, or the frame number in caches without times;
            zeros at padding.
        video: [B] int64, the row of each video in the whole cache.
        view: [B] int64, the view of each; None if the clips are not of single views.
    """

    features: np.ndarray
    predictions: np.ndarray
    valid: np.ndarray
    time: np.ndarray
    video: np.ndarray
    view: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.video)


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


class FeatureCache:
    """A cache file, read-only.

    Opening reads the table of videos and checks the file's structure; frames are read on demand
    through memory maps, so a cache of any size opens in milliseconds. Values are checked when a
    video is first read. Instances pickle as their path, and may be used after a fork and in many
    processes at once.

    Args:
        path: The HDF5 file.

    Attributes:
        task: "classification" or "regression".
        classes: Names of the C classes, or of the K regression targets.
        labels: [N] int64, -1 unknown (regression: [N, K] float32).
        groups: [N] str or None. start: [N + 1] int64, first frame of each video.
        streams: The streams' names. provenance: How the cache was made.

    Raises:
        CacheError: naming the file, the dataset and what is wrong.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        with CacheFile.opening(self.path) as self._file:
            table = read_structure(self.path)
        self.task, self.classes, self.provenance = table.task, table.outputs, table.provenance
        self.labels, self.groups, self.start = table.labels, table.groups, table.start
        self.streams, self._splits, self._extents = table.streams, table.splits, table.extents
        self._ids = table.ids
        self._maps: dict[str, np.ndarray] = {}
        self._checked = defaultdict[str, np.ndarray](partial(np.zeros, len(self), bool))
        # Tables that others derive from the cache and share; they live as long as the cache.
        self.memo: dict[tuple, Any] = {}

    def __reduce__(self) -> tuple[Any, tuple[Path, str]]:
        return _open_again, (self.path, self.digest)

    def __len__(self) -> int:
        return len(self._ids)

    def __repr__(self) -> str:
        return f"FeatureCache({str(self.path)!r}: {len(self)} videos, {self.start[-1]} frames)"

    @property
    def digest(self) -> str:
        """A hexadecimal digest of the file that was opened; see `file_digest`."""
        return self._file.digest()

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
        """Which of time, importance and thumbnail the cache has."""
        return tuple(name for name in schema.FRAME_DATASETS if f"frames/{name}" in self._extents)

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

    def stream(self, name: str | None = None) -> str:
        """The name of a stream; None stands for the only one.

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
        if name not in self.streams:
            raise FrameSelectError(f"{self.path}: {known('stream', name, self.streams)}")
        return name

    def features_extent(self, stream: str | None = None) -> Extent:
        """Shape, dtype, minimum and maximum of a stream's features, without reading them."""
        return self._extents[f"streams/{self.stream(stream)}/features"]

    def predictions_extent(self, stream: str | None = None, fold: str = DEFAULT_FOLD) -> Extent:
        """Shape, dtype, minimum and maximum of a stream's predictions, without reading them."""
        return self._extents[self._predictions_name(stream, fold)]

    def features(self, stream: str | None = None) -> np.ndarray:
        """Memory map [F, D] (or [F, V, D]) of all frames' features, as stored, unchecked."""
        return self._map(f"streams/{self.stream(stream)}/features")

    def predictions(self, stream: str | None = None, fold: str = DEFAULT_FOLD) -> np.ndarray:
        """Memory map [F, C] (or [F, V, C]) of all frames' predictions, as stored, unchecked."""
        return self._map(self._predictions_name(stream, fold))

    def feature_size(self, stream: str | None = None, view: View = None) -> int:
        """D: of single views, or with a middle axis flattened into it."""
        return int(np.prod(self.features_extent(stream).shape[1 if view is None else 2 :]))

    def views(self, stream: str | None = None) -> int:
        """V, the number of views of each frame; 1 without an axis of views."""
        extent = self.features_extent(stream)
        return extent.shape[1] if extent.axes == "view" else 1

    def check_view(self, view: View, stream: str | None = None) -> None:
        """Refuse a view that the stream does not have.

        Raises:
            FrameSelectError: naming the views that it has.
        """
        if view is None:
            return
        name, count = self.stream(stream), self.views(stream)
        if self.features_extent(stream).axes != "view":
            raise FrameSelectError(
                f"view={view!r}: the stream {name!r} of {self.path} has no axis of views; "
                "leave view out"
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

    def read(
        self,
        rows: np.ndarray,
        num_frames: int = 25,
        fold: str = DEFAULT_FOLD,
        stream: str | None = None,
        view: np.ndarray | None = None,
    ) -> Clips:
        """The videos in `rows` [B], T frames each; `fold` is that of the predictions.

        `view` [B] int chooses one view of each; None flattens their features and averages their
        predictions.

        Raises:
            CacheError: if a video read for the first time has a wrong value, such as NaN.
        """
        rows = np.asarray(rows, np.int64)
        features = self.read_features(rows, num_frames, stream, view)
        predictions = self.read_predictions(rows, num_frames, fold, stream, view)
        time, valid = self.read_frames("time", rows, num_frames), self.sample(rows, num_frames)[1]
        return Clips(features, predictions, valid, time, rows, view)

    def read_features(
        self,
        rows: np.ndarray,
        num_frames: int = 25,
        stream: str | None = None,
        view: np.ndarray | None = None,
    ) -> np.ndarray:
        """Features [B, T, D] of the videos in `rows`, as stored; 0 at padding, axes flattened."""
        frames, valid = self.sample(rows, num_frames)
        features = self._take(f"streams/{self.stream(stream)}/features", frames, rows, view)
        features = features.reshape(*frames.shape, -1)
        if not valid.all():
            features[~valid] = 0
        return features

    def read_predictions(
        self,
        rows: np.ndarray,
        num_frames: int = 25,
        fold: str = DEFAULT_FOLD,
        stream: str | None = None,
        view: np.ndarray | None = None,
    ) -> np.ndarray:
        """Predictions [B, T, C] float32 of the videos in `rows`; 0 at padding, views averaged."""
        frames, valid = self.sample(rows, num_frames)
        predictions = self._take_predictions(frames, rows, fold, stream, view)
        predictions[~valid] = 0
        return predictions

    def read_one(
        self,
        rows: np.ndarray,
        index: np.ndarray,
        num_frames: int,
        fold: str,
        stream: str,
        view: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Features [B, D] and predictions [B, C] of frame `index` [B], 0..T-1, of the videos."""
        frames, _ = self.sample(rows, num_frames)
        frame = frames[np.arange(len(frames)), index][:, None]
        features = self._take(f"streams/{self.stream(stream)}/features", frame, rows, view)
        predictions = self._take_predictions(frame, rows, fold, stream, view)
        return features.reshape(len(rows), -1), predictions[:, 0]

    def read_frames(self, dataset: str, rows: np.ndarray, num_frames: int = 25) -> np.ndarray:
        """Time, importance or thumbnail of the videos in `rows`, [B, T, ...]; 0 at padding.

        In a cache without times, the time is the frame number in the video.

        Raises:
            FrameSelectError: if the cache does not have the dataset.
        """
        rows = np.asarray(rows, np.int64)
        frames, valid = self.sample(rows, num_frames)
        if dataset not in self.frame_datasets:
            if dataset == "time":
                return (frames - self.start[rows][:, None]).astype(np.float32)
            have = ", ".join(self.frame_datasets) or "none"
            raise FrameSelectError(f"{self.path}: has no frames/{dataset}; it has {have}")
        values = self._take(f"frames/{dataset}", frames, rows)
        values[~valid] = 0
        return values

    def clips(
        self,
        split: str,
        fold: str = DEFAULT_FOLD,
        num_frames: int = 25,
        stream: str | None = None,
        batch_size: int = 64,
    ) -> Iterator[Clips]:
        """The videos of `split` in the file's order, `batch_size` at a time."""
        rows = self.rows(split, fold)
        for first in range(0, len(rows), batch_size):
            yield self.read(rows[first : first + batch_size], num_frames, fold, stream)

    def check_values(self) -> Iterator[int]:
        """Check every value in the file, video by video, yielding each row when it is done.

        At the end the checksums are compared.

        Raises:
            CacheError: at the first wrong value, or for a wrong checksum.
        """
        if self.task == "regression" and not np.isfinite(self.labels).all():
            raise CacheError(f"{self.path}: videos/label: some values are not finite")
        checksums = dict.fromkeys(self._extents, 0)
        for row in range(len(self)):
            first, last = self.start[row], self.start[row + 1]
            for name, before in checksums.items():
                values = self._map(name)[first:last]
                if not name.endswith("thumbnail"):
                    self._check(name, values, row)
                checksums[name] = schema.checksum(values, before)
            yield row
        for name, extent in self._extents.items():
            if checksums[name] != extent.crc32:
                raise CacheError(f"{self.path}: {name}: has a wrong checksum: damaged")

    def _predictions_name(self, stream: str | None, fold: str) -> str:
        self.splits(fold)
        name = f"folds/{fold}/predictions/{self.stream(stream)}"
        return name if name in self._extents else f"streams/{self.stream(stream)}/predictions"

    def _map(self, name: str) -> np.ndarray:
        self._file.check()
        if name not in self._maps:
            extent = self._extents[name]
            array = self._file.map(extent.dtype, extent.offset, extent.shape)
            # A plain array: indexing np.memmap itself costs microseconds more per call.
            self._maps[name] = array.view(np.ndarray)
        return self._maps[name]

    def _take(
        self, name: str, frames: np.ndarray, rows: np.ndarray, view: np.ndarray | None = None
    ) -> np.ndarray:
        """Copy frames [B, T], of one view [B] of each, out of a dataset.

        The values of videos read for the first time are checked, of all views at once.
        """
        values = self._map(name)
        if not name.endswith("thumbnail"):
            checked = self._checked[name]
            for index in (~checked[rows]).nonzero()[0]:
                if not checked[rows[index]]:  # unless it is there twice
                    self._check(name, values[frames[index]], int(rows[index]))
                    checked[rows[index]] = True
        if view is not None:  # a map of each view by itself
            frames = frames * values.shape[1] + view[:, None]
            values = values.reshape(-1, *values.shape[2:])
        return np.take(values, frames, axis=0)

    def _take_predictions(
        self,
        frames: np.ndarray,
        rows: np.ndarray,
        fold: str,
        stream: str | None,
        view: np.ndarray | None = None,
    ) -> np.ndarray:
        """Predictions of frames [B, T], of one view [B] of each or averaged over all."""
        name = self._predictions_name(stream, fold)
        if len(self._extents[name].shape) == 2:  # those of all views together
            view = None
        predictions = self._take(name, frames, rows, view)
        return predictions.mean(axis=2, dtype=np.float32) if predictions.ndim == 4 else predictions

    def _check(self, name: str, values: np.ndarray, row: int) -> None:
        if "predictions" in name.split("/"):
            wrong = schema.check_predictions(values, self.task)
        else:
            wrong = schema.check_finite(name, values)
        if wrong:
            raise CacheError(f"{self.path}: {name}: video {str(self.ids[row])!r}: {wrong}")


def _open_again(path: Path, digest: str) -> FeatureCache:
    """Unpickle a cache.

    Raises:
        CacheError: if the file is not the one that was pickled.
    """
    cache = open_cache(path)
    if cache.digest != digest:
        raise CacheError(f"{path}: was rewritten in the meantime; start again")
    return cache


# Environments on the same file share its memory maps and tables. The key includes the time of the
# last change, so a rewritten cache is opened anew.
_open: WeakValueDictionary[tuple[str, int, int], FeatureCache] = WeakValueDictionary()


def open_cache(data: str | Path) -> FeatureCache:
    """Open a bundled cache by name, or any by path; the same file gives the same object.

    Raises:
        CacheError: naming the file, the dataset and what is wrong.
    """
    path = cache_path(data).resolve()
    status = path.stat()
    key = (str(path), status.st_mtime_ns, status.st_size)
    cache = _open.get(key)
    if cache is None:
        cache = _open[key] = FeatureCache(path)
    return cache
