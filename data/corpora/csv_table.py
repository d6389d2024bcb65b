"""A CSV of splits: columns video and split, optionally label or target.<name>, group, split.<fold>.

A class folder is needed only where there is neither label nor target.
"""

from pathlib import Path

import numpy as np

from data.corpora.assignment import Assignment, unlisted_note
from data.corpora.table import number, read_table
from data.corpora.videos import Videos
from frame_select_env.cache import schema
from frame_select_env.errors import FrameSelectError

REQUIRED = ("video", "split")
OPTIONAL = ("label", "group")
FOLD_PREFIX = "split."
TARGET_PREFIX = "target."

Listed = dict[str, tuple[int, dict[str, str]]]


def read_csv(path: Path, videos: Videos) -> Assignment:
    """Read a CSV of splits (UTF-8, comma-separated, a header line).

    `video` is the path below the folder, with or without suffix; `split` is train, val, test or
    empty. Columns split.<fold> give further folds. Without `label` the class folder is the class
    (the videos of one file are then unlabelled); with it, labels are class names, numbers sorted by
    value. Columns target.<name> hold numbers and make it regression; an unused video may leave them
    empty.

    Raises:
        FrameSelectError: naming the file, the line, what is wrong and the remedy.
    """
    rows, columns = read_table(path, REQUIRED)
    folds = {schema.DEFAULT_FOLD: "split"} | _prefixed(columns, FOLD_PREFIX)
    targets = _prefixed(columns, TARGET_PREFIX)
    if targets and "label" in columns:
        raise FrameSelectError(
            f"{path}: has both label and {next(iter(targets.values()))}; remove one of them"
        )
    if not rows:
        raise FrameSelectError(f"{path}: lists no video")
    listed: Listed = {}
    for line, row in rows:
        _check(path, line, row, [*folds.values()], columns)
        video = videos.find(row["video"], f"{path}: line {line}")
        if video in listed:
            raise FrameSelectError(f"{path}: line {line}: video {row['video']!r} stands twice")
        if video is not None:
            listed[video] = line, row
    ids = videos.ids
    cells = {video: row for video, (_, row) in listed.items()}
    labels: list[str | None]
    if "label" in columns:
        labels = [cells[name]["label"] if name in cells else None for name in ids]
    elif targets:
        labels = []
    elif videos.folder.is_file():
        labels = [None] * len(ids)  # videos in one file lie in no class folders
    else:
        labels = [*videos.classes()]
    used = (*REQUIRED, *OPTIONAL, *folds.values(), *targets.values())
    ignored = [column for column in columns if column not in used]
    notes = [f"{path.name}: ignored columns: {', '.join(ignored)}"] if ignored else []
    return Assignment(
        outputs=[*targets] or _in_order({label for label in labels if label is not None}),
        labels=labels,
        splits={
            fold: [cells[name][column] if name in cells else "" for name in ids]
            for fold, column in folds.items()
        },
        groups=[cells[name]["group"] if name in cells else "" for name in ids]
        if "group" in columns
        else None,
        targets=_targets(path, ids, listed, [*targets.values()], [*folds.values()])
        if targets
        else None,
        notes=notes + unlisted_note(ids, listed),
        missing=videos.missing,
    )


def _prefixed(columns: list[str], prefix: str) -> dict[str, str]:
    """The rest of the name -> column, of the columns with a prefix."""
    return {name.removeprefix(prefix): name for name in columns if name.startswith(prefix)}


def _check(
    path: Path, line: int, row: dict[str, str], folds: list[str], columns: list[str]
) -> None:
    if not row["video"]:
        raise FrameSelectError(f"{path}: line {line}: video is empty")
    for column in folds:
        wrong = schema.check_split(row[column])
        if wrong:
            raise FrameSelectError(f"{path}: line {line}: video {row['video']!r}: {wrong}")
    for column in OPTIONAL:
        if column in columns and not row[column]:
            raise FrameSelectError(f"{path}: line {line}: {column} is empty")


def _targets(
    path: Path, ids: list[str], listed: Listed, columns: list[str], folds: list[str]
) -> np.ndarray:
    """[N, K] float32; 0 where a video is unused and they are empty."""
    targets = np.zeros((len(ids), len(columns)), np.float32)
    for place, name in enumerate(ids):
        if name not in listed:
            continue
        line, row = listed[name]
        if not any(row[column] for column in (*columns, *folds)):
            continue
        for target, column in enumerate(columns):
            targets[place, target] = number(row[column], f"{path}: line {line}: {column}")
    return targets


def _in_order(names: set[str]) -> list[str]:
    if all(name.isdecimal() for name in names):
        return sorted(names, key=int)
    return sorted(names)
