"""Lists of training and test videos, in the format of UCF101, which emotion corpora adopted.

`trainlist01.txt` and `testlist01.txt` (then 02, ...) contain lines `Class/video.avi`, followed in
training lists by the class number; `classInd.txt` contains lines `1 Class`. UCF101's own:
https://www.crcv.ucf.edu/data/UCF101/UCF101TrainTestSplits-RecognitionTask.zip.
"""

import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from data.corpora.assignment import Assignment, Official, Videos, count_notes, unlisted_note
from data.corpora.text_files import read_lines
from frame_select_env.cache import schema
from frame_select_env.errors import FrameSelectError

CLASSES = "classInd.txt"
LISTS = {"train": "trainlist{}.txt", "test": "testlist{}.txt"}
FILE = re.compile(r"(?:train|test)list(?P<number>\d\d)\.txt")
CLASS_NUMBER = re.compile(r"\s+\d+$")  # at the end of the line: names may contain spaces
# Clips of one group were cut from the same recording.
CLIP = re.compile(r"v_.+_g(?P<group>\d+)_c\d+")
UCF101 = Official(
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
    """Read UCF101's lists; the group is the class and the g-number of v_Class_gNN_cNN."""
    groups = []
    for video, label in zip(videos.ids, videos.classes(), strict=True):
        match = CLIP.fullmatch(PurePosixPath(video).name)
        # A clip named otherwise is a group by itself.
        groups.append(f"{label}_g{match['group']}" if match else video)
    return read_lists(UCF101, directory, videos, groups, classes_required=True)


def read_lists(
    official: Official,
    directory: Path,
    videos: Videos,
    groups: list[str] | None = None,
    classes_required: bool = False,
) -> Assignment:
    """Read all pairs of lists in `directory` as the folds split1, split2, ..."""
    classes = _classes(directory / CLASSES, videos, classes_required)
    matches = [FILE.fullmatch(file.name) for file in directory.iterdir()]
    numbers = sorted({match["number"] for match in matches if match})
    if not numbers:
        raise FrameSelectError(f"{directory}: contains no trainlist01.txt and testlist01.txt")
    splits: dict[str, dict[str, str]] = {}
    names: set[str] = set()
    for number in numbers:
        fold = splits[f"split{int(number)}"] = {}
        for split, name in LISTS.items():
            file = directory / name.format(number)
            for line, text in read_lines(file):
                listed = CLASS_NUMBER.sub("", text)
                if not re.search(r"[/\\]", listed):
                    raise FrameSelectError(f"{file}: line {line}: {text!r} is not `Class/video`")
                names.add(listed.replace("\\", "/"))
                video = videos.find(listed, f"{file}: line {line}")
                if video is None:
                    continue
                if video in fold:
                    raise FrameSelectError(f"{file}: video {video!r} is duplicated in the split")
                fold[video] = split
    if schema.DEFAULT_FOLD in official.splits and list(splits) == ["split1"]:
        splits = {schema.DEFAULT_FOLD: splits["split1"]}  # a single split is just the default fold
    listed_classes = sorted(name.split("/")[0] for name in names)
    return assign(official, videos, splits, listed_classes, classes, groups)


def assign(
    official: Official,
    videos: Videos,
    splits: dict[str, dict[str, str]],
    listed: Iterable[str] = (),
    classes: list[str] | None = None,
    groups: list[str] | None = None,
) -> Assignment:
    """The assignment for folds of video -> split; `listed` is the class of every listed video."""
    labels = videos.classes()
    folds = {fold: [split.get(name, "") for name in videos.ids] for fold, split in splits.items()}
    used = {video for fold in splits.values() for video in fold}
    return Assignment(
        outputs=sorted(set(labels)) if classes is None else classes,
        labels=[*labels],
        splits={schema.DEFAULT_FOLD: next(iter(folds.values())), **folds},
        groups=groups,
        notes=[*count_notes(official, labels, folds, listed), *unlisted_note(videos.ids, used)],
        missing=videos.missing,
    )


def _classes(file: Path, videos: Videos, required: bool) -> list[str] | None:
    """The folder's classes in the order of the file, ignoring case; None without the file."""
    if not required and not file.is_file():
        return None
    order: dict[str, int] = {}
    for line, text in read_lines(file):
        number, _, name = text.partition(" ")
        if not number.isdecimal() or not name.strip():
            raise FrameSelectError(f"{file}: line {line}: {text!r} is not `number class`")
        order[name.strip().casefold()] = int(number)
    labels = videos.classes()
    for video, label in zip(videos.ids, labels, strict=True):
        if label.casefold() not in order:
            raise FrameSelectError(
                f"{videos.folder}/{video}: the class {label!r} is not in {file}; rename the folder "
                "or move it away"
            )
    # Classes without videos are left out: a head cannot learn them.
    return sorted(set(labels), key=lambda name: order[name.casefold()])
