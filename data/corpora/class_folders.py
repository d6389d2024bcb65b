"""No split file: CLASS/VIDEO with a random split, or SPLIT/CLASS/VIDEO."""

from collections import Counter, defaultdict

import numpy as np

from data.corpora.assignment import Assignment, Videos
from frame_select_env.cache import schema
from frame_select_env.errors import FrameSelectError

# Folder name in lower case -> split.
SPLIT_FOLDERS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}


def read_class_folders(videos: Videos, seed: int) -> Assignment:
    """SPLIT/CLASS/VIDEO if every top-level folder is named after a split, else a random split."""
    tops = {name.split("/")[0] for name in videos.ids if "/" in name}
    if tops and all(top.lower() in SPLIT_FOLDERS for top in tops):
        for name in videos.ids:
            if name.count("/") < 2:
                raise FrameSelectError(
                    f"{videos.folder}/{name}: is not in a class folder; the top-level folders are "
                    "named after splits, so expected SPLIT/CLASS/VIDEO; or use a CSV (--split-file)"
                )
        parts = [name.split("/") for name in videos.ids]
        labels = [part[1] for part in parts]
        split = [SPLIT_FOLDERS[part[0].lower()] for part in parts]
        counts = Counter(split)
        listed = ", ".join(f"{counts[name]} {name}" for name in schema.SPLITS if counts[name])
        note = f"splits from the folder names: {listed} videos"
    else:
        labels = videos.classes()
        split = random_split(videos.ids, labels, seed)
        counts = Counter(split)
        note = (
            f"no split file: random split with seed {seed}: {counts['train']} training and "
            f"{counts['test']} test videos, a third of every class; use --split-file for your own"
        )
    return Assignment(
        outputs=sorted(set(labels)),
        labels=[*labels],
        splits={schema.DEFAULT_FOLD: split},
        notes=[note],
    )


def random_split(ids: list[str], labels: list[str], seed: int, number: int = 0) -> list[str]:
    """A random split [N], stratified by class: two thirds "train", one third "test".

    A class of n videos has n / 3 test videos, rounded to the nearest integer, so it always has a
    training video. Its draw depends only on the seed, the number of the split and its own videos.
    """
    if seed < 0:
        raise FrameSelectError(f"--seed {seed}: must be at least 0 for a random split")
    members = defaultdict(list)
    for video, label in zip(ids, labels, strict=True):
        members[label].append(video)
    test: set[str] = set()
    for label, names in members.items():
        # Seeded with the bytes of the name: Python's own hash differs between runs.
        generator = np.random.default_rng([seed, number, *label.encode()])
        names.sort()
        order = generator.permutation(len(names))
        # Integer arithmetic: round() rounds halves to even.
        tests = (2 * len(names) + 3) // 6
        test.update(names[index] for index in order[:tests])
    return ["test" if video in test else "train" for video in ids]
