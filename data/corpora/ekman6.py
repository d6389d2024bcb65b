"""Ekman-6 (Xu et al., IEEE Trans. Affective Computing 2018): 1637 videos of six emotions.

Videos are numbered across the classes: disgust/1 to disgust/239, surprise/240 and so on. The split
used in papers (819 and 818 videos) sorts the paths as text and alternates training and test:
github.com/nku-zhichengzhang/CTEN, tools/RenameEk6.py, and trainlist01.txt and testlist01.txt in
tools/annotations/ek6, which this rule reproduces exactly. Lists in this format are read too; with
either, a lost video does not change the split of the others.
"""

from pathlib import Path

from data.corpora.assignment import Assignment, Official, Videos
from data.corpora.lists import Lists, assign_lists, list_classes, read_lists
from frame_select_env.cache import schema
from frame_select_env.errors import FrameSelectError

# Class -> its first and last video.
NUMBERS = {
    "anger": (887, 1111),
    "disgust": (1, 239),
    "fear": (600, 886),
    "joy": (1112, 1416),
    "sadness": (1417, 1637),
    "surprise": (240, 599),
}
OFFICIAL = Official(
    "Ekman-6", videos=1637, classes=6, splits={schema.DEFAULT_FOLD: {"train": 819, "test": 818}}
)


def split_ekman6() -> dict[str, str]:
    """Path -> split of all 1637 videos, sorted by path as text."""
    paths = sorted(
        f"{name}/{number}"
        for name, (first, last) in NUMBERS.items()
        for number in range(first, last + 1)
    )
    return {path: ("train", "test")[index % 2] for index, path in enumerate(paths)}


def draw_ekman6(videos: Videos) -> Assignment:
    """The split used in papers, for videos named by the corpus's numbers."""
    fold: dict[str, str] = {}
    listed = []
    for path, split in split_ekman6().items():
        listed.append(path.split("/")[0])
        if video := videos.find(path, "Ekman-6"):
            fold[video] = split
    if not fold:
        raise FrameSelectError(
            f"{videos.folder}: contains no video named as in Ekman-6, such as `anger/887`; use "
            "your own lists: ekman6:DIR with trainlist01.txt and testlist01.txt"
        )
    # A single split is just the default fold.
    lists = Lists({schema.DEFAULT_FOLD: fold}, listed)
    return assign_lists(OFFICIAL, lists, videos, videos.classes())


def read_ekman6(directory: Path, videos: Videos) -> Assignment:
    """Read trainlist01.txt and testlist01.txt."""
    lists = read_lists(directory, videos)
    labels = videos.classes()
    if list(lists.splits) == ["split1"]:
        lists = Lists({schema.DEFAULT_FOLD: lists.splits["split1"]}, lists.listed)
    classes = list_classes(directory, videos, labels)
    return assign_lists(OFFICIAL, lists, videos, labels, classes)
