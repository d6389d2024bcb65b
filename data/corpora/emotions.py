"""Ekman-6 and VideoEmotion-8: emotion corpora with lists in UCF101's format, or splits by a rule.

Ekman-6 (Xu et al., IEEE Trans. Affective Computing 2018): 1637 videos of six emotions, numbered
across the classes: disgust/1 to disgust/239, surprise/240 and so on. The split used in papers (819
and 818 videos) sorts the paths as text and alternates training and test:
github.com/nku-zhichengzhang/CTEN, tools/RenameEk6.py, and the lists in tools/annotations/ek6, which
this rule reproduces exactly. A lost video does not change the split of the others.

VideoEmotion-8 (Jiang, Xu and Xue, AAAI 2014): ten splits of 2/3 and 1/3, published as a spreadsheet
that lists videos without their class. Derived code rewrites a split as lists with lines
`Anger/video` (github.com/maysonma/VAANet, tools/annotations/ve8). Without lists, ten random splits
with the same shares are drawn.
"""

from data.corpora.assignment import Assignment, Official, Videos
from data.corpora.class_folders import random_split
from data.corpora.lists import assign
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
EKMAN6 = Official(
    "Ekman-6", videos=1637, classes=6, splits={schema.DEFAULT_FOLD: {"train": 819, "test": 818}}
)
VIDEOEMOTION8 = Official("VideoEmotion-8", videos=1101, classes=8)


def split_ekman6() -> dict[str, str]:
    """Path -> split of all 1637 videos, sorted by path as text."""
    paths = sorted(
        f"{name}/{number}"
        for name, (first, last) in NUMBERS.items()
        for number in range(first, last + 1)
    )
    return {path: ("train", "test")[index % 2] for index, path in enumerate(paths)}


def draw_ekman6(videos: Videos, seed: int) -> Assignment:
    """The split used in papers, for videos named by the corpus's numbers; nothing is random."""
    official = split_ekman6()
    fold = {
        video: split for path, split in official.items() if (video := videos.find(path, "Ekman-6"))
    }
    if not fold:
        raise FrameSelectError(
            f"{videos.folder}: contains no video named as in Ekman-6, such as `anger/887`; use "
            "your own lists: ekman6:DIR with trainlist01.txt and testlist01.txt"
        )
    listed = [path.split("/")[0] for path in official]
    return assign(EKMAN6, videos, {schema.DEFAULT_FOLD: fold}, listed)


def draw_videoemotion8(videos: Videos, seed: int) -> Assignment:
    """Draw the folds split1 to split10, stratified by class; the default fold is the first."""
    labels = videos.classes()
    folds = {}
    for number in range(1, 11):
        split = random_split(videos.ids, labels, seed, number)
        folds[f"split{number}"] = dict(zip(videos.ids, split, strict=True))
    assignment = assign(VIDEOEMOTION8, videos, folds)
    assignment.notes.append(
        f"VideoEmotion-8: ten random splits of 2/3 and 1/3 with seed {seed}; for other splits "
        "use videoemotion8:DIR, a folder with trainlist01.txt, testlist01.txt, ..."
    )
    return assignment
