"""The score of early stopping and of the weights that are kept, on validation videos alone."""

from typing import Any

import numpy as np

from agents.evaluation.intervals import correlation
from agents.evaluation.paid import rewards_of
from agents.training.learner import Validated, ValidationMetric
from agents.training.task import Task, task_judge
from frame_select_env import FeatureCache, FrameSelectError, Ranking, top_frames
from frame_select_env.aggregators import judge_clips
from frame_select_env.consensus import consensus, is_correct
from frame_select_env.rewards import Reward


def check_validation(cache: FeatureCache, task: Task, config: Any) -> None:
    """Refuse hyper-parameters that need other videos, or other labels, than the task has.

    Raises:
        FrameSelectError: naming the hyper-parameter; or if the task was made for another `holdout`.
    """
    if config.holdout != task.holdout:
        raise FrameSelectError(
            f"holdout={config.holdout}: the task was made with holdout={task.holdout}; "
            f"use make_task(..., holdout={config.holdout})"
        )
    if config.validation_metric == "pcc" and cache.task != "regression":
        raise FrameSelectError(
            f"validation_metric=pcc: is for regressions, but {cache.path.name} has classes; use "
            "validation_metric=error"
        )
    if len(task.validation_rows):
        return
    for name, value, needs in (
        ("keep", config.keep, config.keep == "best"),
        ("patience", config.patience, config.patience > 0),
    ):
        if needs:
            raise FrameSelectError(
                f"{name}={value}: needs validation videos, but holdout=False holds out none and "
                f"fold {task.fold!r} has no labelled val split; use keep=last and patience=0, or "
                "holdout=True"
            )


class Validation:
    """The score of a selection, or of an answer, for a task's validation videos.

    It is that of the video-level prediction; where every prediction is right, because one class is
    all there is, the reward of the selection.

    Args:
        cache: The cache.
        task: The task.
        metric: What is scored, see `ValidationMetric`.
        validated: Whose prediction it is: of the m best frames, or the agent's own answer.
    """

    def __init__(
        self,
        cache: FeatureCache,
        task: Task,
        metric: ValidationMetric = "error",
        validated: Validated = "selection",
    ) -> None:
        self.cache, self.task, self.metric, self.validated = cache, task, metric, validated
        video, view = cache.clips_of(task.validation_rows, task.stream, task.view)
        self.clips = cache.read(video, task.num_frames, task.fold, task.stream, view)
        self.labels = cache.true_labels(task.validation_rows)
        self._largest = cache.predictions_extent(task.stream, task.fold).largest
        self._judge = task_judge(task, cache)
        self._reward: Reward | None = None
        if cache.single_class and validated == "selection":
            reward = Reward(task.reward, cache)
            self._reward = reward if reward.label_free else None
        self.all_frames = self._of_selection(self.clips.valid)

    @property
    def measure(self) -> str:
        """What the first score is, or is minus of, in words."""
        if self._reward is not None:
            return "reward"
        if self.labels.ndim == 1:
            return "accuracy"
        return "PCC" if self.metric == "pcc" else "mean absolute error"

    def __call__(self, ranking: Ranking) -> tuple[float, float]:
        """The score, higher is better, and a second one that breaks its ties, as a tuple does.

        They are the accuracy and the mean probability of the true class; for a regression minus the
        mean absolute error, twice, or the correlation and minus that error. Of rewards it is the
        mean, twice.

        Of a video with several views the m best frames of each, or the answers, are averaged.
        """
        if self.validated == "answer":
            answering: Any = ranking
            return self._score(answering.predict(self.clips))
        scores = ranking.scores(self.clips)
        selected = top_frames(scores, self.clips.valid, self.task.target_frames)
        return self._of_selection(selected)

    def _of_selection(self, selected: np.ndarray) -> tuple[float, float]:
        predicted = self._predicted(selected)
        if self._reward is None:
            return self._score(predicted)
        whole, m = self._predicted(self.clips.valid), self.task.target_frames
        facts: dict[str, Any] = {"p0": whole, "p1": predicted, "target_frames": m}
        made = rewards_of(self._reward, self.cache, self.clips, selected, **facts)
        return float(made.mean()), float(made.mean())

    def _predicted(self, selected: np.ndarray) -> np.ndarray:
        clips, alpha = self.clips, self.task.alpha
        if self._judge is not None:
            return judge_clips(self._judge, clips, selected)
        return consensus(clips.predictions, selected, clips.valid, alpha, self._largest)

    def _score(self, predicted: np.ndarray) -> tuple[float, float]:
        predicted = predicted.reshape(len(self.labels), -1, predicted.shape[1]).mean(axis=1)
        if self.labels.ndim == 2:
            error = float(np.abs(predicted - self.labels).mean())
            pcc = self.metric == "pcc"
            return correlation(predicted[None], self.labels) if pcc else -error, -error
        true_class = predicted[np.arange(len(predicted)), self.labels].mean()
        return float(is_correct(predicted, self.labels).mean()), float(true_class)
