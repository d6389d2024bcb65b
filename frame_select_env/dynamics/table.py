"""Per-video sums of predictions, filled in as videos are first played."""

import numpy as np

from frame_select_env.cache import FeatureCache
from frame_select_env.consensus import is_correct, on_grid, weighted_mean

FILL_BLOCK = 1024  # videos


class ConsensusTable:
    """What the dynamics look up for every video of a cache, at T frames in chunks of k.

    The arrays cover the whole cache but take memory only where they have been filled, so making one
    costs nothing. Call `fill` before reading.

    Attributes:
        chunks: ceil(T / k), the number of chunks of a video.
        chunk_sum: [N * chunks, C] float64, sum of the chunk's predictions on the grid; chunk j of
            video i stands in row i * chunks + j.
        chunk_size: [N * chunks] int64, number of valid frames in the chunk.
        total_sum: [N, C] float64. total: [N] int64, number of valid frames.
        p0: [N, C] float64, mean of all valid frames.
        correct_before: [N] bool (regression: all False).
    """

    def __init__(
        self, cache: FeatureCache, fold: str, stream: str, num_frames: int, chunk: int
    ) -> None:
        self.cache, self.fold, self.stream = cache, fold, stream
        self.num_frames, self.chunk = num_frames, chunk
        videos, outputs = len(cache), len(cache.classes)
        self.chunks = -(-num_frames // chunk)
        self.total = np.minimum(cache.lengths, num_frames)
        first = np.arange(self.chunks) * chunk
        self.chunk_size = np.clip(self.total[:, None] - first, 0, chunk).ravel()
        self.chunk_sum = np.zeros((videos * self.chunks, outputs))
        self.total_sum = np.zeros((videos, outputs))
        self.p0 = np.zeros((videos, outputs))
        self.correct_before = np.zeros(videos, bool)
        self._largest = cache.predictions_extent(stream, fold).largest
        self._filled = np.zeros(videos, bool)

    def fill(self, rows: np.ndarray) -> None:
        """Make sure that the videos in `rows` [B] can be looked up."""
        filled = self._filled[rows]
        if filled.all():
            return
        new = np.unique(rows[~filled])
        for first in range(0, len(new), FILL_BLOCK):
            block = new[first : first + FILL_BLOCK]
            read = self.cache.read_predictions(block, self.num_frames, self.fold, self.stream)
            grid = on_grid(read, self._largest)
            padded = np.zeros((len(block), self.chunks * self.chunk, grid.shape[2]))
            padded[:, : self.num_frames] = grid
            sums = padded.reshape(len(block), self.chunks, self.chunk, -1).sum(axis=2)
            total_sum, total = sums.sum(axis=1), self.total[block]
            p0 = weighted_mean(total_sum, total, total_sum, total)
            self.chunk_sum.reshape(len(self.total), self.chunks, -1)[block] = sums
            self.total_sum[block], self.p0[block] = total_sum, p0
            if self.cache.task == "classification":
                self.correct_before[block] = is_correct(p0, self.cache.labels[block])
        self._filled[new] = True

    def __reduce__(self) -> tuple:
        return consensus_table, (self.cache, self.fold, self.stream, self.num_frames, self.chunk)


def consensus_table(
    cache: FeatureCache, fold: str, stream: str, num_frames: int, chunk: int = 1
) -> ConsensusTable:
    """The table for these settings; environments on the same cache object share it."""
    key = ("consensus", fold, stream, num_frames, chunk)
    if key not in cache.memo:
        cache.memo[key] = ConsensusTable(cache, fold, stream, num_frames, chunk)
    return cache.memo[key]
