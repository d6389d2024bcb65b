"""The score that early stopping looks at: the video-level prediction on the validation videos."""

import numpy as np

from agents.task import Task
from frame_select_env import FeatureCache, Ranking, top_frames
from frame_select_env.consensus import consensus, is_correct


class Validation:
    """The validation videos of a task, read once.

    Args:
        cache: The cache.
        task: Names the videos, and m.
    """

    def __init__(self, cache: FeatureCache, task: Task) -> None:
        self.task = task
        self.clips = cache.read(task.validation_rows, task.num_frames, task.fold, task.stream)
        self.labels = cache.labels[task.validation_rows]
        self._largest = cache.predictions_extent(task.stream, task.fold).largest
        self.all_frames = self._score(self.clips.valid)

    def __call__(self, ranking: Ranking) -> tuple[float, float]:
        """Accuracy at the m best frames, and the mean probability of the true class there.

        For regression: minus the mean absolute error, twice. The pair compares as tuples do: the
        second breaks ties of the first.
        """
        scores = ranking.scores(self.clips)
        return self._score(top_frames(scores, self.clips.valid, self.task.select))

    def _score(self, selected: np.ndarray) -> tuple[float, float]:
        clips = self.clips
        answer = consensus(clips.predictions, selected, clips.valid, self.task.alpha, self._largest)
        if self.labels.ndim == 2:
            error = float(np.abs(answer - self.labels).mean())
            return -error, -error
        certain = answer[np.arange(len(answer)), self.labels].mean()
        return float(is_correct(answer, self.labels).mean()), float(certain)
