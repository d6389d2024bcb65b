"""The videos that choices are made on: the validation split, or a part of the training split."""

import numpy as np

from baselines.cross_validation import divide_videos
from baselines.labelled import labelled_rows
from frame_select_env.cache import FeatureCache

PARTS = 5  # one of five: 20 % of the videos


def holdout(
    cache: FeatureCache, fold: str = "default", split: str = "train", seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Divide a training split into the videos to fit on and those to choose on.

    The fold's `val` split, where it has labelled videos, is the second part. Otherwise one part of
    five of `split` is, drawn by the seed: whole groups where there are at least two, balanced by
    label, at least one video and one group on each side. Unlabelled videos are in neither.

    Args:
        cache: The cache.
        fold: Its fold.
        split: What is trained on.
        seed: The training run's.

    Returns:
        fit [n] and validation [v] int64, rows in the cache in rising order.

    Raises:
        FrameSelectError: for an unknown fold or split, or fewer than two labelled videos.
    """
    rows = labelled_rows(cache, split, fold)
    if split != "val" and _has_validation(cache, fold):
        return rows, labelled_rows(cache, "val", fold)
    group = None if cache.groups is None else cache.groups[rows]
    parts = divide_videos(cache.labels[rows], group, PARTS, seed)
    # Shuffling alone may give groups of distinct sizes the same parts for every seed.
    outside, inside = parts[np.random.default_rng(seed).integers(len(parts))]
    return rows[outside], rows[inside]


def _has_validation(cache: FeatureCache, fold: str) -> bool:
    inside = cache.splits(fold) == "val"
    known = cache.labels >= 0 if cache.labels.ndim == 1 else np.ones(len(cache), bool)
    return bool((inside & known).any())
