"""Dividing videos into parts that are held out in turn: whole groups, balanced by label."""

import warnings

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from frame_select_env.errors import FrameSelectError

Parts = list[tuple[np.ndarray, np.ndarray]]


def divide_videos(
    label: np.ndarray, group: np.ndarray | None, parts: int = 5, seed: int = 0
) -> Parts:
    """Divide n videos into parts of about equal size.

    With two groups or more no group is torn apart, and there are at most as many parts as groups.
    A classification's parts are balanced by label; a regression's are drawn freely.

    Args:
        label: [n] int or [n, K] float.
        group: [n] of anything, or None.
        parts: How many parts are wanted.
        seed: Of the shuffling.

    Returns:
        For every part: the indices outside it and those in it, both never empty.

    Raises:
        FrameSelectError: if there are fewer than two videos.
    """
    count = len(label)
    if count < 2:
        raise FrameSelectError(f"{count} labelled videos cannot be divided; at least 2 are needed")
    stratum = label if label.ndim == 1 else np.zeros(count, np.int64)
    kinds = 0 if group is None else len(np.unique(group))
    parts = min(parts, kinds if kinds > 1 else count)
    if np.unique(stratum, return_counts=True)[1].max() < parts:
        stratum = np.zeros(count, np.int64)  # no class is common enough to be balanced
    divider = StratifiedGroupKFold if kinds > 1 else StratifiedKFold
    group = group if kinds > 1 else None
    with warnings.catch_warnings():
        # Classes rarer than the parts cannot be in each of them, which is fine here.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        divided = divider(parts, shuffle=True, random_state=seed).split(stratum, stratum, group)
        return [(outside, inside) for outside, inside in divided if len(outside) and len(inside)]
