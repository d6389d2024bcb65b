"""The videos to choose by: epochs, hyper-parameters and numbers of frames."""

import numpy as np

from frame_select_env.cache import FeatureCache
from frame_select_env.errors import FrameSelectError
from frame_select_env.splits import divide_videos, labelled_rows
from frame_select_env.wording import counted

HELD_OUT = 5  # one of five parts of the training videos, where a fold has no `val` split
FEW = 20  # with fewer validation videos, the number of frames that is best on them is chance
NEEDED = f"at least {FEW} are needed to choose the number of frames reliably"


def holdout(
    cache: FeatureCache,
    fold: str = "default",
    split: str = "train",
    seed: int = 0,
    divide: bool = True,
    among: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Divide a training split into videos to fit on and validation videos.

    The validation videos are the fold's `val` split, if it has labelled videos. Otherwise they are
    one part of five of `split`, drawn by the seed: whole groups where there are at least two,
    stratified by label, with at least one video and one group on each side; without `divide` there
    are none. Unlabelled videos are in neither; where one class is all there is, every video counts
    as labelled, and a single one is in both. `among` [k] are the videos of `split` to divide, by
    default all of them. Returns rows in the cache, in ascending order: fit [n], validation [v].
    """
    rows = labelled_rows(cache, split, fold) if among is None else among
    validation = np.flatnonzero(cache.splits(fold) == "val")
    if split != "val" and len(cache.judged(validation)):
        return rows, labelled_rows(cache, "val", fold)
    if not divide:
        return rows, rows[:0]
    if cache.single_class and len(rows) == 1:
        return rows, rows
    group = None if cache.groups is None else cache.groups[rows]
    parts = divide_videos(cache.labels[rows], group, HELD_OUT, seed)
    # Shuffling alone may give groups of distinct sizes the same parts for every seed.
    outside, inside = parts[np.random.default_rng(seed).integers(len(parts))]
    return rows[outside], rows[inside]


def few_validation_warning(cache: FeatureCache) -> str:
    """What to know of a cache with few validation videos, in a line; else empty.

    The videos are those that `train` holds out with its default seed, of the fold with the fewest.
    """
    if not cache.has_labels:
        return ""
    counts = {fold: _validation_count(cache, fold) for fold in cache.folds}
    fold = min(counts, key=lambda name: counts[name])
    if counts[fold] >= FEW:
        return ""
    where = f"fold {fold}: " if len(counts) > 1 else ""
    if not counts[fold]:
        return (
            f"{where}there are no validation videos; train needs a val split, or at least 2 "
            "labelled training videos, of which it holds out a fifth"
        )
    videos = counted(counts[fold], "validation video")
    return f"{where}only {videos} (the val split or, without one, about a fifth of train); {NEEDED}"


def _validation_count(cache: FeatureCache, fold: str) -> int:
    try:
        return len(holdout(cache, fold)[1])
    except FrameSelectError:  # there is nothing to hold out
        return 0
