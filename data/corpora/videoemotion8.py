"""VideoEmotion-8 (Jiang, Xu and Xue, AAAI 2014): class folders and ten splits of 2/3 and 1/3.

The authors publish their ten splits as a spreadsheet, VideoEmotionDataset-TrainTestSplits.xlsx,
which lists videos without their class. Derived code rewrites a split as trainlist01.txt and
testlist01.txt with lines `Anger/video` (github.com/maysonma/VAANet, tools/annotations/ve8): such
lists are read here. Without them, ten random splits with the same shares are drawn.
"""

from pathlib import Path

from data.corpora.assignment import Assignment, Official, Videos, count_notes
from data.corpora.class_folders import random_split
from data.corpora.lists import assign_lists, list_classes, read_lists
from frame_select_env.cache import schema

FOLDS = 10
OFFICIAL = Official("VideoEmotion-8", videos=1101, classes=8)


def draw_videoemotion8(videos: Videos, seed: int) -> Assignment:
    """Draw the folds split1 to split10, stratified by class; the default fold is the first."""
    labels = videos.classes()
    folds = {
        f"split{number}": random_split(videos.ids, labels, seed, number)
        for number in range(1, FOLDS + 1)
    }
    return Assignment(
        outputs=sorted(set(labels)),
        labels=[*labels],
        splits={schema.DEFAULT_FOLD: folds["split1"], **folds},
        notes=[
            *count_notes(OFFICIAL, labels, folds),
            f"VideoEmotion-8: ten random splits of 2/3 and 1/3 with seed {seed}; for other splits "
            "use videoemotion8:DIR, a folder with trainlist01.txt, testlist01.txt, ...",
        ],
    )


def read_videoemotion8(directory: Path, videos: Videos) -> Assignment:
    """Read lists of training and test videos as the folds split1, split2, ..."""
    labels = videos.classes()
    classes = list_classes(directory, videos, labels)
    return assign_lists(OFFICIAL, read_lists(directory, videos), videos, labels, classes)
