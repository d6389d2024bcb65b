"""UCF101's official files: classInd.txt, trainlist01.txt to 03 and testlist01.txt to 03.

Source: https://www.crcv.ucf.edu/data/UCF101/UCF101TrainTestSplits-RecognitionTask.zip.
"""

import re
from pathlib import Path, PurePosixPath

from data.corpora.assignment import Assignment, Official, Videos
from data.corpora.lists import assign_lists, list_classes, read_lists

# Clips of one group were cut from the same recording.
CLIP = re.compile(r"v_.+_g(?P<group>\d+)_c\d+")
OFFICIAL = Official(
    "UCF101",
    videos=13320,
    classes=101,
    splits={
        "split1": {"train": 9537, "test": 3783},
        "split2": {"train": 9586, "test": 3734},
        "split3": {"train": 9624, "test": 3696},
    },
)


def read_ucf101(directory: Path, videos: Videos) -> Assignment:
    """Read the splits in `directory` as the folds split1, split2, split3.

    The group is the class and the g-number of v_Class_gNN_cNN.
    """
    labels = videos.classes()
    classes = list_classes(directory, videos, labels, required=True)
    groups = [_group(video, label) for video, label in zip(videos.ids, labels, strict=True)]
    return assign_lists(OFFICIAL, read_lists(directory, videos), videos, labels, classes, groups)


def _group(video: str, label: str) -> str:
    match = CLIP.fullmatch(PurePosixPath(video).name)
    # A clip named otherwise is a group by itself.
    return f"{label}_g{match['group']}" if match else video
