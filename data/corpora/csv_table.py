"""A CSV of splits: columns video and split, optionally label or target.<name>, group, split.<fold>.

Class folders are needed only if there is neither label nor target.
"""

from pathlib import Path

import numpy as np

from data.corpora.assignment import Assignment, Videos, unlisted_note
from data.corpora.text_files import number, read_table
from frame_select_env.cache import schema
from frame_select_env.errors import FrameSelectError

REQUIRED = ("video", "split")
OPTIONAL = ("label", "group")
FOLD_PREFIX = "split."
TARGET_PREFIX = "target."

Listed = dict[str, tuple[int, dict[str, str]]]  # video -> its line and cells


def read_csv(path: Path, videos: Videos) -> Assignment:
    """Read a CSV of splits (UTF-8, comma-separated, with a header).

    `video` is the path below the folder, with or without suffix; `split` is train, val, test or
    empty. Columns split.<fold> define further folds. Without `label` the class folder is the class
    (videos inside a single file are then unlabelled). Labels are class names; if all are numbers,
    they are sorted by value. Columns target.<name> contain numbers and select regression; they may
    be empty for unused videos.
    """
    rows, columns = read_table(path, REQUIRED)
    folds = {schema.DEFAULT_FOLD: "split"} | _prefixed(columns, FOLD_PREFIX)
    targets = _prefixed(columns, TARGET_PREFIX)
    if targets and "label" in columns:
        raise FrameSelectError(
            f"{path}: has both label and {next(iter(targets.values()))}; remove one of them"
        )
    if not rows:
        raise FrameSelectError(f"{path}: lists no videos")
    listed: Listed = {}
    for line, row in rows:
        _check(path, line, row, [*folds.values()], columns)
        video = videos.find(row["video"], f"{path}: line {line}")
        if video in listed:
            raise FrameSelectError(f"{path}: line {line}: video {row['video']!r} is duplicated")
        if video is not None:
            listed[video] = line, row
    ids = videos.ids
    cells = {video: row for video, (_, row) in listed.items()}

    def column_of(column: str) -> list[str]:
        return [cells[name][column] if name in cells else "" for name in ids]

    labels: list[str | None]
    if "label" in columns:
        labels = [cells[name]["label"] if name in cells else None for name in ids]
    elif targets:
        labels = []
    elif videos.folder.is_file():
        labels = [None] * len(ids)  # videos inside one file have no class folders
    else:
        labels = [*videos.classes()]
    used = (*REQUIRED, *OPTIONAL, *folds.values(), *targets.values())
    ignored = [column for column in columns if column not in used]
    notes = [f"{path.name}: ignored columns: {', '.join(ignored)}"] if ignored else []
    return Assignment(
        outputs=[*targets] or _sorted({label for label in labels if label is not None}),
        labels=labels,
        splits={fold: column_of(column) for fold, column in folds.items()},
        groups=column_of("group") if "group" in columns else None,
        targets=_targets(path, ids, listed, [*targets.values()], [*folds.values()])
        if targets
        else None,
        notes=notes + unlisted_note(ids, listed),
        missing=videos.missing,
    )


def _prefixed(columns: list[str], prefix: str) -> dict[str, str]:
    """Name without the prefix -> column, for the columns with the prefix."""
    return {name.removeprefix(prefix): name for name in columns if name.startswith(prefix)}


def _check(
    path: Path, line: int, row: dict[str, str], folds: list[str], columns: list[str]
) -> None:
    if not row["video"]:
        raise FrameSelectError(f"{path}: line {line}: video is empty")
    for column in folds:
        if wrong := schema.check_split(row[column]):
            raise FrameSelectError(f"{path}: line {line}: video {row['video']!r}: {wrong}")
    for column in OPTIONAL:
        if column in columns and not row[column]:
            raise FrameSelectError(f"{path}: line {line}: {column} is empty")


def _targets(
    path: Path, ids: list[str], listed: Listed, columns: list[str], folds: list[str]
) -> np.ndarray:
    """[N, K] float32; 0 for unused videos with empty cells."""
    targets = np.zeros((len(ids), len(columns)), np.float32)
    for index, name in enumerate(ids):
        if name not in listed:
            continue
        line, row = listed[name]
        if not any(row[column] for column in (*columns, *folds)):
            continue
        for target, column in enumerate(columns):
            targets[index, target] = number(row[column], f"{path}: line {line}: {column}")
    return targets


def _sorted(names: set[str]) -> list[str]:
    if all(name.isdecimal() for name in names):
        return sorted(names, key=int)
    return sorted(names)
