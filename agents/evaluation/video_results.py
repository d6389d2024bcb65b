"""What averaging a selection of frames gives for every video: the prediction and its error."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from frame_select_env.cache import Clips, FeatureCache
from frame_select_env.consensus import is_correct, on_grid, weighted_mean
from frame_select_env.errors import FrameSelectError


@dataclass(frozen=True)
class EvaluationSettings:
    """Which predictions are averaged, and how."""

    cache: FeatureCache  # the cache
    fold: str = "default"  # its fold
    num_frames: int = 25  # T
    alpha: float = 0.0  # weight of the frames that are not selected (AS Eq. 10)
    stream: str | None = None  # the stream, None for the only one

    def __post_init__(self) -> None:
        if self.num_frames < 1:
            raise FrameSelectError(f"num_frames={self.num_frames}: must be at least 1")
        if not 0 <= self.alpha < np.inf:
            raise FrameSelectError(f"alpha={self.alpha}: must be a number of at least 0")


@dataclass(frozen=True)
class VideoResults:
    """The predictions for n videos, of one run, or of R runs with a first axis R.

    Attributes:
        selected: [(R,) n, T] bool, the frames that were averaged.
        predicted: [(R,) n] int64, the predicted class, -1 if nothing was selected (regression:
            [(R,) n, K] float64, the predicted values).
        true_probability: [(R,) n] float64, p_c, the probability of the label (regression: NaN).
        error: [(R,) n] float64: 0 if right and 1 if wrong (regression: the absolute error,
            averaged over targets). Its mean is 1 - accuracy, or the MAE.
    """

    selected: np.ndarray
    predicted: np.ndarray
    true_probability: np.ndarray
    error: np.ndarray

    @property
    def frames(self) -> np.ndarray:
        """[(R,) n] int64, the number of frames averaged."""
        return self.selected.sum(axis=-1)

    def run(self, run: int) -> "VideoResults":
        """One run of R."""
        return VideoResults(*(getattr(self, field.name)[run] for field in fields(self)))

    @classmethod
    def concatenate(cls, batches: Sequence["VideoResults"]) -> "VideoResults":
        """Join the results of consecutive batches of videos."""
        return cls(*(np.concatenate(column) for column in _columns(batches)))

    @classmethod
    def stack(cls, runs: Sequence["VideoResults"]) -> "VideoResults":
        """Stack single runs on the same videos along a first axis R."""
        return cls(*(np.stack(column) for column in _columns(runs)))


def _columns(results: Sequence[VideoResults]) -> list[list[np.ndarray]]:
    return [[getattr(one, field.name) for one in results] for field in fields(VideoResults)]


class VideoBatch:
    """A few videos, read once, on which any number of selections can be scored.

    Args:
        settings: How to read and to average.
        rows: [B] int, rows in the cache with known labels.

    Attributes:
        clips: The videos.
        label: [B] int64 or [B, K] float32.
    """

    def __init__(self, settings: EvaluationSettings, rows: np.ndarray) -> None:
        cache, fold, stream = settings.cache, settings.fold, settings.stream
        self.clips: Clips = cache.read(rows, settings.num_frames, fold, stream)
        self.label = cache.labels[rows]
        self.alpha = settings.alpha
        largest = cache.predictions_extent(stream, fold).largest
        self._grid = on_grid(self.clips.predictions, largest)
        self._total = self._sum(self.clips.valid)

    def average(self, selected: np.ndarray) -> VideoResults:
        """Average the `selected` [B, T] frames (AS Alg. 2, Eqs. 1 and 10) and score the result."""
        kept = selected & self.clips.valid
        length = self.clips.valid.sum(axis=1)
        consensus = weighted_mean(
            self._sum(kept), kept.sum(axis=1), self._total, length, self.alpha
        )
        return self.score(consensus, kept)

    def score(self, prediction: np.ndarray, selected: np.ndarray) -> VideoResults:
        """Score a video-level `prediction` [B, C] made from the `selected` frames."""
        if self.label.ndim == 2:
            error = np.abs(prediction - self.label).mean(axis=1)
            return VideoResults(selected, prediction, np.full(len(error), np.nan), error)
        predicted = np.where(prediction.any(axis=1), prediction.argmax(axis=1), -1)
        own = np.take_along_axis(prediction, self.label[:, None], axis=1)[:, 0]
        wrong = ~is_correct(prediction, self.label)
        return VideoResults(selected, predicted, own, wrong.astype(np.float64))

    def _sum(self, kept: np.ndarray) -> np.ndarray:
        return np.matmul(kept[:, None, :].astype(np.float64), self._grid)[:, 0]
