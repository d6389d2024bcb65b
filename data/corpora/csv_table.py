"""A CSV of splits: columns video, split, optionally label or target.<name>, group, split.<fold>."""

from pathlib import Path

import numpy as np

from data.corpora.assignment import Assignment, Videos, unlisted_note
from data.corpora.folder_layout import ClassFolders, Layout, folder_layout
from data.corpora.text_files import number, read_table
from frame_select_env.cache import schema
from frame_select_env.errors import FrameSelectError

REQUIRED = ("video", "split")
OPTIONAL = ("label", "group")
FOLD_PREFIX = "split."
TARGET_PREFIX = "target."


def read_csv(path: Path, videos: Videos, class_folders: ClassFolders = "auto") -> Assignment:
    """Read a CSV of splits (UTF-8, comma-separated, with a header).

    `video` is the path below the folder, with or without suffix; `split` is train, val, test or
    empty. Columns split.<fold> define further folds. Without `label` and `group` the folders tell
    them, see `folder_layout`. Labels are class names; if all are numbers, they are sorted by value.
    Columns target.<name> contain numbers and select regression; they may be empty for unused
    videos.
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
    listed: dict[str, tuple[str, dict[str, str]]] = {}  # video -> file and line, cells
    for line, row in rows:
        where = f"{path}: line {line}"
        if not row["video"]:
            raise FrameSelectError(f"{where}: video is empty")
        for column in folds.values():
            if wrong := schema.check_split(row[column]):
                raise FrameSelectError(f"{where}: video {row['video']!r}: {wrong}")
        for column in OPTIONAL:
            if row.get(column) == "":
                raise FrameSelectError(f"{where}: {column} is empty")
        if video := videos.find(row["video"], where, taken=listed):
            listed[video] = where, row
    ids = videos.ids
    cells = [listed[name][1] if name in listed else {} for name in ids]
    layout = Layout(None)
    labels: list[str | None]
    if "label" in columns:
        labels = [row.get("label") for row in cells]
    elif targets:
        labels = []
    elif videos.folder.is_file():
        labels = [None] * len(ids)
    else:
        layout = folder_layout(videos.folder, ids, class_folders)
        labels = [*layout.labels] if layout.labels else [None] * len(ids)
    values = np.zeros((len(ids), len(targets)), np.float32)
    for index, name in enumerate(ids):
        where, row = listed.get(name, ("", {}))
        # The targets of unused videos may be empty.
        if any(row.get(column) for column in (*targets.values(), *folds.values())):
            for target, column in enumerate(targets.values()):
                values[index, target] = number(row[column], f"{where}: {column}")
    names = {label for label in labels if label is not None}
    used = (*REQUIRED, *OPTIONAL, *folds.values(), *targets.values())
    ignored = [column for column in columns if column not in used]
    notes = [f"{path.name}: ignored columns: {', '.join(ignored)}"] if ignored else []
    return Assignment(
        outputs=[*targets] or sorted(names, key=int if all(map(str.isdecimal, names)) else str),
        labels=labels,
        splits={fold: [row.get(column, "") for row in cells] for fold, column in folds.items()},
        groups=[row.get("group", "") for row in cells] if "group" in columns else layout.groups,
        targets=values if targets else None,
        notes=[*layout.notes, *notes] + unlisted_note(ids, listed),
        missing=videos.missing,
    )


def _prefixed(columns: list[str], prefix: str) -> dict[str, str]:
    """Name without the prefix -> column, for the columns with the prefix."""
    return {name.removeprefix(prefix): name for name in columns if name.startswith(prefix)}
