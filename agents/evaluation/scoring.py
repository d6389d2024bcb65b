"""One pass over videos that scores every ranking once and every selection made from its scores."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
from rich.console import Console
from rich.progress import track

from agents.evaluation.video_results import EvaluationSettings, VideoBatch, VideoResults
from baselines.splits import row_batches
from frame_select_env.cache import Clips
from frame_select_env.errors import FrameSelectError
from frame_select_env.ranking import Ranking, best_if_none, top_frames

FrameCount = int | Literal["all", "free"]  # how many frames a row of the table keeps


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
    frames: tuple[int | Literal["free"], ...]
    # rankings to score at the same number of frames per video as that free choice
    matched: tuple[Ranking, ...] = ()


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
    """Score rankings and predictors on the videos in `rows`, a batch at a time.

    All frames of a predictor count as selected. `progress` labels a progress bar on standard
    error; there is none if it is empty.

    Returns:
        The results of keeping all frames, of every request, and of every predictor.
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
            for other in request.matched:
                results = batch.average(_top(other, batch, selected.sum(axis=1)))
                made.matched.setdefault(other.name, []).append(results)
        elif made.scores is None:
            selected = _top(ranking, batch, frames)
        else:
            selected = top_frames(made.scores, clips.valid, frames)
        made.results[frames] = batch.average(selected)
    return made


def _top(ranking: Ranking, batch: VideoBatch, frames: int | np.ndarray) -> np.ndarray:
    scores = importance_scores(ranking, batch.clips, batch.label, frames)
    return top_frames(scores, batch.clips.valid, frames)


def _join(batches: Sequence[RankingResults]) -> RankingResults:
    """Join the results of one request over batches of videos."""
    first = batches[0]
    scores = [batch.scores for batch in batches if batch.scores is not None]
    return RankingResults(
        np.concatenate(scores) if scores else None,
        {m: VideoResults.concatenate([one.results[m] for one in batches]) for m in first.results},
        {
            name: [
                VideoResults.concatenate(draw)
                for draw in zip(*(batch.matched[name] for batch in batches), strict=True)
            ]
            for name in first.matched
        },
    )
