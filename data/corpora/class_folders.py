"""No split file: classes by folders and a random split, or SPLIT/CLASS/VIDEO.

Without class folders the labels are unknown; the split is drawn as for a single class. Groups stay
whole where there are enough of them.
"""

from collections import Counter, defaultdict

import numpy as np

from data.corpora.assignment import Assignment, Videos
from data.corpora.folder_layout import ClassFolders, Layout, folder_layout, some
from frame_select_env.cache import schema
from frame_select_env.errors import FrameSelectError
from frame_select_env.splits import divide_videos
from frame_select_env.wording import counted

# Folder name in lower case -> split.
SPLIT_FOLDERS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}
GROUPS = 3  # one of three parts is for testing, and each has a group


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
        note = f"splits from the folder names: {listed} {'video' if count == 1 else 'videos'}"
    else:
        split, share = _drawn(videos.ids, layout, seed)
        counts = Counter(split)
        note = (
            f"no split file: random split with seed {seed}: {counts['train']} training and "
            f"{counted(counts['test'], 'test video')}, {share}; use --split-file for your own"
        )
    return Assignment(
        outputs=sorted(set(layout.labels or [])),
        labels=labels,
        splits={schema.DEFAULT_FOLD: split},
        groups=layout.groups,
        notes=[*layout.notes, note],
    )


def _drawn(ids: list[str], layout: Layout, seed: int) -> tuple[list[str], str]:
    """The random split of the videos, [N], and what it divides, in words."""
    labels = layout.labels or [""] * len(ids)
    by_video = random_split(ids, labels, seed)
    share = "a third of every class" if layout.labels else "a third of all"
    if len(ids) == 1:
        return by_video, "one video cannot be divided"
    if layout.groups is None:
        return by_video, share
    whole = split_groups(labels, layout.groups, seed)
    if whole is None:
        groups = counted(len(set(layout.groups)), "group")
        return by_video, f"{share}, by video: {groups} cannot be kept whole ({GROUPS} are needed)"
    tests = {group for group, one in zip(layout.groups, whole, strict=True) if one == "test"}
    return whole, f"groups kept whole ({some(sorted(tests))} for testing)"


def split_groups(labels: list[str], groups: list[str], seed: int) -> list[str] | None:
    """A random split [N] of whole groups, about a third of the videos "test", balanced by class.

    None with fewer than three groups, or where every draw takes all videos of a class for testing.
    """
    if len(set(groups)) < GROUPS:
        return None
    label = np.unique(labels, return_inverse=True)[1]
    parts = divide_videos(label, np.array(groups), GROUPS, seed)
    # Shuffling alone may give groups of distinct sizes the same parts for every seed.
    for number in np.random.default_rng(seed).permutation(len(parts)):
        train, test = parts[number]
        if len(np.unique(label[train])) == len(np.unique(label)):
            split = np.full(len(labels), "train")
            split[test] = "test"
            return split.tolist()
    return None


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
