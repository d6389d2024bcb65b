"""What all frames of each video predict, and what any selection does: tables over a whole cache."""

from typing import Literal, Protocol

import numpy as np

from frame_select_env.cache import FeatureCache, View
from frame_select_env.cache.tables import video_and_view
from frame_select_env.consensus import MEAN, is_correct, on_grid, weighted_mean

FILL_BLOCK = 1024  # videos
SUM_BLOCK = 65536  # numbers gathered at a time: they stay in the processor's cache


class Judge(Protocol):
    """Predicts a video from a set of its frames, where that is not the mean (`aggregators.py`).

    What it needs of each frame is made once per video by `frames`; then any number of selections
    can be judged. Both give a video the same bits whatever the batch it is in.
    """

    @property
    def source(self) -> Literal["features", "predictions"]:
        """What it reads of the cache."""
        ...

    @property
    def key(self) -> str:
        """Tells judges apart."""
        ...

    @property
    def bounds(self) -> tuple[float, float]:
        """The least and the greatest value that it may predict."""
        ...

    def frames(self, values: np.ndarray, video: np.ndarray) -> np.ndarray:
        """What it keeps of each frame, [B, T, K], from the source's values [B, T, D or C].

        `video` [B] int64 are rows in the cache.
        """
        ...

    def __call__(self, frames: np.ndarray, selected: np.ndarray, video: np.ndarray) -> np.ndarray:
        """The predictions [B, C] float64 of B selections; zeros where nothing is selected.

        `frames` [B, T, K] is what the method of this name returned; `selected` [B, T] bool is
        without padding.
        """
        ...


class ConsensusTable:
    """Sums of predictions of every video of a cache, at T frames in chunks of k.

    With a judge, p0 and correct_before are the judge's, and `frames` [N, T, K] is what it keeps of
    the frames.

    The arrays cover the whole cache but take memory only where they have been filled, so making a
    table costs nothing. Call `fill` before reading. Chunk j of entry i is row i * chunks + j.

    An entry is a video or, with view="random", one view of it (`entry_of`). N below is the number
    of entries.
    """

    def __init__(
        self,
        cache: FeatureCache,
        fold: str,
        stream: str,
        num_frames: int,
        chunk: int = 1,
        view: View = None,
        judge: Judge | None = None,
    ) -> None:
        self.cache, self.fold, self.stream = cache, fold, stream
        self.num_frames, self.chunk, self.view, self.judge = num_frames, chunk, view, judge
        self.frames: np.ndarray | None = None  # [N, T, K], made when K is known
        self.views = cache.views(stream) if view == "random" else 1  # entries of a video
        videos, outputs = len(cache) * self.views, len(cache.classes)
        self.chunks = -(-num_frames // chunk)  # of a video
        # [N] int64, valid frames
        self.total = np.minimum(cache.lengths, num_frames).repeat(self.views)
        first = np.arange(self.chunks) * chunk
        # [N * chunks] int64, valid frames of each chunk, and [N * chunks, C], their sum on the grid
        self.chunk_size = np.clip(self.total[:, None] - first, 0, chunk).ravel()
        self.chunk_sum = np.zeros((videos * self.chunks, outputs))
        self.total_sum = np.zeros((videos, outputs))
        self.p0 = np.zeros((videos, outputs))
        self.valid = np.zeros((videos, num_frames), bool)
        self.correct_before = np.zeros(videos, bool)  # stays False for a regression
        self._largest = cache.predictions_extent(stream, fold).largest
        self._filled = np.zeros(videos, bool)

    def split(self, entry: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """The videos [B] and the views [B] of entries [B]; None where views are not single."""
        if self.view is None:
            return entry, None
        if self.view == "random":
            return video_and_view(entry, self.views)
        return entry, np.full(len(entry), self.view)

    def fill(self, entries: np.ndarray) -> None:
        """Compute those of the `entries` [B] that are not there yet."""
        filled = self._filled.take(entries)
        if np.count_nonzero(filled) == len(filled):
            return
        new = np.unique(entries[~filled])
        for first in range(0, len(new), FILL_BLOCK):
            block = new[first : first + FILL_BLOCK]
            video, view = self.split(block)
            read = self.cache.read_predictions(video, self.num_frames, self.fold, self.stream, view)
            grid = on_grid(read, self._largest)
            padded = np.zeros((len(block), self.chunks * self.chunk, grid.shape[2]))
            padded[:, : self.num_frames] = grid
            sums = padded.reshape(len(block), self.chunks, self.chunk, -1).sum(axis=2)
            total_sum, total = sums.sum(axis=1), self.total[block]
            self.valid[block] = np.arange(self.num_frames) < total[:, None]
            if self.judge is None:
                p0 = weighted_mean(total_sum, total, total_sum, total)
            else:
                self._keep_frames(self.judge, block, read)
                p0 = self.judged(block, self.valid[block])
            self.chunk_sum.reshape(len(self.total), self.chunks, -1)[block] = sums
            self.total_sum[block], self.p0[block] = total_sum, p0
            if self.cache.task == "classification":
                self.correct_before[block] = is_correct(p0, self.cache.labels[video])
        self._filled[new] = True

    def _keep_frames(self, judge: Judge, block: np.ndarray, predictions: np.ndarray) -> None:
        """Store what the judge keeps of the frames of the entries `block`."""
        video, view = self.split(block)
        values = predictions
        if judge.source == "features":
            values = self.cache.read_features(video, self.num_frames, self.stream, view)
        kept = judge.frames(values, video)
        if self.frames is None:
            self.frames = np.zeros((len(self.total), *kept.shape[1:]), kept.dtype)
        self.frames[block] = kept

    def judged(self, entry: np.ndarray, selected: np.ndarray) -> np.ndarray:
        """What the judge says of the frames `selected` [k, T] bool of `entry` [k], [k, C] float64.

        The entries are filled, and the selection is without padding.
        """
        assert self.judge is not None and self.frames is not None
        return self.judge(self.frames[entry], selected, self.split(entry)[0])

    def sum_selected(self, entry: np.ndarray, selected: np.ndarray) -> np.ndarray:
        """The sum of the selected frames' predictions on the grid.

        Args:
            entry: [k] int64, entries that are filled.
            selected: [k, T] bool, without padding, and whole chunks.

        Returns:
            [k, C] float64.
        """
        sums = np.empty((len(entry), self.p0.shape[1]))
        tables = self.chunk_sum.reshape(-1, self.chunks, sums.shape[1])
        weights = selected[:, :: self.chunk].astype(np.float64)[:, None]
        size = max(1, SUM_BLOCK // tables[0].size)
        for first in range(0, len(entry), size):
            block = slice(first, first + size)
            np.matmul(weights[block], tables.take(entry[block], axis=0), out=sums[block, None])
        return sums

    def __reduce__(self) -> tuple:
        settings = self.fold, self.stream, self.num_frames, self.chunk, self.view, self.judge
        return consensus_table, (self.cache, *settings)


def consensus_table(
    cache: FeatureCache,
    fold: str,
    stream: str,
    num_frames: int,
    chunk: int = 1,
    view: View = None,
    judge: Judge | None = None,
) -> ConsensusTable:
    """The table for these settings; environments on the same cache share it."""
    name = MEAN if judge is None else judge.key
    key = ("consensus", fold, stream, num_frames, chunk, view, name)
    if key not in cache.memo:
        cache.memo[key] = ConsensusTable(cache, fold, stream, num_frames, chunk, view, judge)
    return cache.memo[key]
