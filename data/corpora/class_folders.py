"""No split file: the folders themselves, CLASS/VIDEO or SPLIT/CLASS/VIDEO."""

from collections import Counter
from pathlib import PurePosixPath

from data.corpora.assignment import Assignment
from data.corpora.random_split import random_split
from data.corpora.videos import Videos
from frame_select_env.cache import schema
from frame_select_env.errors import FrameSelectError

# What the folder of a split is called, in lower case.
SPLIT_FOLDERS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}


def read_class_folders(videos: Videos, seed: int) -> Assignment:
    """Splits from the names of the folders, or else drawn by the seed.

    If every folder of the top level is named after a split (train, val, test), these are the splits
    and the class is the folder below; otherwise the class is the top level and the split is random.

    Raises:
        FrameSelectError: naming a video that lies in no class folder.
    """
    tops = {PurePosixPath(name).parts[0] for name in videos.ids if "/" in name}
    if tops and all(top.lower() in SPLIT_FOLDERS for top in tops):
        return _named(videos)
    labels = videos.classes()
    split = random_split(videos.ids, labels, seed)
    counts = Counter(split)
    return Assignment(
        outputs=sorted(set(labels)),
        labels=[*labels],
        splits={schema.DEFAULT_FOLD: split},
        notes=[
            f"no split file: seed {seed} drew {counts['train']} training and {counts['test']} test "
            "videos, two thirds and one third of every class; --split-file gives a split of yours"
        ],
    )


def _named(videos: Videos) -> Assignment:
    for name in videos.ids:
        if name.count("/") < 2:
            raise FrameSelectError(
                f"{videos.folder}/{name}: lies in no class folder; the folders are named after "
                "splits, so expected SPLIT/CLASS/VIDEO; or give a CSV (--split-file)"
            )
    parts = [PurePosixPath(name).parts for name in videos.ids]
    split = [SPLIT_FOLDERS[part[0].lower()] for part in parts]
    labels = [part[1] for part in parts]
    counts = Counter(split)
    told = ", ".join(f"{counts[name]} {name}" for name in schema.SPLITS if counts[name])
    return Assignment(
        outputs=sorted(set(labels)),
        labels=[*labels],
        splits={schema.DEFAULT_FOLD: split},
        notes=[f"the folders are named after splits, which are used: {told} videos"],
    )
