"""Seeded random splits: two thirds of every class train, one third tests."""

from collections import defaultdict

import numpy as np

from frame_select_env.errors import FrameSelectError


def random_split(ids: list[str], labels: list[str], seed: int, number: int = 0) -> list[str]:
    """Draw a split, stratified by class.

    A class of n videos has n / 3 test videos, to the nearest whole number, so that it is always in
    training. What is drawn of a class depends on the seed and its own videos alone: another class
    more or less, or another order, changes nothing.

    Args:
        ids: [N] the videos.
        labels: [N] their classes.
        seed: At least 0.
        number: Of the split, where several are drawn from one seed.

    Returns:
        [N] "train" or "test".

    Raises:
        FrameSelectError: if the seed is negative.
    """
    if seed < 0:
        raise FrameSelectError(f"--seed {seed}: must be at least 0 to draw a random split")
    members = defaultdict(list)
    for video, label in zip(ids, labels, strict=True):
        members[label].append(video)
    test: set[str] = set()
    for label, names in members.items():
        # The name's bytes: Python's own hash differs from run to run.
        generator = np.random.default_rng([seed, number, *label.encode()])
        names.sort()
        order = generator.permutation(len(names))
        # In whole numbers: round() would go to the even number at a half.
        tests = (2 * len(names) + 3) // 6
        test.update(names[place] for place in order[:tests])
    return ["test" if video in test else "train" for video in ids]
