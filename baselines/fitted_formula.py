"""Formulas with a sign and a threshold that are fitted on training videos.

Before a gain is credited to learning, such a formula stands beside it: on the bundled digits the
norm of the feature, averaged over a frame and its neighbours, is above every agent.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from baselines.formulas import confidence, feature_norm, smoothed
from baselines.splits import row_batches
from frame_select_env.aggregators import make_judge
from frame_select_env.cache import Clips, FeatureCache, View
from frame_select_env.consensus import MEAN, is_correct
from frame_select_env.consensus_table import Judge
from frame_select_env.ranking import best_if_none, top_frames

Function = Callable[[Clips], np.ndarray]  # a formula: [B, T] float of each frame by itself
Error = Callable[[np.ndarray], np.ndarray]  # of B videos by their kept frames [B, T] bool, [B]

QUANTILES = np.arange(5, 100, 5) / 100  # of the training frames: the thresholds to try
SIGNS = (1, -1)


@dataclass(frozen=True)
class FittedReference:
    """A fitted formula that every table has."""

    function: Function
    tasks: tuple[str, ...] = ("classification", "regression")  # with predictions that it can use


#: By name. They are averaged over a frame and its neighbours.
FITTED_FORMULAS = {
    "feature-norm": FittedReference(feature_norm),
    "fitted-confidence": FittedReference(confidence, ("classification",)),
}
REACH = 1


@dataclass(frozen=True)
class TrainingVideos:
    """The videos that a formula is fitted on: these rows of a cache, read as T frames each."""

    cache: FeatureCache
    rows: np.ndarray  # [n] int64, labelled
    fold: str = "default"
    num_frames: int = 25
    stream: str | None = None
    view: View = None  # "random" for all views, each by itself
    aggregator: str = MEAN  # what predicts a video from its kept frames

    def clips(self) -> Iterator[Clips]:
        """The videos, a batch at a time."""
        for some in row_batches(self.rows):
            video, view = self.cache.clips_of(some, self.stream, self.view)
            yield self.cache.read(video, self.num_frames, self.fold, self.stream, view)

    def errors(self) -> Iterator[Error]:
        """What the kept frames predict of the same batches, compared with the labels."""
        judge = make_judge(self.aggregator, self.cache, self.fold, self.stream, self.view)
        for some in row_batches(self.rows):
            video, view = self.cache.clips_of(some, self.stream, self.view)
            task = self.num_frames, self.fold, self.stream, view
            label = self.cache.labels[video]
            if judge is None:
                predictions = self.cache.read_predictions(video, *task)
                yield partial(selection_error, predictions, label=label)
            else:
                clips = self.cache.read(video, *task)
                frames = judge.frames(getattr(clips, judge.source), video)
                yield partial(_judged_error, judge, frames, video, label)


@dataclass(frozen=True)
class Rule:
    """Which frames a formula keeps."""

    reach: int  # the formula is averaged over the frames at most so far away
    sign: int  # 1 keeps high values, -1 low ones
    frames: int | None  # m, the number of frames to keep; None: those above the threshold
    threshold: float = 0.0  # of sign times the formula

    def scores(self, value: np.ndarray, valid: np.ndarray) -> np.ndarray:
        """Sign times the averaged formula, whose `value` is [B, T]; -inf at padding, [B, T]."""
        return np.where(valid, self.sign * smoothed(value, valid, self.reach), -np.inf)

    def select(self, scores: np.ndarray, valid: np.ndarray) -> np.ndarray:
        """The kept frames of `scores` [B, T], at least one of each video, [B, T] bool."""
        if self.frames is not None:
            return top_frames(scores, valid, self.frames)
        return best_if_none(valid & (scores >= self.threshold), scores, valid)


class FittedFormula:
    """A ranking by a formula, with the rule that has the lowest error on the training videos.

    Its free choice are the frames that the rule keeps.

    Args:
        name: Its name in tables.
        function: The formula.
        rules: The rules that were tried; of equals the first is taken.
        errors: [rules, n] float, the error of each on the n training videos.
        rows: [n] int64, their rows in the cache.
    """

    def __init__(
        self,
        name: str,
        function: Function,
        rules: Sequence[Rule],
        errors: np.ndarray,
        rows: np.ndarray,
    ) -> None:
        self.name, self._function, self._rules = name, function, rules
        self._errors, self._rows = errors, rows
        self.rule = rules[int(errors.mean(axis=1).argmin())]

    @classmethod
    def fit(
        cls,
        name: str,
        function: Function,
        videos: TrainingVideos,
        reaches: Sequence[int] = (REACH,),
        counts: Sequence[int] = (),
    ) -> "FittedFormula":
        """Try both signs with thresholds at the 5 %, 10 %, ... 95 % quantiles of training frames.

        `reaches` are the distances to average over, `counts` numbers of frames to try as well.
        """
        # Without the features: those of all videos need not fit in memory.
        batches = [(function(clips), clips.valid, clips.video) for clips in videos.clips()]
        rules: list[Rule] = []
        for reach in reaches:
            found = [smoothed(value, valid, reach)[valid] for value, valid, _ in batches]
            thresholds = np.quantile(np.concatenate(found), QUANTILES).tolist()
            for sign in SIGNS:
                rules += [Rule(reach, sign, count) for count in counts]
                rules += [Rule(reach, sign, None, sign * value) for value in thresholds]
        errors = [
            _errors(rules, value, valid, error)
            for (value, valid, _), error in zip(batches, videos.errors(), strict=True)
        ]
        rows = np.concatenate([video for _, _, video in batches])
        return cls(name, function, rules, np.concatenate(errors, axis=1), rows)

    def scores(self, clips: Clips) -> np.ndarray:
        """Sign times the averaged formula, [B, T] float64, -inf at padding."""
        return self.rule.scores(self._function(clips), clips.valid)

    def select(self, clips: Clips) -> np.ndarray:
        """The frames that its rule keeps, [B, T] bool."""
        return self.rule.select(self.scores(clips), clips.valid)

    def without(self, rows: np.ndarray) -> "FittedFormula":
        """The same, its rule chosen without the videos in `rows`: to choose m on them.

        It is this very one where there is nothing else to fit on.
        """
        left = ~np.isin(self._rows, rows)
        if left.all() or not left.any():
            return self
        errors = self._errors[:, left]
        return FittedFormula(self.name, self._function, self._rules, errors, self._rows[left])


def _errors(
    rules: Sequence[Rule], value: np.ndarray, valid: np.ndarray, error: Error
) -> np.ndarray:
    """The error of every rule on every video, [rules, B] float64."""
    scores: dict[tuple[int, int], np.ndarray] = {}
    errors = []
    for rule in rules:
        key = rule.reach, rule.sign
        if key not in scores:
            scores[key] = rule.scores(value, valid)
        errors.append(error(rule.select(scores[key], valid)))
    return np.array(errors)


def selection_error(predictions: np.ndarray, kept: np.ndarray, label: np.ndarray) -> np.ndarray:
    """The error of the mean prediction of the `kept` [B, T] frames, one at least, [B] float64.

    0 if it is right and 1 if it is wrong; regression: its absolute error, averaged over targets.
    `predictions` are [B, T, C], the labels [B] or [B, K].
    """
    weight = (kept / kept.sum(axis=1, keepdims=True)).astype(np.float32)
    mean = np.matmul(weight[:, None], predictions)[:, 0]
    if label.ndim == 2:
        return np.abs(mean - label).mean(axis=1, dtype=np.float64)
    return (mean.argmax(axis=1) != label).astype(np.float64)


def _judged_error(
    judge: Judge, frames: np.ndarray, video: np.ndarray, label: np.ndarray, kept: np.ndarray
) -> np.ndarray:
    """The same under a judge, of what it made of the frames."""
    prediction = judge(frames, kept, video)
    if label.ndim == 2:
        return np.abs(prediction - label).mean(axis=1, dtype=np.float64)
    return 1.0 - is_correct(prediction, label)


def standardised_norm(videos: TrainingVideos) -> Function:
    """The norm of the features, each standardised by its mean and deviation over all frames."""
    count, total, squares = 0, np.zeros(()), np.zeros(())
    for clips in videos.clips():
        frames = clips.features[clips.valid].astype(np.float64)
        count, total = count + len(frames), total + frames.sum(axis=0)
        squares = squares + np.square(frames).sum(axis=0)
    mean = total / count
    deviation = np.sqrt(np.maximum(squares / count - mean**2, 0))
    scale = np.where(deviation > 1e-6, deviation, 1.0)

    def norm(clips: Clips) -> np.ndarray:
        return np.sqrt(np.square((clips.features - mean) / scale).sum(axis=2))

    return norm
