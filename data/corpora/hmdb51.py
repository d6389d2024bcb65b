"""HMDB51's official files: `<class>_test_split<k>.txt`, k = 1, 2, 3, lines `name.avi 0|1|2`."""

import re
from pathlib import Path

from data.corpora.assignment import (
    Assignment,
    find_video,
    folder_classes,
    read_lines,
    unlisted_note,
)
from frame_select_env.cache import schema
from frame_select_env.errors import FrameSelectError

FILE = re.compile(r"(?P<name>.+)_test_split(?P<number>[123])\.txt")
SPLITS = {"0": "", "1": "train", "2": "test"}


def read_hmdb51(directory: Path, folder: Path, ids: list[str]) -> Assignment:
    """Read the splits that `directory` holds as the folds split1, split2, split3.

    The top level equals the first of them.

    Raises:
        FrameSelectError: naming the file or video, and what is wrong.
    """
    files = {
        (match["number"], match["name"]): file
        for file in sorted(directory.iterdir())
        if (match := FILE.fullmatch(file.name))
    }
    numbers = sorted({number for number, _ in files})
    if not numbers:
        raise FrameSelectError(f"{directory}: holds no CLASS_test_split1.txt")
    labels = folder_classes(folder, ids)
    known = dict.fromkeys(ids)
    splits: dict[str, dict[str, str]] = {f"split{number}": {} for number in numbers}
    for name in sorted({name for _, name in files}):
        for number in numbers:
            file = files.get((number, name))
            if file is None:
                raise FrameSelectError(f"{directory}: {name}_test_split{number}.txt is missing")
            splits[f"split{number}"].update(_read(file, name, folder, known))
    listed = {video for fold in splits.values() for video in fold}
    folds = {fold: [split.get(video, "") for video in ids] for fold, split in splits.items()}
    return Assignment(
        classes=sorted(set(labels)),
        labels=[*labels],
        splits={schema.DEFAULT_FOLD: next(iter(folds.values())), **folds},
        notes=unlisted_note(ids, listed),
    )


def _read(file: Path, name: str, folder: Path, known: dict[str, None]) -> dict[str, str]:
    """Video -> split, of one file."""
    splits = {}
    for line, text in read_lines(file):
        # Names may hold spaces; the number stands last.
        listed, _, number = text.rpartition(" ")
        if number not in SPLITS or not listed:
            raise FrameSelectError(f"{file}: line {line}: {text!r} is not `name.avi 0|1|2`")
        video = find_video(f"{name}/{listed.strip()}", known)
        if video is None:
            raise FrameSelectError(
                f"{file}: line {line}: video {listed.strip()!r} has no .npy file in {folder / name}"
            )
        splits[video] = SPLITS[number]
    return splits
