"""Scoring: what a selection of frames predicts for every video, for many rankings in one pass."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
from rich.console import Console
from rich.progress import track

from agents.evaluation.combined import parts_of
from baselines.splits import row_batches
from frame_select_env import Clips, FeatureCache, FrameSelectError
from frame_select_env.aggregators import make_judge
from frame_select_env.cache import View
from frame_select_env.consensus import (
    MEAN,
    check_alpha,
    is_correct,
    of_class,
    on_grid,
    weighted_mean,
)
from frame_select_env.consensus_table import Judge
from frame_select_env.errors import known
from frame_select_env.ranking import Ranking, best_if_none, top_frames

FrameCount = int | Literal["all", "free"]  # how many frames a row of the table keeps
ViewScheme = Literal["region", "frame"]
VIEW_SCHEMES: tuple[ViewScheme, ...] = ("region", "frame")


@dataclass(frozen=True)
class EvaluationSettings:
    """Which predictions are averaged, and how.

    What is ranked is a unit: a stream, or a view of one. A video's prediction is the mean over the
    views of a stream of the means over their selected frames (or of what the `aggregator` makes of
    them), and then over streams, 1 : 1.
    """

    cache: FeatureCache
    fold: str = "default"
    num_frames: int = 25  # T
    alpha: float = 0.0  # weight of the frames that are not selected (AS Eq. 10)
    aggregator: str = MEAN  # "mean", "max", or the file or bundled name of a judge
    streams: tuple[str | None, ...] = (None,)  # None for the only one
    view: View = None  # "random" for all views, each by itself
    # How frames of several views are selected: "region" ranks the frames of each view, "frame" by
    # the scores averaged over views
    view_scheme: ViewScheme = "region"

    def __post_init__(self) -> None:
        if self.num_frames < 1:
            raise FrameSelectError(f"num_frames={self.num_frames}: must be at least 1")
        if self.view_scheme not in VIEW_SCHEMES:
            raise FrameSelectError(known("view scheme", self.view_scheme, VIEW_SCHEMES))
        check_alpha(self.alpha, self.aggregator)
        counts = set()
        for stream in self.streams:
            self.cache.check_view(self.view, self.cache.stream(stream))
            self.judge(stream)
            counts.add(self.cache.views(stream) if self.view == "random" else 1)
        if len(counts) > 1:
            raise FrameSelectError(
                f"the streams {', '.join(map(str, self.streams))} have different numbers of views"
            )

    def judge(self, stream: str | None) -> Judge | None:
        """What predicts videos from the frames of a stream; None for the mean."""
        return make_judge(self.aggregator, self.cache, self.fold, stream, self.view)


@dataclass(frozen=True)
class VideoResults:
    """The predictions for n videos, of one run, or of R runs with a first axis R."""

    selected: np.ndarray  # [(R,) n, U, T] bool, the frames of each unit that were averaged
    # [(R,) n] int64, the predicted class, -1 if nothing was selected (regression: [(R,) n, K]
    # float64, the predicted values)
    predicted: np.ndarray
    true_probability: np.ndarray  # [(R,) n] float64, p_c of the label (regression: NaN)
    # [(R,) n] float64: 0 if right and 1 if wrong (regression: the absolute error, averaged over
    # targets). Its mean is 1 - accuracy, or the MAE.
    error: np.ndarray

    @property
    def frames(self) -> np.ndarray:
        """[(R,) n] float64, the number of frames averaged, its mean over units."""
        return self.selected.sum(axis=-1).mean(axis=-1)

    @property
    def kept(self) -> np.ndarray:
        """[(R,) n, T] bool, the frames that at least half of the units keep: what is shown."""
        return self.selected.mean(axis=-2) >= 0.5

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
        self.settings, self.rows = settings, rows
        cache, frames, fold = settings.cache, settings.num_frames, settings.fold
        self.label = cache.true_labels(rows)  # [B] int64 or [B, K] float32
        self.clips: list[Clips] = []  # of each stream, [B * V] clips, the views of a video together
        self._grid: list[np.ndarray] = []
        self._judged: list[tuple[Judge, np.ndarray] | None] = []
        for stream in settings.streams:
            video, view = cache.clips_of(rows, stream, settings.view)
            clips = cache.read(video, frames, fold, stream, view)
            largest = cache.predictions_extent(stream, fold).largest
            self.clips.append(clips)
            self._grid.append(on_grid(clips.predictions, largest))
            self._judged.append(None)
            if (judge := settings.judge(stream)) is not None:
                made = judge.frames(getattr(clips, judge.source), video)
                self._judged[-1] = (judge, made)
        self.views = len(self.clips[0]) // len(rows)
        self.valid = self.clips[0].valid[:: self.views]  # [B, T]
        units = self.views * len(self.clips)
        self.everything = np.repeat(self.valid[:, None], units, axis=1)  # [B, U, T], every frame
        self._total = [self._sum(index, one.valid) for index, one in enumerate(self.clips)]

    def average(self, selected: np.ndarray) -> VideoResults:
        """Average the `selected` [B, U, T] frames (AS Alg. 2, Eq. 3 and 10); score the result."""
        kept = selected & self.valid[:, None]
        parts = [
            self._consensus(index, own.reshape(-1, own.shape[-1]))
            for index, own in enumerate(self._by_stream(kept))
        ]
        return self.score(np.mean(parts, axis=0), kept)

    def score(self, prediction: np.ndarray, selected: np.ndarray) -> VideoResults:
        """Score a video-level `prediction` [B, C] made from the `selected` frames."""
        if self.label.ndim == 2:
            error = np.abs(prediction - self.label).mean(axis=1)
            return VideoResults(selected, prediction, np.full(len(error), np.nan), error)
        predicted = np.where(prediction.any(axis=1), prediction.argmax(axis=1), -1)
        wrong = ~is_correct(prediction, self.label)
        own = of_class(prediction, self.label)
        return VideoResults(selected, predicted, own, wrong.astype(np.float64))

    def importance(self, ranking: Any, frames: int | np.ndarray | None = None) -> np.ndarray:
        """A ranking's scores [B, U, T], averaged over views for the scheme "frame".

        `frames`, m or [B, U], is passed to rankings that need it.
        """
        label, scores = self.label.repeat(self.views, axis=0), []
        for index, (one, clips) in enumerate(
            zip(parts_of(ranking, len(self.clips)), self.clips, strict=True)
        ):
            count = frames
            if isinstance(frames, np.ndarray):
                count = self._by_stream(frames)[index].reshape(-1)
            own = importance_scores(one, clips, label, count)
            scores.append(self._over_views(own.reshape(len(self.label), self.views, -1)))
        return np.concatenate(scores, axis=1)

    def top(self, scores: np.ndarray, frames: int | np.ndarray) -> np.ndarray:
        """The m best frames of every unit, [B, U, T] bool, from scores [B, U, T]."""
        flat, valid = (one.reshape(-1, one.shape[-1]) for one in (scores, self.everything))
        count = frames.reshape(-1) if isinstance(frames, np.ndarray) else frames
        return top_frames(flat, valid, count).reshape(scores.shape)

    def free_choice(self, ranking: Any, scores: np.ndarray) -> np.ndarray:
        """The ranking's own choice, [B, U, T] bool; the best frame where it chose nothing.

        With the scheme "frame" it is the frames chosen in at least half of the views.
        """
        chosen = []
        for index, (one, clips) in enumerate(
            zip(parts_of(ranking, len(self.clips)), self.clips, strict=True)
        ):
            own = self._by_stream(scores)[index]
            flat = own.reshape(-1, own.shape[-1])
            share = free_choice(one, clips, flat).reshape(own.shape).astype(np.float64)
            half = (self._over_views(share) >= 0.5).reshape(flat.shape)
            chosen.append(best_if_none(half, flat, clips.valid).reshape(own.shape))
        return np.concatenate(chosen, axis=1)

    def predict(self, predictors: Sequence["Predictor"]) -> VideoResults:
        """The mean of the predictions for the streams, one predictor each."""
        settings, made = self.settings, []
        for stream, clips, one in zip(settings.streams, self.clips, predictors, strict=True):
            if self.views > 1:
                cache, frames = settings.cache, settings.num_frames
                clips = cache.read(self.rows, frames, settings.fold, stream)
            made.append(one.predict(clips))
        if len(made) == 1 and hasattr(one, "select"):  # it reads some of the frames
            return self.score(made[0], one.select(clips)[:, None])
        return self.score(np.mean(made, axis=0), self.everything)

    def _over_views(self, values: np.ndarray) -> np.ndarray:
        """Values [B, V, T], for the scheme "frame" replaced by their means over views."""
        if self.views == 1 or self.settings.view_scheme == "region":
            return values
        return np.repeat(values.mean(axis=1, keepdims=True), self.views, axis=1)

    def _by_stream(self, values: np.ndarray) -> list[np.ndarray]:
        """Values [B, U, ...] as one array [B, V, ...] for each stream."""
        return np.split(values, len(self.clips), axis=1)

    def _consensus(self, index: int, kept: np.ndarray) -> np.ndarray:
        """The mean over views of the predictions of stream number `index`, [B, C]."""
        if (judged := self._judged[index]) is not None:
            judge, frames = judged
            own = judge(frames, kept, self.clips[index].video)
            return own.reshape(len(self.label), self.views, -1).mean(axis=1)
        count, length = kept.sum(axis=1), self.clips[index].valid.sum(axis=1)
        alpha = self.settings.alpha
        own = weighted_mean(self._sum(index, kept), count, self._total[index], length, alpha)
        return own.reshape(len(self.label), self.views, -1).mean(axis=1)

    def _sum(self, index: int, kept: np.ndarray) -> np.ndarray:
        return np.matmul(kept[:, None, :].astype(np.float64), self._grid[index])[:, 0]


class Predictor(Protocol):
    """Predicts whole videos without ranking their frames."""

    name: str

    def predict(self, clips: Clips) -> np.ndarray:
        """Probabilities (regression: values), [B, C]."""
        ...


PredictorRun: TypeAlias = Sequence[Predictor]  # of one run: a predictor for each stream


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

    scores: np.ndarray | None = None  # [n, U, T]; None if they depend on m
    results: dict[FrameCount, VideoResults] = field(default_factory=dict)
    matched: dict[str, list[VideoResults]] = field(default_factory=dict)  # one or several draws


def score_videos(
    settings: EvaluationSettings,
    rows: np.ndarray,
    requests: Sequence[ScoringRequest],
    predictors: Sequence[PredictorRun] = (),
    progress: str = "",
) -> tuple[VideoResults, list[RankingResults], list[VideoResults]]:
    """Score keeping all frames, every request and every predictor, a batch of `rows` at a time.

    All frames count as selected by a predictor. `progress` labels a
    progress bar on standard error; there is none if it is empty.
    """
    whole: list[VideoResults] = []
    ranked: list[list[RankingResults]] = []
    predicted: list[list[VideoResults]] = []
    batches = list(row_batches(rows))
    console = Console(stderr=True)
    for some in track(batches, progress, console=console, transient=True, disable=not progress):
        batch = VideoBatch(settings, some)
        whole.append(batch.average(batch.everything))
        ranked.append([_score_request(batch, request) for request in requests])
        predicted.append([batch.predict(one) for one in predictors])
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


def video_answers(agent: Any, clips: Clips) -> np.ndarray:
    """What an agent's network itself says of the videos, [B, C] float64, checked."""
    answers, outputs = np.asarray(agent.predict(clips), np.float64), clips.predictions.shape[2]
    if answers.shape != (len(clips), outputs):
        raise FrameSelectError(
            f"ranking {agent.name!r}: predict gave the shape {answers.shape}; "
            f"expected {(len(clips), outputs)}"
        )
    if np.isnan(answers).any():
        row = clips.video[np.isnan(answers).any(axis=1)][0]
        raise FrameSelectError(
            f"ranking {agent.name!r}: an answer for video {row} is NaN; did the training diverge?"
        )
    return answers


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
    ranking = request.ranking
    made = RankingResults()
    if not getattr(ranking, "needs_frames", False):
        made.scores = batch.importance(ranking)
    for frames in request.frames:
        if frames == "free":
            if made.scores is None:
                raise FrameSelectError(f"ranking {ranking.name!r}: has no scores of its own")
            selected = batch.free_choice(ranking, made.scores)
            count = selected.sum(axis=2)
            for other in request.matched:
                results = batch.average(batch.top(batch.importance(other, count), count))
                made.matched.setdefault(other.name, []).append(results)
        else:
            scores = batch.importance(ranking, frames) if made.scores is None else made.scores
            selected = batch.top(scores, frames)
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
