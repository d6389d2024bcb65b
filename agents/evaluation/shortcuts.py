"""Shortcuts: how much of what selecting frames is worth a one-line formula already reaches."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from baselines import formulas
from baselines.fitted_formula import (
    FittedFormula,
    Function,
    Rule,
    TrainingVideos,
    standardised_norm,
)
from frame_select_env import Clips, FeatureCache, FrameSelectError
from frame_select_env.consensus import MEAN
from frame_select_env.key_frames import key_frames
from frame_select_env.splits import labelled_rows

REACHES = (0, 1, 2)  # frames to average over, on each side
COUNTS = (1, 2, 4, 8)  # of frames to keep; thresholds are tried too

# Name -> the formula, made from the training videos.
FORMULAS: dict[str, Callable[[TrainingVideos], Function]] = {
    "norm": lambda videos: formulas.feature_norm,
    "standardised norm": standardised_norm,
    "confidence": lambda videos: formulas.confidence,
    "entropy": lambda videos: formulas.entropy,
    "motion": lambda videos: formulas.motion,
}


@dataclass(frozen=True)
class Shortcut:
    """What one formula reaches."""

    formula: str
    rule: Rule  # with the fewest errors on the training videos
    accuracy: float  # on the scored split
    # (accuracy - that of all frames) / (that of the key frames - that of all frames); None where
    # the key frames are unknown or no better than all
    share: float | None


@dataclass(frozen=True)
class Shortcuts:
    """What every formula reaches on one cache."""

    videos: int  # scored
    all_frames: float  # accuracy of keeping all frames
    key_frames: float | None  # of keeping those that truly matter; None without importance
    found: tuple[Shortcut, ...]


def find_shortcuts(
    cache: FeatureCache,
    *,
    fold: str = "default",
    split: str = "test",
    train_split: str = "train",
    num_frames: int = 25,
    stream: str | None = None,
    aggregator: str = MEAN,
) -> Shortcuts:
    """Fit every formula on the training videos and score it on `split`.

    Tried are the formula averaged over a frame and 0, 1 or 2 on each side, with both signs, keeping
    the best 1, 2, 4 or 8 frames or those above a threshold (`FittedFormula.fit`). `aggregator` is
    what predicts a video from the frames that are kept.

    Raises:
        FrameSelectError: for a regression, a single class, or splits that are the same.
    """
    if cache.task != "classification":
        raise FrameSelectError(f"{cache.path}: shortcuts are sought in classifications only")
    if cache.single_class:
        raise FrameSelectError(
            f"{cache.path}: has the one class {cache.classes[0]!r}, which any frames predict; "
            "shortcuts need labels"
        )
    if split == train_split:
        raise FrameSelectError(f"split {split!r}: formulas are fitted on it; score another one")
    how = fold, num_frames, stream, None, aggregator
    training = TrainingVideos(cache, labelled_rows(cache, train_split, fold), *how)
    scored = TrainingVideos(cache, labelled_rows(cache, split, fold), *how)
    whole = accuracy(scored, lambda clips: clips.valid)
    known = "importance" in cache.frame_datasets
    key = accuracy(scored, lambda clips: true_frames(cache, clips)) if known else None
    found = []
    for name, make in FORMULAS.items():
        formula = FittedFormula.fit(name, make(training), training, REACHES, COUNTS)
        reached = accuracy(scored, formula.select)
        share = None if key is None or key <= whole else (reached - whole) / (key - whole)
        found.append(Shortcut(name, formula.rule, reached, share))
    return Shortcuts(len(scored.rows), whole, key, tuple(found))


def accuracy(videos: TrainingVideos, select: Callable[[Clips], np.ndarray]) -> float:
    """The share of videos whose selected frames [B, T] bool predict the label."""
    errors = [
        error(select(clips)) for clips, error in zip(videos.clips(), videos.errors(), strict=True)
    ]
    return 1 - float(np.concatenate(errors).mean())


def true_frames(cache: FeatureCache, clips: Clips) -> np.ndarray:
    """The frames that truly matter, [B, T] bool; all frames of a video without one."""
    importance = cache.read_frames("importance", clips.video, clips.valid.shape[1])
    key = key_frames(importance, clips.valid)
    return np.where(key.any(axis=1, keepdims=True), key, clips.valid)
