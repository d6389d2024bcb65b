"""How well rankings agree with raters: Kendall's tau, Spearman's rho and the F-score of summaries.

The correlations are those of Otani, Nakashima, Rahtu and Heikkila, "Rethinking the Evaluation of
Video Summaries", CVPR 2019: with each rater's scores, averaged over raters and then over videos;
beside them stand random scores, and each rater against the others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from agents.evaluation.intervals import Resamples
from agents.evaluation.rank_quality import spearman
from agents.evaluation.references import UNIFORM
from agents.evaluation.result import F_SCORE, RHO, TAU, Agreement, Evaluation
from agents.evaluation.summary import PERCENT, Shots, human_f_score, joined
from frame_select_env import FeatureCache
from frame_select_env.ranking import evenly_spaced_frames

HUMAN = "human"  # the row of the raters among themselves


@dataclass(frozen=True)
class RatedVideo:
    """A video with what its r raters said.

    Attributes:
        scores: [L, r] float, of each cached frame.
        shots: Its shots; None in a cache without summaries.
        kept: [n, r] bool, each rater's summary over the original frames; None without summaries.
    """

    scores: np.ndarray
    shots: Shots | None = None
    kept: np.ndarray | None = None

    @classmethod
    def read(cls, cache: FeatureCache, row: int) -> "RatedVideo":
        """The video `row` of a cache that is `rated`; importance is that of one rater."""
        length = int(cache.lengths[row])
        if not cache.raters:
            return cls(cache.read_frames("importance", np.array([row]), length)[0][:, None])
        scores = cache.read_frames("raters", np.array([row]), length)[0]
        scores = scores[:, ~np.isnan(scores).any(axis=0)]
        if not cache.has_summaries:
            return cls(scores)
        summaries = cache.summaries(row)
        return cls(scores, Shots.of(summaries, length), summaries.raters)


def rated(cache: FeatureCache) -> bool:
    """Whether rankings are compared with raters.

    Importance counts as a rater where there is nothing else to judge by.
    """
    return cache.raters > 0 or (cache.single_class and "importance" in cache.frame_datasets)


def rater_agreement(
    evaluation: Evaluation, drawn: Resamples, controls: bool
) -> dict[str, Agreement]:
    """By ranking with scores; with `controls` also "uniform" and "human". Empty without raters."""
    cache = evaluation.settings.cache
    if not rated(cache):
        return {}
    videos = [RatedVideo.read(cache, row) for row in evaluation.rows]
    scores = dict(evaluation.scores)
    if controls and evaluation.frames(UNIFORM):
        count = np.maximum(1, evaluation.valid.sum(axis=1) * PERCENT // 100)
        evenly = evenly_spaced_frames(evaluation.valid, count).astype(np.float64)
        scores[UNIFORM] = evenly[None, :, None]
    found: dict[str, Agreement] = {}
    for name, own in scores.items():
        measured = [
            [_over_units(video, units, valid, cache.f_score) for units in of_runs]
            for video, of_runs, valid in zip(
                videos, own.swapaxes(0, 1), evaluation.valid, strict=True
            )
        ]  # by video, run
        found[name] = Agreement.of(_by_measure(measured), drawn)
    if controls and all(video.scores.shape[1] > 1 for video in videos):
        people = [human_agreement(video, cache.f_score) for video in videos]
        found[HUMAN] = Agreement.of(_by_measure([[one] for one in people]), drawn)
    return found


def _by_measure(measured: Sequence[Sequence[Mapping[str, float]]]) -> dict[str, np.ndarray]:
    """Measures of videos and their runs as an array [R, n] of each."""
    names = measured[0][0]
    return {
        name: np.array([[run[name] for run in video] for video in measured]).T for name in names
    }


def _over_units(
    video: RatedVideo, units: np.ndarray, valid: np.ndarray, rule: str
) -> dict[str, float]:
    """The agreement of a ranking's scores [U, T], averaged over units (streams and their views)."""
    every = [ranking_agreement(video, own[valid], rule) for own in units]
    return {name: float(np.mean([one[name] for one in every])) for name in every[0]}


def ranking_agreement(video: RatedVideo, scores: np.ndarray, rule: str) -> dict[str, float]:
    """How well the scores [T] of a video's sampled frames agree with its raters.

    Scores count by their ranks alone, scaled to (0, 1]: those of a ranking may be logits,
    distances or an order. Every cached frame has the rank of the sampled frame nearest to it.
    """
    from scipy.stats import rankdata  # slow to import

    ranks = held(rankdata(scores) / len(scores), len(video.scores))
    found = {TAU: kendall(ranks, video.scores), RHO: _spearman(ranks, video.scores)}
    if video.shots is not None:
        chosen = video.shots.best(ranks)
        found[F_SCORE] = float(joined(video.shots.f_scores(chosen), rule))
    return found


def human_agreement(video: RatedVideo, rule: str) -> dict[str, float]:
    """Each of r >= 2 raters as a ranking, against the others, averaged over raters."""
    raters = range(video.scores.shape[1])
    pairs = [(video.scores[:, rater], np.delete(video.scores, rater, axis=1)) for rater in raters]
    found = {
        TAU: float(np.mean([kendall(one, others) for one, others in pairs])),
        RHO: float(np.mean([_spearman(one, others) for one, others in pairs])),
    }
    if video.kept is not None:
        found[F_SCORE] = human_f_score(video.kept, rule)
    return found


def held(scores: np.ndarray, length: int) -> np.ndarray:
    """The scores [T] of sampled frames as scores of all `length` frames that they came from.

    Of T frames, frame t is the middle of its part of the video, see `frame_index`; all frames of
    that part have its score.
    """
    frames = len(scores)
    if frames >= length:
        return scores[:length]
    return scores[(2 * np.arange(length) + 1) * frames // (2 * length)]


def kendall(scores: np.ndarray, raters: np.ndarray) -> float:
    """Kendall's tau-b of scores [L] with each of the raters [L, r], averaged.

    A rater who scores every frame alike is left out; 0 for equal scores, or where no rater is left.
    """
    from scipy.stats import kendalltau  # slow to import

    telling = _telling(raters)
    if not telling.shape[1] or scores.min() == scores.max():
        return 0.0
    return float(np.mean([kendalltau(scores, one).statistic for one in telling.T]))


def _spearman(scores: np.ndarray, raters: np.ndarray) -> float:
    """The same of Spearman's rho."""
    telling = _telling(raters).T
    if not len(telling):
        return 0.0
    every = np.ones(telling.shape, bool)
    return float(spearman(np.broadcast_to(scores, telling.shape), telling, every).mean())


def _telling(raters: np.ndarray) -> np.ndarray:
    """The raters [L, r] who do not score every frame alike."""
    return raters[:, raters.min(axis=0) < raters.max(axis=0)]
