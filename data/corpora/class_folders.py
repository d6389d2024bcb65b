"""No split file: classes by folders and a random split, or SPLIT/CLASS/VIDEO.

Without class folders the labels are unknown; the split is drawn as for a single class.
"""

from collections import Counter, defaultdict

import numpy as np

from data.corpora.assignment import Assignment, Videos
from data.corpora.folder_layout import ClassFolders, folder_layout
from frame_select_env.cache import schema
from frame_select_env.errors import FrameSelectError

# Folder name in lower case -> split.
SPLIT_FOLDERS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}


def read_class_folders(
    videos: Videos, seed: int, class_folders: ClassFolders = "auto"
) -> Assignment:
    """Classes, and groups, by folders; so is the split if all top-level ones are named after it.

    Otherwise the split is random.
    """
    tops = {name.split("/")[0].lower() for name in videos.ids if "/" in name}
    splits = all("/" in name for name in videos.ids) and tops <= set(SPLIT_FOLDERS)
    layout = folder_layout(videos.folder, videos.ids, class_folders, splits)
    count = len(videos.ids)
    labels: list[str | None] = [*layout.labels] if layout.labels else [None] * count
    if splits:
        split = [SPLIT_FOLDERS[name.split("/")[0].lower()] for name in videos.ids]
        counts = Counter(split)
        listed = ", ".join(f"{counts[name]} {name}" for name in schema.SPLITS if counts[name])
        note = f"splits from the folder names: {listed} videos"
    else:
        split = random_split(videos.ids, layout.labels or [""] * count, seed)
        counts = Counter(split)
        share = "a third of every class" if layout.labels else "a third of all"
        note = (
            f"no split file: random split with seed {seed}: {counts['train']} training and "
            f"{counts['test']} test videos, {share}; use --split-file for your own"
        )
    return Assignment(
        outputs=sorted(set(layout.labels or [])),
        labels=labels,
        splits={schema.DEFAULT_FOLD: split},
        groups=layout.groups,
        notes=[*layout.notes, note],
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
