"""The labelled videos of a split, and their division into parts; scikit-learn divides."""

import warnings

import numpy as np

from frame_select_env.cache import FeatureCache
from frame_select_env.errors import FrameSelectError
from frame_select_env.wording import counted


def labelled_rows(cache: FeatureCache, split: str, fold: str = "default") -> np.ndarray:
    """The rows of the labelled videos of `split`, [n] int64, in the file's order; one at least.

    Where one class is all there is, these are all of its videos.
    """
    rows = cache.judged(cache.rows(split, fold))
    if not len(rows):
        raise FrameSelectError(
            f"{cache.path}: fold {fold!r}: split {split!r} has no labelled video; add labels"
        )
    return rows


def divide_videos(
    label: np.ndarray, group: np.ndarray | None, parts: int = 5, seed: int = 0
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Divide n videos into parts of about equal size.

    With two groups or more, groups stay whole, and there are at most as many parts as groups. Parts
    are stratified by label [n] for a classification, random for a regression. Returns, for every
    part, the indices outside it and those in it, both never empty.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold  # slow to import

    count = len(label)
    if count < 2:
        videos = counted(count, "labelled video")
        raise FrameSelectError(f"{videos} cannot be divided; at least 2 are needed")
    stratum = label if label.ndim == 1 else np.zeros(count, np.int64)
    groups = 0 if group is None else len(np.unique(group))
    parts = min(parts, groups if groups > 1 else count)
    if np.unique(stratum, return_counts=True)[1].max() < parts:
        stratum = np.zeros(count, np.int64)  # every class is too rare for stratification
    divider = StratifiedGroupKFold if groups > 1 else StratifiedKFold
    group = group if groups > 1 else None
    with warnings.catch_warnings():
        # Classes rarer than the parts cannot be in each of them, which is fine here.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        divided = divider(parts, shuffle=True, random_state=seed).split(stratum, stratum, group)
        return [(outside, inside) for outside, inside in divided if len(outside) and len(inside)]
