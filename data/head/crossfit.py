"""Fitting heads: the penalty by cross-validated video accuracy, the predictions cross-fitted."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from data.head.heads import Head
from data.head.linear import TrainingVideos, fit_ridge_path, fit_softmax_path

Crossfit = Literal["video", "group", "none"]
# What turns a frame's features into its prediction: linear and trained through the consensus, or
# for classes frame by frame, a logistic regression or a small network.
HeadKind = Literal["consensus", "logistic", "mlp"]

PARTS = 5
# From strong to weak. They weigh the squared norm against a mean over videos of standardised
# features, so one grid suits data sets of any size.
PENALTIES = (10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5)
MLP_PENALTIES = (1.0, 0.1, 0.01, 1e-3)  # of the network, fewer: each fit takes seconds
WORSE = 2  # penalties in a row that score worse than the best before weaker ones are left out
THREADED = 2**16  # numbers in a head from which BLAS may use all its threads


@dataclass(frozen=True)
class FittedHeads:
    """The heads of one stream in one fold."""

    final: Head  # trained on all training videos
    parts: list[Head]  # one per part, trained on the others; empty without cross-fitting
    part: np.ndarray  # [V] int64, the part of each training video; -1 without cross-fitting
    penalty: float
    score: float  # cross-validated video accuracy in [0, 1]; regression: mean squared error

    def for_training_video(self, index: int) -> Head:
        """The head that predicts a training video: one that was not trained on it."""
        part = int(self.part[index])
        return self.parts[part] if part >= 0 else self.final


def fit_heads(
    videos: TrainingVideos,
    outputs: int,
    *,
    kind: HeadKind = "consensus",
    crossfit: Crossfit = "video",
    groups: np.ndarray | None = None,
    seed: int = 0,
    on_fit: Callable[[], object] = lambda: None,
) -> FittedHeads:
    """Choose the penalty by cross-validation (see `strongest_within`) and train the heads.

    The penalty is chosen by video whatever `crossfit` says, so that the final head and all
    predictions outside the training split are the same: `video` predicts the training videos by the
    heads of the cross-validation, `group` by heads that saw none of their group (with that
    penalty), `none` by the final head. Choosing it by whole groups made the final head worse on new
    people: all frames of fsdd had 46.1 % instead of 53.4, of gfe 80.3 instead of 82.0.

    Labels [V] int select classification into `outputs` = C classes, [V, K] regression to K targets,
    whose `kind` is "consensus". `groups` [V] are needed for `group` alone. The seed draws the parts
    and a network's first weights; `on_fit` is called after each penalty, after the final head, and
    after each head of a part of groups.
    """
    rng = np.random.default_rng(seed)
    part = stratified_parts(videos.labels, rng)
    # Narrow matrices do not benefit from more than one thread.
    wide = videos.frames.shape[1] * outputs >= THREADED
    with threadpool_limits(limits=None if wide else 1, user_api="blas"):
        left_out = [part == number for number in range(part.max() + 1)]
        penalties = MLP_PENALTIES if kind == "mlp" else PENALTIES
        steps = len(penalties)
        paths = [_fit_path(videos.part(~out), outputs, steps, kind, seed) for out in left_out]
        heads: list[list[Head]] = []  # by penalty, then by part
        scores = np.zeros((0, len(videos)))
        while len(heads) < steps and not _overfits(scores):
            heads.append([next(path) for path in paths])
            score = np.zeros((1, len(videos)))
            for head, out in zip(heads[-1], left_out, strict=True):
                score[0, out] = _score(head, videos.part(out))
            scores = np.concatenate([scores, score])
            on_fit()
        chosen = strongest_within(scores)
        *_, final = _fit_path(videos, outputs, chosen + 1, kind, seed)
        on_fit()
        parts = heads[chosen]
        if crossfit == "none":
            parts, part = [], np.full(len(videos), -1)
        elif crossfit == "group":
            assert groups is not None
            parts, part = [], group_parts(groups, rng)
            for number in range(part.max() + 1):
                left = videos.part(part != number)
                *_, head = _fit_path(left, outputs, chosen + 1, kind, seed)
                parts.append(head)
                on_fit()
    mean_score = float(scores[chosen].mean())
    return FittedHeads(
        final=final,
        parts=parts,
        part=part,
        penalty=penalties[chosen],
        score=mean_score if videos.labels.ndim == 1 else -mean_score,
    )


def _overfits(scores: np.ndarray) -> bool:
    """Whether each of the last WORSE penalties scored below the best before them.

    Weak penalties are the slow ones: most of the time would go into heads that are not chosen. On
    emodb, fsdd, gfe and mmmo, by video and by group with two seeds, the same penalty was chosen as
    from the whole list in 15 of 16 cases.
    """
    mean = scores.mean(axis=1)
    return len(mean) > WORSE and bool((mean[-WORSE:] < mean[:-WORSE].max()).all())


def strongest_within(scores: np.ndarray) -> int:
    """The index of the strongest penalty within one standard error of the best score.

    `scores` [penalties, V] are higher for better heads, from the strongest penalty on. Left-out
    videos of people who are also in the training set favour weak penalties: one standard error,
    compared with the maximum, gave the final head about one point more test accuracy on emodb, gfe
    and ucf101_14, and 0.3 points less on fsdd (means over four seeds).
    """
    mean = scores.mean(axis=1)
    best = int(mean.argmax())
    error = scores[best].std() / np.sqrt(scores.shape[1])
    return int(np.argmax(mean >= mean[best] - error))


def stratified_parts(
    labels: np.ndarray, rng: np.random.Generator, parts: int = PARTS
) -> np.ndarray:
    """Distribute the videos over parts [V], class by class, in random order within a class.

    Part sizes differ by at most one, and a class of k videos is in min(k, `parts`) parts;
    scikit-learn's StratifiedKFold refuses rare classes. Regression targets [V, K] are sorted, and
    so stratified.
    """
    key = labels if labels.ndim == 1 else labels[:, 0]
    shuffled = rng.permutation(len(key))
    order = shuffled[np.argsort(key[shuffled], kind="stable")]
    part = np.empty(len(key), np.int64)
    part[order] = np.arange(len(key)) % parts
    return part


def group_parts(groups: np.ndarray, rng: np.random.Generator, parts: int = PARTS) -> np.ndarray:
    """Distribute whole groups over parts [V], or one group per part if there are fewer.

    The largest group comes first (in random order among equals); each goes to the smallest part.
    """
    _, member, counts = np.unique(groups, return_inverse=True, return_counts=True)
    shuffled = rng.permutation(len(counts))
    sizes = np.zeros(min(parts, len(counts)), np.int64)
    part_of_group = np.empty(len(counts), np.int64)
    for group in shuffled[np.argsort(-counts[shuffled], kind="stable")]:
        part_of_group[group] = sizes.argmin()
        sizes[part_of_group[group]] += counts[group]
    return part_of_group[member]


def _fit_path(
    videos: TrainingVideos, outputs: int, steps: int, kind: HeadKind = "consensus", seed: int = 0
) -> Iterator[Head]:
    """The heads of the first `steps` penalties, each fitted when it is asked for."""
    if kind != "consensus":
        # scikit-learn's networks take long to import.
        from data.head.frame_wise import fit_logistic_path, fit_mlp_path

        if kind == "logistic":
            return fit_logistic_path(videos, outputs, PENALTIES[:steps])
        return fit_mlp_path(videos, outputs, MLP_PENALTIES[:steps], seed)
    if videos.labels.ndim == 1:
        return fit_softmax_path(videos, outputs, PENALTIES[:steps])
    return fit_ridge_path(videos, PENALTIES[:steps])


def _score(head: Head, videos: TrainingVideos) -> np.ndarray:
    """[V]: whether the consensus is correct; regression: minus the mean squared error."""
    consensus = videos.video_means(head)
    if videos.labels.ndim == 1:
        return consensus.argmax(axis=1) == videos.labels
    return -((consensus - videos.labels) ** 2).mean(axis=1)
