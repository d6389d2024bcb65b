"""Reference predictors, without any selection of frames: all-logits, pooled, pooled-and-all."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from baselines.splits import row_batches
from frame_select_env.cache import Clips, FeatureCache
from frame_select_env.consensus import clipped_log
from frame_select_env.errors import FrameSelectError
from frame_select_env.splits import divide_videos, labelled_rows

# From the strongest penalty to the weakest; ties go to the first.
INVERSE_PENALTIES = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
# Few features need weaker ones still, and many only cost time: each of these is tried only if the
# one before it was better than all the others.
WEAKER = (1e2, 1e3, 1e4)
PENALTIES = (1e5, 1e4, 1e3, 1e2, 1e1, 1.0, 0.1)


class AllLogits:
    """`all-logits`: the normalised geometric mean of all frames' probabilities.

    A near-zero probability in one frame vetoes a class, so this gives more weight to certain frames
    than the average of probabilities. An agent that only learns to prefer certain frames has to
    beat this.
    """

    name = "all-logits"
    tasks = ("classification",)

    def predict(self, clips: Clips) -> np.ndarray:
        """The video-level probabilities, [B, C] float64."""
        from scipy.special import softmax

        logs = clipped_log(clips.predictions)
        logs = np.where(clips.valid[:, :, None], logs, 0.0).sum(axis=1)
        return softmax(logs / clips.valid.sum(axis=1)[:, None], axis=1)


class Pooled:
    """`pooled`: a linear model on each video's mean and standard deviation of the features.

    It ignores the frames' order and predictions: is selecting frames worth the effort? Logistic
    regression (regression: ridge) on 2 D numbers, standardised on the training videos. The L2
    penalty has the highest cross-validated accuracy (lowest absolute error) on the training split,
    with whole groups held out where there are groups.
    """

    name = "pooled"

    def __init__(
        self,
        model: Any,
        classes: int | None,
        fitted_on: tuple[np.ndarray, np.ndarray, np.ndarray],
        inverse_penalties: Sequence[float] = (),
    ) -> None:
        self._model, self._classes = model, classes
        self._fitted_on = fitted_on  # rows in the cache [n], pooled features [n, 2 D], labels
        self._path = inverse_penalties  # up to the one that was chosen

    @classmethod
    def fit(
        cls,
        cache: FeatureCache,
        fold: str = "default",
        split: str = "train",
        num_frames: int = 25,
        stream: str | None = None,
        view: int | None = None,
        seed: int = 0,
    ) -> "Pooled":
        """Fit on the labelled videos of `split`, T frames each; two at least.

        `view` chooses one view of each frame; by default all are side by side.
        """
        # scikit-learn takes a second to import, which `--help` must not wait for.
        from sklearn.dummy import DummyClassifier
        from sklearn.linear_model import Ridge
        from sklearn.model_selection import GridSearchCV
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        rows = labelled_rows(cache, split, fold)
        label = cache.labels[rows]
        group = None if cache.groups is None else cache.groups[rows]
        parts = divide_videos(label, group, seed=seed)
        pooled = np.concatenate(
            [
                pool(cache.read(some, num_frames, fold, stream, cache.clips_of(some, view=view)[1]))
                for some in row_batches(rows)
            ]
        )
        if cache.task == "regression":
            ridge, grid = make_pipeline(StandardScaler(), Ridge()), {"ridge__alpha": PENALTIES}
            search = GridSearchCV(ridge, grid, scoring="neg_mean_absolute_error", cv=parts)
            return cls(search.fit(pooled, label), None, (rows, pooled, label))
        if len(cache.classes) == 1:  # a cache for rewards that read no label
            return cls(DummyClassifier().fit(pooled, label), 1, (rows, pooled, label))
        if len(np.unique(label)) < 2:
            wrong = f"split {split!r} has a single class; at least two are needed"
            raise FrameSelectError(f"pooled: {wrong}")
        # Without a part, the rest may have a single class, which nothing can be fitted on.
        parts = [part for part in parts if len(np.unique(label[part[0]])) > 1]
        # The matrices are too small for more than one thread.
        with threadpool_limits(limits=1, user_api="blas"):
            every = (*INVERSE_PENALTIES, *WEAKER)
            paths = [_logistic_path(pooled[own], label[own], every) for own, _ in parts]
            correct: list[int] = []  # of all parts' videos, by penalty
            while len(correct) < len(every) and not _ended(correct):
                models = [next(path) for path in paths]
                right = [
                    (model.predict(pooled[inside]) == label[inside]).sum()
                    for model, (_, inside) in zip(models, parts, strict=True)
                ]
                correct.append(int(sum(right)))
            chosen = every[: int(np.argmax(correct)) + 1]
            model = list(_logistic_path(pooled, label, chosen))[-1]
            return cls(model, len(cache.classes), (rows, pooled, label), chosen)

    def without(self, rows: np.ndarray) -> "Pooled":
        """The classifier fitted without the videos in `rows`, with the same penalty.

        It is this very one where there is nothing else to fit on, say with a single class.
        """
        own, pooled, label = self._fitted_on
        left = ~np.isin(own, rows)
        if not self._path or left.all() or len(np.unique(label[left])) < 2:
            return self
        return self.refitted(own[left], pooled[left], label[left])

    def refitted(self, rows: np.ndarray, pooled: np.ndarray, label: np.ndarray) -> "Pooled":
        """The classifier with the same penalty, fitted on `pooled` [n, 2 D] of videos in `rows`."""
        with threadpool_limits(limits=1, user_api="blas"):
            model = list(_logistic_path(pooled, label, self._path))[-1]
        return Pooled(model, self._classes, (rows, pooled, label), self._path)

    def predict(self, clips: Clips, kept: np.ndarray | None = None) -> np.ndarray:
        """The probabilities (regression: values) of the videos, [B, C] float64.

        Only the `kept` [B, T] frames are read, by default all. A class that is missing in the
        training split gets 0.
        """
        pooled = pool(clips, kept)
        if self._classes is None:
            return np.reshape(self._model.predict(pooled), (len(clips), -1)).astype(np.float64)
        probabilities = np.zeros((len(clips), self._classes))
        probabilities[:, self._model.classes_] = self._model.predict_proba(pooled)
        return probabilities


class PooledAndAll:
    """`pooled-and-all`: the mean of what `pooled` says and of all frames' mean prediction.

    The control of every ranking that is guided by `pooled`: it uses the same two predictions.
    """

    name = "pooled-and-all"
    tasks = ("classification",)

    def __init__(self, pooled: Pooled) -> None:
        self._pooled = pooled

    def predict(self, clips: Clips) -> np.ndarray:
        """The probabilities of the videos, [B, C] float64."""
        return (mean_prediction(clips) + self._pooled.predict(clips)) / 2


def _ended(correct: Sequence[int]) -> bool:
    """Whether the best penalty is among those that were tried before the last one."""
    return len(correct) >= len(INVERSE_PENALTIES) and correct[-1] <= max(correct[:-1])


def _logistic_path(
    pooled: np.ndarray, label: np.ndarray, inverse_penalties: Sequence[float]
) -> Iterator[Any]:
    """Models, each warm-started from the last one, and valid until the next one is yielded."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(pooled)
    # The default tolerance stops so early that it acts as another penalty.
    logistic = LogisticRegression(tol=1e-5, max_iter=1000, warm_start=True)
    for inverse in inverse_penalties:
        logistic.set_params(C=inverse).fit(scaler.transform(pooled), label)
        yield make_pipeline(scaler, logistic)


def mean_prediction(clips: Clips, kept: np.ndarray | None = None) -> np.ndarray:
    """The mean prediction of the `kept` [B, T] frames, by default all, [B, C] float64."""
    kept = clips.valid if kept is None else kept
    total = np.einsum("btc,bt->bc", clips.predictions, kept.astype(np.float64))
    return total / kept.sum(axis=1)[:, None]


def pool(clips: Clips, kept: np.ndarray | None = None) -> np.ndarray:
    """Mean and standard deviation of the features over the `kept` frames, [B, 2 D] float32.

    `kept` [B, T] holds at least one valid frame of each video; by default it is all of them.
    """
    kept = clips.valid if kept is None else kept
    features = np.where(kept[:, :, None], clips.features.astype(np.float32), 0.0)
    count = kept.sum(axis=1)[:, None].astype(np.float32)
    mean = features.sum(axis=1) / count
    deviation = np.where(kept[:, :, None], features - mean[:, None], 0.0)
    spread = np.sqrt(np.square(deviation).sum(axis=1) / count)
    return np.concatenate([mean, spread], axis=1)
