"""The video-level prediction: the (weighted) mean of per-frame predictions, computed exactly.

p0 averages all valid frames, p1 the selected ones. A reward takes the sign of a difference between
the two, so a last bit lost in one of them and not in the other would be paid as if it were real.
Predictions are therefore first rounded to a fixed grid of 2^-40 (`on_grid`). Sums of grid values in
float64 are exact for up to 2^12 frames, whatever the order and the shape of the batch: adding the
frames one by one, summing them at once and subtracting some from the total all give the same bits.
"""

from typing import Literal, Protocol

import numpy as np

from frame_select_env.cache import FeatureCache, View
from frame_select_env.cache.tables import video_and_view
from frame_select_env.errors import FrameSelectError

GRID_BITS = 40
MAX_FRAMES = 2**12
FILL_BLOCK = 1024  # videos
SUM_BLOCK = 65536  # numbers gathered at a time: they stay in the processor's cache
SMALLEST = 1e-6  # probabilities are clipped here before a logarithm
MEAN = "mean"  # the name of the consensus among aggregators


def check_alpha(alpha: float, aggregator: object = MEAN) -> None:
    """Refuse a weight of the frames that are not selected outside of 0 to 1 (AS Eq. 10).

    Only the mean weighs them.
    """
    if not isinstance(alpha, int | float) or not 0 <= alpha <= 1:
        raise FrameSelectError(f"alpha={alpha!r}: must be a number from 0 to 1")
    if alpha and aggregator != MEAN:
        raise FrameSelectError(
            f"alpha={alpha!r}: must be 0 with aggregator={str(aggregator)!r}; only the mean weighs "
            "frames that are not selected"
        )


def on_grid(predictions: np.ndarray, largest: float = 1.0) -> np.ndarray:
    """Round predictions to multiples of 2^-40 (times the power of two that reaches `largest`).

    `largest` is the largest magnitude in the whole cache, 1 for probabilities.
    """
    exponent = int(np.ceil(np.log2(largest))) if largest > 1 else 0
    step = 2.0 ** (exponent - GRID_BITS)
    grid = np.asarray(predictions, np.float64) / step
    return np.multiply(np.rint(grid, out=grid), step, out=grid)


def weighted_mean(
    kept_sum: np.ndarray,
    kept: np.ndarray,
    total_sum: np.ndarray,
    total: np.ndarray,
    alpha: float = 0.0,
) -> np.ndarray:
    """The consensus p1 (AS Eq. 3; with alpha, AS Eq. 10) from sums over frames.

    Selected frames weigh 1, the others alpha. Keeping every frame gives p0 to the bit. With
    nothing selected p1 is p0 for alpha > 0, and zeros for alpha = 0 (0 / 0 in the paper). The sums
    [B, C] are of grid predictions, over the `kept` [B] selected and the `total` [B] valid frames.
    """
    if alpha == 0:
        return kept_sum / np.maximum(kept, 1)[:, None]
    weight = kept + alpha * (total - kept)
    mixed = (kept_sum + alpha * (total_sum - kept_sum)) / weight[:, None]
    return np.where(kept[:, None] > 0, mixed, total_sum / total[:, None])


def consensus(
    predictions: np.ndarray,
    selected: np.ndarray,
    valid: np.ndarray,
    alpha: float = 0.0,
    largest: float = 1.0,
) -> np.ndarray:
    """The consensus of whole clips: the mean prediction of the selected frames.

    Args:
        predictions: [B, T, C] float.
        selected: [B, T] bool; padding is ignored.
        valid: [B, T] bool.
        alpha: Weight of the frames that are not selected (AS Eq. 10).
        largest: See `on_grid`.

    Returns:
        [B, C] float64; zeros where nothing is selected and alpha is 0.

    Raises:
        FrameSelectError: for more than 4096 frames, beyond which sums are not exact.
    """
    frames = predictions.shape[1]
    if frames > MAX_FRAMES:
        raise FrameSelectError(f"num_frames is {frames}; it must be at most {MAX_FRAMES}")
    grid = on_grid(predictions, largest)
    kept = selected & valid
    kept_sum = np.einsum("bt,btc->bc", kept.astype(np.float64), grid)
    total_sum = np.einsum("bt,btc->bc", valid.astype(np.float64), grid)
    return weighted_mean(kept_sum, kept.sum(1), total_sum, valid.sum(1), alpha)


def is_correct(
    probabilities: np.ndarray, label: np.ndarray, unanswered: np.ndarray | None = None
) -> np.ndarray:
    """Whether the predicted class is the label, [B] bool; an empty consensus (zeros) is wrong.

    Which ones are empty, [B] bool, is looked up unless the caller knows.
    """
    correct = probabilities.argmax(axis=1) == label
    return correct & (probabilities.any(axis=1) if unanswered is None else ~unanswered)


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


def clipped_log(probabilities: np.ndarray) -> np.ndarray:
    """The natural logarithm, [...] float64, of probabilities clipped at 1e-6."""
    return np.log(np.maximum(np.asarray(probabilities, np.float64), SMALLEST))


def entropy(probabilities: np.ndarray) -> np.ndarray:
    """Entropy -sum_k p_k log p_k in nats, of [..., C] as [...] float64."""
    return -(probabilities * clipped_log(probabilities)).sum(axis=-1)


def of_class(probabilities: np.ndarray, label: np.ndarray) -> np.ndarray:
    """The probability of the class `label` [...] in `probabilities` [..., C], as [...]."""
    if label.ndim == 1:  # the same as np.take_along_axis at a fraction of the cost
        first = np.arange(len(label)) * probabilities.shape[1]
        return probabilities.reshape(-1).take(first + label)
    return np.take_along_axis(probabilities, label[..., None], axis=-1)[..., 0]


def margin(probabilities: np.ndarray, label: np.ndarray) -> np.ndarray:
    """How far the class `label` leads the best other one, p_c - max_{k != c} p_k, [...] float64."""
    others = np.array(probabilities, np.float64)
    np.put_along_axis(others, label[..., None], -np.inf, axis=-1)
    return of_class(probabilities, label) - others.max(axis=-1)
