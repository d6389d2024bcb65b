"""Lists of training and test videos, in the format of UCF101, which emotion corpora adopted.

`trainlist01.txt` and `testlist01.txt` (then 02, ...) contain lines `Class/video.avi`, followed in
training lists by the class number; `classInd.txt` contains lines `1 Class`.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from data.corpora.assignment import Assignment, Official, Videos, count_notes, unlisted_note
from data.corpora.text_files import read_lines
from frame_select_env.cache import schema
from frame_select_env.errors import FrameSelectError

CLASSES = "classInd.txt"
LISTS = {"train": "trainlist{}.txt", "test": "testlist{}.txt"}
FILE = re.compile(r"(?:train|test)list(?P<number>\d\d)\.txt")
CLASS_NUMBER = re.compile(r"\s+\d+$")  # at the end of the line: names may contain spaces


@dataclass(frozen=True)
class Lists:
    """The contents of a folder's lists."""

    splits: dict[str, dict[str, str]]  # fold (split1, split2, ... in order) -> video -> split
    listed: list[str]  # the class of every listed video, whether present or not


def read_lists(directory: Path, videos: Videos) -> Lists:
    """Read all pairs of lists in `directory`."""
    numbers = sorted(
        {match["number"] for file in directory.iterdir() if (match := FILE.fullmatch(file.name))}
    )
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
    return Lists(splits, sorted(name.split("/")[0] for name in names))


def list_classes(
    directory: Path, videos: Videos, labels: list[str], required: bool = False
) -> list[str] | None:
    """The folder's classes, in the order of `classInd.txt` in `directory`.

    `labels` [N] are the class folders of the videos; case is ignored. None if there is no such
    file and it is not `required`.
    """
    file = directory / CLASSES
    if not required and not file.is_file():
        return None
    order: dict[str, int] = {}
    for line, text in read_lines(file):
        number, _, name = text.partition(" ")
        if not number.isdecimal() or not name.strip():
            raise FrameSelectError(f"{file}: line {line}: {text!r} is not `number class`")
        order[name.strip().casefold()] = int(number)
    for video, label in zip(videos.ids, labels, strict=True):
        if label.casefold() not in order:
            raise FrameSelectError(
                f"{videos.folder}/{video}: the class {label!r} is not in {file}; rename the folder "
                "or move it away"
            )
    # Classes without videos are left out: a head cannot learn them.
    return sorted(set(labels), key=lambda name: order[name.casefold()])


def assign_lists(
    official: Official,
    lists: Lists,
    videos: Videos,
    labels: list[str],
    classes: list[str] | None = None,
    groups: list[str] | None = None,
) -> Assignment:
    """The assignment that the lists define; the default fold is the first.

    `labels` [N] are the class folders of the videos; `classes` are in alphabetical order if None.
    """
    folds = {
        fold: [split.get(video, "") for video in videos.ids] for fold, split in lists.splits.items()
    }
    used = {video for fold in lists.splits.values() for video in fold}
    return Assignment(
        outputs=sorted(set(labels)) if classes is None else classes,
        labels=[*labels],
        splits={schema.DEFAULT_FOLD: next(iter(folds.values())), **folds},
        groups=groups,
        notes=[
            *count_notes(official, labels, folds, lists.listed),
            *unlisted_note(videos.ids, used),
        ],
        missing=videos.missing,
    )
