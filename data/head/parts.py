"""Parting the training videos, so that each is predicted by a head that did not train on it."""

import numpy as np

PARTS = 5


def stratified_parts(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Deal the videos out to 5 parts, class by class, in random order within a class.

    Dealing goes on from one class to the next, so that parts differ in size by at most one and a
    class of k videos lies in min(k, 5) parts; scikit-learn's StratifiedKFold refuses rare classes.
    Regression targets are sorted and dealt the same way, which stratifies them too.

    Args:
        labels: [V] int, or [V, K] float.
        rng: Draws the order.

    Returns:
        [V] int64, part numbers from 0.
    """
    key = labels if labels.ndim == 1 else labels[:, 0]
    shuffled = rng.permutation(len(key))
    order = shuffled[np.argsort(key[shuffled], kind="stable")]
    part = np.empty(len(key), np.int64)
    part[order] = np.arange(len(key)) % PARTS
    return part


def group_parts(groups: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Put whole groups into 5 parts, or one group a part where there are fewer.

    The largest group goes first, each into the smallest part so far.

    Args:
        groups: [V] str.
        rng: Draws the order of groups of the same size.

    Returns:
        [V] int64, part numbers from 0.
    """
    _, member, counts = np.unique(groups, return_inverse=True, return_counts=True)
    shuffled = rng.permutation(len(counts))
    sizes = np.zeros(min(PARTS, len(counts)), np.int64)
    part_of_group = np.empty(len(counts), np.int64)
    for group in shuffled[np.argsort(-counts[shuffled], kind="stable")]:
        part_of_group[group] = sizes.argmin()
        sizes[part_of_group[group]] += counts[group]
    return part_of_group[member]
