"""Lists of training and test videos, as UCF101 has them and emotion corpora took them over.

`trainlist01.txt` and `testlist01.txt` (then 02, ...) with lines `Class/video.avi` and, in training,
the number of the class; `classInd.txt` with lines `1 Class`.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from data.corpora.assignment import Assignment, unlisted_note
from data.corpora.counts import Official, count_notes
from data.corpora.videos import Videos, read_lines
from frame_select_env.cache import schema
from frame_select_env.errors import FrameSelectError

CLASSES = "classInd.txt"
LISTS = {"train": "trainlist{}.txt", "test": "testlist{}.txt"}
FILE = re.compile(r"(?:train|test)list(?P<number>\d\d)\.txt")
# The number of the class; names may hold spaces.
NUMBER = re.compile(r"\s+\d+$")


@dataclass(frozen=True)
class Lists:
    """What the lists of a folder say.

    Attributes:
        splits: Fold -> video -> split; split1, split2, ... in this order.
        listed: The class of every video that they name, whether it is here or not.
    """

    splits: dict[str, dict[str, str]]
    listed: list[str]


def read_lists(directory: Path, videos: Videos) -> Lists:
    """Read all pairs of lists that `directory` holds.

    Raises:
        FrameSelectError: naming the file and line or video, and what is wrong.
    """
    numbers = sorted(
        {match["number"] for file in directory.iterdir() if (match := FILE.fullmatch(file.name))}
    )
    if not numbers:
        raise FrameSelectError(f"{directory}: holds no trainlist01.txt and testlist01.txt")
    splits: dict[str, dict[str, str]] = {}
    names: set[str] = set()
    for number in numbers:
        fold = splits[f"split{int(number)}"] = {}
        for split, name in LISTS.items():
            file = directory / name.format(number)
            for line, text in read_lines(file):
                listed = NUMBER.sub("", text)
                if not re.search(r"[/\\]", listed):
                    raise FrameSelectError(f"{file}: line {line}: {text!r} is not `Class/video`")
                names.add(listed.replace("\\", "/"))
                video = videos.find(listed, f"{file}: line {line}")
                if video is None:
                    continue
                if video in fold:
                    raise FrameSelectError(f"{file}: video {video!r} is listed twice in the split")
                fold[video] = split
    return Lists(splits, sorted(name.split("/")[0] for name in names))


def list_classes(directory: Path, videos: Videos, labels: list[str]) -> list[str]:
    """The classes of the folder, in the order of `classInd.txt`.

    Args:
        directory: Where classInd.txt lies.
        videos: The videos.
        labels: [N] their class folders; case is ignored where classInd.txt is searched.

    Raises:
        FrameSelectError: naming a line that is no class, or a video of an unknown class.
    """
    file = directory / CLASSES
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
    # Classes without a video are left out: a head cannot learn them.
    return sorted(set(labels), key=lambda name: order[name.casefold()])


def assign_lists(
    official: Official,
    lists: Lists,
    videos: Videos,
    classes: list[str],
    labels: list[str],
    groups: list[str] | None = None,
) -> Assignment:
    """The assignment of lists; the top level equals the first fold."""
    folds = {
        fold: [split.get(video, "") for video in videos.ids] for fold, split in lists.splits.items()
    }
    used = {video for fold in lists.splits.values() for video in fold}
    return Assignment(
        outputs=classes,
        labels=[*labels],
        splits={schema.DEFAULT_FOLD: next(iter(folds.values())), **folds},
        groups=groups,
        notes=[
            *count_notes(official, labels, folds, lists.listed),
            *unlisted_note(videos.ids, used),
        ],
        missing=videos.missing,
    )
