"""Scoring: what a selection of frames predicts for every video, for many rankings in one pass."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
from rich.console import Console
from rich.progress import track

from baselines.splits import row_batches
from frame_select_env import Clips, FeatureCache, FrameSelectError
from frame_select_env.consensus import check_alpha, is_correct, of_class, on_grid, weighted_mean
from frame_select_env.ranking import Ranking, best_if_none, top_frames

FrameCount = int | Literal["all", "free"]  # how many frames a row of the table keeps


@dataclass(frozen=True)
class EvaluationSettings:
    """Which predictions are averaged, and how."""

    cache: FeatureCache
    fold: str = "default"
    num_frames: int = 25  # T
    alpha: float = 0.0  # weight of the frames that are not selected (AS Eq. 10)
    stream: str | None = None  # the stream, None for the only one

    def __post_init__(self) -> None:
        if self.num_frames < 1:
            raise FrameSelectError(f"num_frames={self.num_frames}: must be at least 1")
        check_alpha(self.alpha)


@dataclass(frozen=True)
class VideoResults:
    """The predictions for n videos, of one run, or of R runs with a first axis R."""

    selected: np.ndarray  # [(R,) n, T] bool, the frames that were averaged
    # [(R,) n] int64, the predicted class, -1 if nothing was selected (regression: [(R,) n, K]
    # float64, the predicted values)
    predicted: np.ndarray
    true_probability: np.ndarray  # [(R,) n] float64, p_c of the label (regression: NaN)
    # [(R,) n] float64: 0 if right and 1 if wrong (regression: the absolute error, averaged over
    # targets). Its mean is 1 - accuracy, or the MAE.
    error: np.ndarray

    @property
    def frames(self) -> np.ndarray:
        """[(R,) n] int64, the number of frames averaged."""
        return self.selected.sum(axis=-1)

    def run(self, run: int) -> "VideoResults":
        """One run of R."""
        return VideoResults(*(array[run] for array in vars(self).values()))

    @classmethod
    def concatenate(cls, batches: Iterable["VideoResults"]) -> "VideoResults":
        """Join the results of consecutive batches of videos."""
        return cls(*map(np.concatenate, _columns(batches)))

    @classmethod
    def stack(cls, runs: Iterable["VideoResults"]) -> "VideoResults":
        """Stack single runs on the same videos along a first axis R."""
        return cls(*map(np.stack, _columns(runs)))


def _columns(results: Iterable[VideoResults]) -> Iterator[tuple[np.ndarray, ...]]:
    return zip(*(vars(one).values() for one in results), strict=True)


class VideoBatch:
    """The videos in `rows` [B], read once, on which any number of selections can be scored."""

    def __init__(self, settings: EvaluationSettings, rows: np.ndarray) -> None:
        cache, fold, stream = settings.cache, settings.fold, settings.stream
        self.clips: Clips = cache.read(rows, settings.num_frames, fold, stream)
        self.label = cache.labels[rows]  # [B] int64 or [B, K] float32
        self.alpha = settings.alpha
        largest = cache.predictions_extent(stream, fold).largest
        self._grid = on_grid(self.clips.predictions, largest)
        self._total = self._sum(self.clips.valid)

    def average(self, selected: np.ndarray) -> VideoResults:
        """Average the `selected` [B, T] frames (AS Alg. 2, Eqs. 3 and 10) and score the result."""
        kept = selected & self.clips.valid
        count, length = kept.sum(axis=1), self.clips.valid.sum(axis=1)
        consensus = weighted_mean(self._sum(kept), count, self._total, length, self.alpha)
        return self.score(consensus, kept)

    def score(self, prediction: np.ndarray, selected: np.ndarray) -> VideoResults:
        """Score a video-level `prediction` [B, C] made from the `selected` frames."""
        if self.label.ndim == 2:
            error = np.abs(prediction - self.label).mean(axis=1)
            return VideoResults(selected, prediction, np.full(len(error), np.nan), error)
        predicted = np.where(prediction.any(axis=1), prediction.argmax(axis=1), -1)
        wrong = ~is_correct(prediction, self.label)
        own = of_class(prediction, self.label)
        return VideoResults(selected, predicted, own, wrong.astype(np.float64))

    def _sum(self, kept: np.ndarray) -> np.ndarray:
        return np.matmul(kept[:, None, :].astype(np.float64), self._grid)[:, 0]


class Predictor(Protocol):
    """Predicts whole videos without ranking their frames."""

    name: str

    def predict(self, clips: Clips) -> np.ndarray:
        """Probabilities (regression: values), [B, C]."""
        ...


@dataclass(frozen=True)
class ScoringRequest:
    """What to score of one ranking."""

    ranking: Ranking  # one trained agent, one draw, one formula
    # the m whose top m frames are scored, and "free" for the ranking's own choice
    frames: Sequence[int | Literal["free"]]
    # rankings to score at the same number of frames per video as that free choice
    matched: Sequence[Ranking] = ()


@dataclass
class RankingResults:
    """The results of one request."""

    scores: np.ndarray | None = None  # [n, T]; None if they depend on m
    results: dict[FrameCount, VideoResults] = field(default_factory=dict)
    matched: dict[str, list[VideoResults]] = field(default_factory=dict)  # one or several draws


def score_videos(
    settings: EvaluationSettings,
    rows: np.ndarray,
    requests: Sequence[ScoringRequest],
    predictors: Sequence[Predictor] = (),
    progress: str = "",
) -> tuple[VideoResults, list[RankingResults], list[VideoResults]]:
    """Score keeping all frames, every request and every predictor, a batch of `rows` at a time.

    All frames of a predictor count as selected. `progress` labels a progress bar on standard
    error; there is none if it is empty.
    """
    whole: list[VideoResults] = []
    ranked: list[list[RankingResults]] = []
    predicted: list[list[VideoResults]] = []
    batches = list(row_batches(rows))
    console = Console(stderr=True)
    for some in track(batches, progress, console=console, transient=True, disable=not progress):
        batch = VideoBatch(settings, some)
        valid = batch.clips.valid
        whole.append(batch.average(valid))
        ranked.append([_score_request(batch, request) for request in requests])
        predicted.append([batch.score(one.predict(batch.clips), valid) for one in predictors])
    return (
        VideoResults.concatenate(whole),
        [_join(column) for column in zip(*ranked, strict=True)],
        [VideoResults.concatenate(column) for column in zip(*predicted, strict=True)],
    )


def importance_scores(
    ranking: Any, clips: Clips, label: np.ndarray, frames: int | np.ndarray | None = None
) -> np.ndarray:
    """A ranking's scores [B, T], checked, -inf at padding.

    `label` and `frames`, m, are passed to rankings that need them.
    """
    more: dict[str, Any] = {}
    if getattr(ranking, "needs_label", False):
        more["label"] = label
    if getattr(ranking, "needs_frames", False):
        more["frames"] = frames
    scores = np.asarray(ranking.scores(clips, **more))
    if scores.shape != clips.valid.shape:
        raise FrameSelectError(
            f"ranking {ranking.name!r}: scores have the shape {scores.shape}; "
            f"expected {clips.valid.shape}"
        )
    if np.isnan(scores[clips.valid]).any():
        row = clips.video[np.isnan(np.where(clips.valid, scores, 0)).any(axis=1)][0]
        raise FrameSelectError(
            f"ranking {ranking.name!r}: a score of video {row} is NaN; did the training diverge?"
        )
    return np.where(clips.valid, scores, -np.inf)


def free_choice(ranking: Any, clips: Clips, scores: np.ndarray) -> np.ndarray:
    """The ranking's own choice [B, T] bool; the best frame where it chose nothing."""
    chosen = np.asarray(ranking.select(clips))
    if chosen.shape != clips.valid.shape or chosen.dtype != bool:
        raise FrameSelectError(
            f"ranking {ranking.name!r}: select gave {chosen.dtype} {chosen.shape}; "
            f"expected bool {clips.valid.shape}"
        )
    return best_if_none(chosen & clips.valid, scores, clips.valid)


