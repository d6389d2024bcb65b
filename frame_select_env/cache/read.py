"""Reading a cache: FeatureCache and `open_cache`."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import numpy as np

from frame_select_env.cache import schema
from frame_select_env.cache.clips import Clips, flat_features, mean_predictions
from frame_select_env.cache.files import CacheFile, cache_path
from frame_select_env.cache.schema import DEFAULT_FOLD
from frame_select_env.cache.summaries import DATASETS, Summaries, check_summaries
from frame_select_env.cache.tables import CacheTables
from frame_select_env.errors import CacheError, FrameSelectError


class FeatureCache(CacheTables):
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
        with CacheFile.opening(Path(path)) as self._file:
            super().__init__(Path(path))
        self._maps: dict[str, np.ndarray] = {}
        self._checked = defaultdict[str, np.ndarray](partial(np.zeros, len(self), bool))
        # Tables that others derive from the cache and share; they live as long as the cache.
        self.memo: dict[tuple, Any] = {}

    def __reduce__(self) -> tuple[Any, tuple[Path, str]]:
        return _open_again, (self.path, self.digest)

    def __repr__(self) -> str:
        return f"FeatureCache({str(self.path)!r}: {len(self)} videos, {self.start[-1]} frames)"

    @property
    def digest(self) -> str:
        """A hexadecimal digest of the file that was opened; see `file_digest`."""
        return self._file.digest()

    def features(self, stream: str | None = None) -> np.ndarray:
        """Memory map [F, D] (or [F, V, D]) of all frames' features of one stream, unchecked."""
        return self._map(f"streams/{self._single(stream)}/features")

    def predictions(self, stream: str | None = None, fold: str = DEFAULT_FOLD) -> np.ndarray:
        """Memory map [F, C] (or [F, V, C]) of all frames' predictions of one stream, unchecked."""
        return self._map(self._predictions_name(self._single(stream), fold))

    def head(
        self, stream: str | None = None, fold: str = DEFAULT_FOLD
    ) -> tuple[np.ndarray, ...] | None:
        """The head that predicts one stream's frames of videos outside the training split.

        Returns:
            Weight [D, C] and bias [C], float32, for raw features [..., D] (objects flattened), or
            those of a layer of H rectified units, [D, H] and [H], and then weight [H, C] and bias
            [C]; a softmax follows for a classification. None where predictions were made by none.

        Raises:
            CacheError: for a wrong checksum.
        """
        one = self._single(stream)
        own = self._predictions_name(one, fold).startswith("folds/")
        folder = f"folds/{fold if own else DEFAULT_FOLD}/head/{one}"
        names = [name for part in schema.HEAD if (name := f"{folder}/{part}") in self._heads]
        if not names:
            return None
        self._check_heads(names)
        return tuple(map(self._map, names))

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
        features = self._take_features(frames, rows, stream, view)
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
        features = self._take_features(frame, rows, stream, view)
        predictions = self._take_predictions(frame, rows, fold, stream, view)
        return features[:, 0], predictions[:, 0]

    def read_frames(self, dataset: str, rows: np.ndarray, num_frames: int = 25) -> np.ndarray:
        """One of `frame_datasets` of the videos in `rows`, [B, T, ...]; 0 at padding.

        In a cache without times, the time is the frame's place among those in the cache.

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

    def summaries(self, row: int) -> Summaries:
        """The raters' summaries of a video.

        Raises:
            FrameSelectError: if the cache does not have any.
            CacheError: for a wrong value.
        """
        if not self.has_summaries:
            raise FrameSelectError(f"{self.path}: has no summaries of raters")
        first, last = self._summary_start[row : row + 2]
        found = Summaries(*(self._map(f"summaries/{name}")[first:last] for name in DATASETS))
        if wrong := check_summaries(found, int(self.lengths[row])):
            raise CacheError(f"{self.path}: video {str(self.ids[row])!r}: {wrong}")
        return found

    def time_extent(self) -> tuple[float, float]:
        """The smallest and the largest time of a frame in the file; all are read once.

        Raises:
            CacheError: if a time is not finite.
        """
        if "time" not in self.frame_datasets:
            return 0.0, float(self.lengths.max(initial=1) - 1)
        if ("time_extent",) not in self.memo:
            time = self._map("frames/time")
            if wrong := schema.check_finite("frames/time", time):
                raise CacheError(f"{self.path}: frames/time: {wrong}")
            self.memo["time_extent",] = float(time.min(initial=0)), float(time.max(initial=0))
        return self.memo["time_extent",]

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
            for name, before in checksums.items():
                summary = name.startswith("summaries/")
                first, last = (self._summary_start if summary else self.start)[row : row + 2]
                values = self._map(name)[first:last]
                if not summary and not name.endswith("thumbnail"):
                    self._check(name, values, row)
                checksums[name] = schema.checksum(values, before)
            if self.has_summaries:
                self.summaries(row)
            yield row
        for name, extent in self._extents.items():
            if checksums[name] != extent.crc32:
                raise CacheError(f"{self.path}: {name}: has a wrong checksum: damaged")
        self._check_heads(self._heads)

    def _check_heads(self, names: Iterable[str]) -> None:
        for name in names:
            if schema.checksum(self._map(name)) != self._heads[name].crc32:
                raise CacheError(f"{self.path}: {name}: has a wrong checksum: damaged")

    def _map(self, name: str) -> np.ndarray:
        self._file.check()
        if name not in self._maps:
            extent = self._heads.get(name) or self._extents[name]
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

    def _take_features(
        self, frames: np.ndarray, rows: np.ndarray, stream: str | None, view: np.ndarray | None
    ) -> np.ndarray:
        """Features of frames [B, T], [B, T, D]: axes flattened, several streams side by side."""
        names = [f"streams/{part}/features" for part in self.parts(stream)]
        return flat_features([self._take(name, frames, rows, view) for name in names])

    def _take_predictions(
        self,
        frames: np.ndarray,
        rows: np.ndarray,
        fold: str,
        stream: str | None,
        view: np.ndarray | None = None,
    ) -> np.ndarray:
        """Predictions of frames [B, T], of one view [B] of each or averaged over all.

        Those of several streams are averaged, 1 : 1.
        """
        names = [self._predictions_name(part, fold) for part in self.parts(stream)]
        return mean_predictions(
            [
                # Some predictions are of all views together.
                self._take(name, frames, rows, view if len(self._extents[name].shape) > 2 else None)
                for name in names
            ]
        )

    def _check(self, name: str, values: np.ndarray, row: int) -> None:
        if "predictions" in name.split("/"):
            wrong = schema.check_predictions(values, self.task)
        else:
            wrong = schema.check_values(name, values)
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
