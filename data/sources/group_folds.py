"""--folds group:K: folds of whole groups, added to those of a source."""

import dataclasses
import re

import numpy as np

from data.sources.source import Source, split_field
from frame_select_env.cache import schema
from frame_select_env.errors import FrameSelectError
from frame_select_env.splits import divide_videos

FORM = re.compile(r"group:(\d{1,6})")


def add_group_folds(source: Source, folds: str, seed: int = 0) -> Source:
    """A source with the additional folds group1 to groupK, for `folds` "group:K".

    The groups of the labelled videos are divided into K parts of about equal size, stratified by
    label, see `divide_videos`. In the fold groupI part I is `test` and the others are `train`, so
    every labelled video is tested exactly once. Videos without a label, and those that the source
    uses in no fold, are unused. The own folds of the source stay as they are.

    Raises:
        FrameSelectError: if the source has no groups, or fewer than K, or a fold of such a name.
    """
    found = FORM.fullmatch(folds)
    parts = int(found[1]) if found else 0
    if parts < 2:
        raise FrameSelectError(f"--folds {folds}: must be group:K with K of at least 2: group:5")
    if seed < 0:
        source.fail("--seed", f"{seed} is negative; give a number of at least 0")
    if source.groups is None:
        source.fail("groups", f"--folds {folds} needs groups; add them (in a CSV the column group)")
    names = [f"group{number}" for number in range(1, parts + 1)]
    for name in names:
        if name in source.splits:
            source.fail(split_field(name), f"--folds {folds} makes this fold; rename yours")
    used = np.any([splits != "" for splits in source.splits.values()], axis=0)
    if source.task == "classification":
        used &= source.labels != schema.UNKNOWN_LABEL
    rows = np.flatnonzero(used)
    groups = source.groups[rows]
    if (count := len(np.unique(groups))) < parts:
        wrong = f"--folds {folds} needs {parts} groups, but the labelled videos are in {count}"
        source.fail("groups", f"{wrong}; use fewer folds" if count > 1 else wrong)
    splits = dict(source.splits)
    divided = divide_videos(source.labels[rows], groups, parts, seed)
    if len(divided) < parts:  # balancing classes may leave a part empty
        wrong = f"--folds {folds}: only {len(divided)} parts have balanced classes"
        source.fail("groups", f"{wrong}; use fewer folds or another --seed")
    for name, (_, test) in zip(names, divided, strict=True):
        splits[name] = np.where(used, "train", "")
        splits[name][rows[test]] = "test"
    return dataclasses.replace(source, splits=splits)
