"""One pass over videos that scores every ranking once and judges all selections from the scores."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
from rich.console import Console
from rich.progress import track

from agents.evaluation.verdicts import Batch, Setting, Verdict
from baselines.cross_validation import row_batches
from frame_select_env.cache import Clips
from frame_select_env.errors import FrameSelectError
from frame_select_env.ranking import Ranking, best_if_none, top_frames

Frames = int | Literal["all", "free"]  # how many frames a row keeps


class Predictor(Protocol):
    """What predicts whole videos without ranking their frames."""

    name: str

    def predict(self, clips: Clips) -> np.ndarray:
        """Probabilities (regression: values), [B, C]."""
        ...


@dataclass(frozen=True)
class Request:
    """What to judge of one ranking.

    Attributes:
        ranking: One trained agent, one draw, one formula.
        frames: The m to judge its top m frames at, and "free" for its own choice.
        beside: Rankings to judge at as many frames, video by video, as its free choice has.
    """

    ranking: Ranking
    frames: tuple[int | Literal["free"], ...]
    beside: tuple[Ranking, ...] = ()


@dataclass
class Judged:
    """What came of a request.

    Attributes:
        scores: [n, T]; None if they depend on m.
        verdicts: By the request's frames.
        beside: Of the request's rankings beside, by name; one or several draws.
    """

    scores: np.ndarray | None = None
    verdicts: dict[Frames, Verdict] = field(default_factory=dict)
    beside: dict[str, list[Verdict]] = field(default_factory=dict)


@dataclass(frozen=True)
class Judgement:
    """What `judge` found: for keeping all frames, for every request and every predictor."""

    all_frames: Verdict
    rankings: list[Judged]
    predictors: list[Verdict]


def judge(
    setting: Setting,
    rows: np.ndarray,
    requests: Sequence[Request],
    predictors: Sequence[Predictor] = (),
    progress: str = "",
) -> Judgement:
    """Judge rankings and predictors on the videos in `rows`, a batch at a time.

    Args:
        setting: How to read and to average.
        rows: [n] int, rows in the cache with known labels.
        requests: What to judge of which ranking.
        predictors: Predictors to judge; all their frames count as selected.
        progress: What a progress bar on standard error says; none if empty.

    Raises:
        FrameSelectError: if a ranking's scores or selection are not what `Ranking` promises.
    """
    whole: list[Verdict] = []
    pieces: list[list[Judged]] = []
    predicted: list[list[Verdict]] = []
    batches = list(row_batches(rows))
    console = Console(stderr=True)
    for some in track(batches, progress, console=console, transient=True, disable=not progress):
        batch = Batch(setting, some)
        every = batch.clips.valid
        whole.append(batch.judge(every))
        pieces.append([_judge_request(batch, request) for request in requests])
        predicted.append([batch.score(one.predict(batch.clips), every) for one in predictors])
    return Judgement(
        Verdict.concatenate(whole),
        [_join(column) for column in zip(*pieces, strict=True)],
        [Verdict.concatenate(column) for column in zip(*predicted, strict=True)],
    )


def free_choice(ranking: Any, clips: Clips, scores: np.ndarray) -> np.ndarray:
    """The ranking's own choice [B, T] bool; the best frame where it chose nothing.

    Raises:
        FrameSelectError: if it is no bool mask of that shape.
    """
    chosen = np.asarray(ranking.select(clips))
    if chosen.shape != clips.valid.shape or chosen.dtype != bool:
        raise FrameSelectError(
            f"ranking {ranking.name!r}: select gave {chosen.dtype} {chosen.shape}; "
            f"expected bool {clips.valid.shape}"
        )
    return best_if_none(chosen & clips.valid, scores, clips.valid)


def _judge_request(batch: Batch, request: Request) -> Judged:
    ranking, clips = request.ranking, batch.clips
    judged = Judged()
    if not _depends_on_frames(ranking):
        judged.scores = _scores(ranking, batch, None)
    for frames in request.frames:
        if frames == "free":
            if judged.scores is None:
                raise FrameSelectError(f"ranking {ranking.name!r}: has no scores of its own")
            selected = free_choice(ranking, clips, judged.scores)
            as_many = selected.sum(axis=1)
            for other in request.beside:
                verdict = batch.judge(_top(other, batch, as_many))
                judged.beside.setdefault(other.name, []).append(verdict)
        elif judged.scores is None:
            selected = _top(ranking, batch, frames)
        else:
            selected = top_frames(judged.scores, clips.valid, frames)
        judged.verdicts[frames] = batch.judge(selected)
    return judged


def _top(ranking: Ranking, batch: Batch, frames: int | np.ndarray) -> np.ndarray:
    return top_frames(_scores(ranking, batch, frames), batch.clips.valid, frames)


def _depends_on_frames(ranking: Ranking) -> bool:
    return bool(getattr(ranking, "needs_frames", False))


def _scores(ranking: Any, batch: Batch, frames: int | np.ndarray | None) -> np.ndarray:
    """Scores [B, T], checked, -inf at padding."""
    more: dict[str, Any] = {}
    if getattr(ranking, "needs_label", False):
        more["label"] = batch.label
    if _depends_on_frames(ranking):
        more["frames"] = frames
    valid = batch.clips.valid
    scores = np.asarray(ranking.scores(batch.clips, **more))
    if scores.shape != valid.shape:
        raise FrameSelectError(
            f"ranking {ranking.name!r}: scores have the shape {scores.shape}; "
            f"expected {valid.shape}"
        )
    if np.isnan(scores[valid]).any():
        row = batch.clips.video[np.isnan(np.where(valid, scores, 0)).any(axis=1)][0]
        raise FrameSelectError(
            f"ranking {ranking.name!r}: a score of video {row} is NaN; did the training diverge?"
        )
    return np.where(valid, scores, -np.inf)


def _join(batches: Sequence[Judged]) -> Judged:
    """What came of one request, batch after batch, as one."""
    first = batches[0]
    scores = [batch.scores for batch in batches if batch.scores is not None]
    return Judged(
        np.concatenate(scores) if scores else None,
        {m: Verdict.concatenate([batch.verdicts[m] for batch in batches]) for m in first.verdicts},
        {
            name: [
                Verdict.concatenate(draw)
                for draw in zip(*(batch.beside[name] for batch in batches), strict=True)
            ]
            for name in first.beside
        },
    )
