"""UCF101's official files: classInd.txt, trainlist01.txt to 03 and testlist01.txt to 03."""

import re
from pathlib import Path, PurePosixPath

from data.corpora.assignment import (
    Assignment,
    find_video,
    folder_classes,
    read_lines,
    unlisted_note,
)
from frame_select_env.cache import schema
from frame_select_env.errors import FrameSelectError

CLASSES = "classInd.txt"
LISTS = {"train": "trainlist{:02d}.txt", "test": "testlist{:02d}.txt"}
# Clips of one group were cut from the same recording.
CLIP = re.compile(r"v_.+_g(?P<group>\d+)_c\d+")


def read_ucf101(directory: Path, folder: Path, ids: list[str]) -> Assignment:
    """Read the splits that `directory` holds as the folds split1, split2, split3.

    The top level equals the first of them. The group is the class and the g-number of
    v_Class_gNN_cNN.

    Raises:
        FrameSelectError: naming the file or video, and what is wrong.
    """
    classes = _classes(directory / CLASSES)
    labels = folder_classes(folder, ids)
    for video, label in zip(ids, labels, strict=True):
        if label not in classes:
            raise FrameSelectError(
                f"{folder}/{video}.npy: the class {label!r} is not in {directory / CLASSES}"
            )
    known = dict.fromkeys(ids)
    splits: dict[str, dict[str, str]] = {}
    for number in (1, 2, 3):
        files = {split: directory / name.format(number) for split, name in LISTS.items()}
        if not any(file.is_file() for file in files.values()):
            continue
        fold = splits[f"split{number}"] = {}
        for split, file in files.items():
            for video in _read(file, folder, known):
                if video in fold:
                    raise FrameSelectError(f"{file}: video {video!r} is listed twice in the split")
                fold[video] = split
    if not splits:
        raise FrameSelectError(f"{directory}: holds no trainlist01.txt and testlist01.txt")
    listed = {video for fold in splits.values() for video in fold}
    folds = {fold: [split.get(video, "") for video in ids] for fold, split in splits.items()}
    return Assignment(
        classes=classes,
        labels=[*labels],
        splits={schema.DEFAULT_FOLD: next(iter(folds.values())), **folds},
        groups=[_group(video, label) for video, label in zip(ids, labels, strict=True)],
        notes=unlisted_note(ids, listed),
    )


def _classes(file: Path) -> list[str]:
    """The classes in the order of their numbers, from lines `1 ApplyEyeMakeup`."""
    numbered = {}
    for line, text in read_lines(file):
        number, _, name = text.partition(" ")
        if not number.isdecimal() or not name.strip():
            raise FrameSelectError(f"{file}: line {line}: {text!r} is not `number class`")
        numbered[int(number)] = name.strip()
    return [numbered[number] for number in sorted(numbered)]


def _read(file: Path, folder: Path, known: dict[str, None]) -> list[str]:
    """The videos of one list, from lines `Class/v_Class_g01_c01.avi` and, in training, a number."""
    videos = []
    for line, text in read_lines(file):
        listed = text.split()[0]
        video = find_video(listed, known)
        if video is None:
            raise FrameSelectError(
                f"{file}: line {line}: video {listed!r} has no .npy file in {folder}"
            )
        videos.append(video)
    return videos


def _group(video: str, label: str) -> str:
    match = CLIP.fullmatch(PurePosixPath(video).name)
    # A clip with a name of its own is a group of its own.
    return f"{label}_g{match['group']}" if match else video
