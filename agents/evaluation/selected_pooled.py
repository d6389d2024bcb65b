"""Select, then pool: a linear model on the features of the frames that an agent keeps.

`pooled`, on the features of all frames, beats many a selection of frames; so does a selection, on
the features of the kept frames, beat it? What is best of the four (all frames, pooled, selected,
selected and pooled) is chosen on validation videos.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from agents.evaluation.scoring import FrameCount
from agents.training.load import LoadedRun
from agents.training.task import Task
from baselines.predictors import Pooled, mean_prediction, pool
from baselines.splits import row_batches
from frame_select_env import Clips, FeatureCache, FrameSelectError, Ranking
from frame_select_env.cache import View
from frame_select_env.consensus import MEAN
from frame_select_env.ranking import top_frames

# After an agent's name: the rows of its predictors.
THEN_POOLED, BEST_OF_FOUR = ", then pooled", ", best of four"
ALL, POOLED, SELECTED, BOTH = "all frames", "pooled", "selected", "selected and pooled"
Key = tuple[str, FrameCount]


@dataclass
class SelectedPooled:
    """A predictor: how it sees a video depends on its kind.

    "pooled" reads the mean and standard deviation of the kept frames' features, "selected" averages
    their predictions, and "selected and pooled" averages the two.
    """

    name: str
    kind: str
    ranking: Ranking
    frames: FrameCount  # m, or "all"
    model: Pooled

    def select(self, clips: Clips) -> np.ndarray:
        """The frames that are kept, [B, T] bool."""
        return kept_frames(self.ranking, clips, self.frames)

    def predict(self, clips: Clips) -> np.ndarray:
        """The probabilities, [B, C] float64."""
        return answers(self.model, clips, self.select(clips))[self.kind]


def kept_frames(ranking: Ranking, clips: Clips, frames: FrameCount) -> np.ndarray:
    """The top m frames of a ranking, or all, [B, T] bool."""
    if isinstance(frames, int):
        return top_frames(ranking.scores(clips), clips.valid, frames)
    return clips.valid


def answers(model: Pooled, clips: Clips, kept: np.ndarray) -> dict[str, np.ndarray]:
    """The answers of the kinds that read the kept frames, [B, C] each."""
    told, pooled = mean_prediction(clips, kept), model.predict(clips, kept)
    return {SELECTED: told, POOLED: pooled, BOTH: (told + pooled) / 2}


def not_pooled(streams: int, view: View, alpha: float, aggregator: str) -> str:
    """Why there are no rows of selecting and then pooling, in a line; empty where there are."""
    if streams > 1 or view is not None:
        return "no rows `then pooled`: they are for one stream without single views"
    if aggregator != MEAN or alpha:
        return "no rows `then pooled`: they are for the mean prediction of the selected frames"
    return ""


def check_pooling(cache: FeatureCache, task: Task, name: str) -> None:
    """Refuse what has no rows of selecting and then pooling, of the agent `name`.

    Raises:
        FrameSelectError: for a regression, or a task without validation videos.
    """
    if cache.task != "classification":
        raise FrameSelectError("--pool: only for a classification")
    if not len(task.validation_rows):
        raise FrameSelectError(f"--pool: {name} held out no validation videos to choose on")


def select_then_pool(
    cache: FeatureCache, run: LoadedRun, pooled: Pooled, name: str, frames: Sequence[int]
) -> dict[str, SelectedPooled]:
    """The predictors of a run by their rows' names: select, then pool; and the best of four.

    m and the kind are chosen on the run's validation videos, with models fitted without them; then
    the model is fitted on all of the training videos. `pooled` has the penalty.

    Raises:
        FrameSelectError: for a regression, or a run without validation videos.
    """
    task = run.task
    check_pooling(cache, task, name)
    errors: dict[Key, float] = {}
    counts: tuple[FrameCount, ...] = (*frames, "all")
    for m in counts:
        model = _fit(cache, run, pooled, task.fit_rows, m)
        wrong: dict[str, list[np.ndarray]] = {}
        for rows in row_batches(task.validation_rows):
            clips = _read(cache, run, rows)
            kept = kept_frames(run.agent, clips, m)
            for kind, told in answers(model, clips, kept).items():
                wrong.setdefault(kind, []).append(told.argmax(axis=1) != cache.labels[rows])
        errors |= {(kind, m): float(np.concatenate(own).mean()) for kind, own in wrong.items()}
    selections: Mapping[Key, float] = {
        key: error for key, error in errors.items() if key[0] == POOLED and key[1] != "all"
    }
    made = {}
    for made_as, among in ((THEN_POOLED, selections), (BEST_OF_FOUR, errors)):
        row = name + made_as
        kind, m = min(reversed(list(among)), key=lambda key: among[key])  # of equals the last
        every = np.concatenate([task.fit_rows, task.validation_rows])
        model = _fit(cache, run, pooled, np.sort(every), m)
        made[row] = SelectedPooled(row, kind, run.agent, m, model)
    return made


def _fit(
    cache: FeatureCache, run: LoadedRun, pooled: Pooled, rows: np.ndarray, frames: FrameCount
) -> Pooled:
    features = []
    for some in row_batches(rows):
        clips = _read(cache, run, some)
        features.append(pool(clips, kept_frames(run.agent, clips, frames)))
    return pooled.refitted(rows, np.concatenate(features), cache.labels[rows])


def _read(cache: FeatureCache, run: LoadedRun, rows: np.ndarray) -> Clips:
    task = run.task
    return cache.read(rows, task.num_frames, task.fold, task.stream)
