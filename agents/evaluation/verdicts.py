"""What a selection of frames comes to: the prediction it gives for every video, and its error."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from frame_select_env.cache import Clips, FeatureCache
from frame_select_env.consensus import is_correct, on_grid, weighted_mean
from frame_select_env.errors import FrameSelectError


@dataclass(frozen=True)
class Setting:
    """Whose predictions are averaged, and how.

    Attributes:
        cache: The cache.
        fold: Its fold.
        num_frames: T.
        alpha: Weight of the frames that are not selected (AS Eq. 10).
        stream: The stream, None for the only one.
    """

    cache: FeatureCache
    fold: str = "default"
    num_frames: int = 25
    alpha: float = 0.0
    stream: str | None = None

    def __post_init__(self) -> None:
        if self.num_frames < 1:
            raise FrameSelectError(f"num_frames is {self.num_frames}; it must be at least 1")
        if not 0 <= self.alpha < np.inf:
            raise FrameSelectError(f"alpha is {self.alpha}; it must be a number of at least 0")

    @property
    def largest(self) -> float:
        """The largest magnitude of a prediction, for `on_grid`."""
        return self.cache.predictions_extent(self.stream, self.fold).largest


@dataclass(frozen=True)
class Verdict:
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

    def run(self, run: int) -> "Verdict":
        """One run of R."""
        return Verdict(*(getattr(self, field.name)[run] for field in fields(self)))

    @classmethod
    def concatenate(cls, batches: Sequence["Verdict"]) -> "Verdict":
        """Outcomes of batch after batch of videos as one."""
        return cls(*(np.concatenate(column) for column in _columns(batches)))

    @classmethod
    def stack(cls, runs: Sequence["Verdict"]) -> "Verdict":
        """Outcomes of single runs on the same videos as one with a first axis R."""
        return cls(*(np.stack(column) for column in _columns(runs)))


class Batch:
    """A few videos, read once, on which any number of selections can be judged.

    Args:
        setting: How to read and to average.
        rows: [B] int, rows in the cache; their labels must be known.

    Attributes:
        clips: The videos.
        label: [B] int64 or [B, K] float32.
    """

    def __init__(self, setting: Setting, rows: np.ndarray) -> None:
        self.clips: Clips = setting.cache.read(
            rows, setting.num_frames, setting.fold, setting.stream
        )
        self.label = setting.cache.labels[rows]
        self.alpha = setting.alpha
        self._grid = on_grid(self.clips.predictions, setting.largest)
        self._total = self._sum(self.clips.valid)

    def judge(self, selected: np.ndarray) -> Verdict:
        """The verdict of averaging the `selected` [B, T] frames (AS Alg. 2, Eqs. 1 and 10)."""
        kept = selected & self.clips.valid
        length = self.clips.valid.sum(axis=1)
        consensus = weighted_mean(
            self._sum(kept), kept.sum(axis=1), self._total, length, self.alpha
        )
        return self.score(consensus, kept)

    def score(self, prediction: np.ndarray, selected: np.ndarray) -> Verdict:
        """The verdict of a video-level `prediction` [B, C] made from the `selected` frames."""
        if self.label.ndim == 2:
            error = np.abs(prediction - self.label).mean(axis=1)
            return Verdict(selected, prediction, np.full(len(error), np.nan), error)
        predicted = np.where(prediction.any(axis=1), prediction.argmax(axis=1), -1)
        own = np.take_along_axis(prediction, self.label[:, None], axis=1)[:, 0]
        wrong = ~is_correct(prediction, self.label)
        return Verdict(selected, predicted, own, wrong.astype(np.float64))

    def _sum(self, kept: np.ndarray) -> np.ndarray:
        return np.matmul(kept[:, None, :].astype(np.float64), self._grid)[:, 0]


def _columns(verdicts: Sequence[Verdict]) -> list[list[np.ndarray]]:
    return [[getattr(verdict, field.name) for verdict in verdicts] for field in fields(Verdict)]