def _score_request(batch: VideoBatch, request: ScoringRequest) -> RankingResults:
    ranking, clips = request.ranking, batch.clips
    made = RankingResults()
    if not getattr(ranking, "needs_frames", False):
        made.scores = importance_scores(ranking, clips, batch.label)
    for frames in request.frames:
        if frames == "free":
            if made.scores is None:
                raise FrameSelectError(f"ranking {ranking.name!r}: has no scores of its own")
            selected = free_choice(ranking, clips, made.scores)
            count = selected.sum(axis=1)
            for other in request.matched:
                scores = importance_scores(other, clips, batch.label, count)
                results = batch.average(top_frames(scores, clips.valid, count))
                made.matched.setdefault(other.name, []).append(results)
        elif made.scores is None:
            scores = importance_scores(ranking, clips, batch.label, frames)
            selected = top_frames(scores, clips.valid, frames)
        else:
            selected = top_frames(made.scores, clips.valid, frames)
        made.results[frames] = batch.average(selected)
    return made


def _join(batches: Sequence[RankingResults]) -> RankingResults:
    """Join the results of one request over batches of videos."""
    scores = [batch.scores for batch in batches if batch.scores is not None]
    made = RankingResults(np.concatenate(scores) if scores else None)
    for m in batches[0].results:
        made.results[m] = VideoResults.concatenate(batch.results[m] for batch in batches)
    for name in batches[0].matched:
        draws = zip(*(batch.matched[name] for batch in batches), strict=True)
        made.matched[name] = [VideoResults.concatenate(draw) for draw in draws]
    return made
