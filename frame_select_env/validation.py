"""How many videos there are to choose by: epochs, hyper-parameters and numbers of frames."""

import numpy as np

from frame_select_env.cache import FeatureCache

HELD_OUT = 5  # one of five parts of the training videos, where a fold has no `val` split
FEW = 20  # validation videos that hardly tell numbers of frames apart


def validation_count(cache: FeatureCache, fold: str) -> int:
    """The number of labelled validation videos of a fold: of `val`, or those to be held out.

    Of those that are held out it is the expected one: whole groups may be somewhat more or fewer.
    """
    val, train = (
        len(cache.labelled(np.flatnonzero(cache.splits(fold) == split)))
        for split in ("val", "train")
    )
    return val or round(train / HELD_OUT)


def few_validation_warning(cache: FeatureCache) -> str:
    """What to know of a cache with few validation videos, in a line; else empty."""
    if not cache.has_labels:
        return ""
    counts = {fold: validation_count(cache, fold) for fold in cache.folds}
    fold = min(counts, key=lambda name: counts[name])
    if counts[fold] >= FEW:
        return ""
    where = f"fold {fold}: " if len(counts) > 1 else ""
    return (
        f"{where}{counts[fold]} validation videos (val, or a fifth of train): below {FEW} they "
        "hardly tell numbers of frames apart"
    )
