"""A CSV of splits: columns video and split, optionally label, group and split.<fold>."""

import csv
from pathlib import Path

from data.corpora.assignment import Assignment, find_video, folder_classes, unlisted_note
from frame_select_env.cache import check, schema
from frame_select_env.errors import FrameSelectError

REQUIRED = ("video", "split")
OPTIONAL = ("label", "group")
FOLD_PREFIX = "split."


def read_csv(path: Path, folder: Path, ids: list[str]) -> Assignment:
    """Read a CSV of splits (UTF-8, comma-separated, a header line).

    `video` is the path below the folder, with or without suffix; `split` is train, val, test or
    empty. Columns split.<fold> give further folds. Without `label` the class folder is the class;
    with it, labels are class names, numbers sorted by value.

    Raises:
        FrameSelectError: naming the file, the line, what is wrong and the remedy.
    """
    rows, columns = _rows(path)
    folds = {schema.DEFAULT_FOLD: "split"} | {
        column.removeprefix(FOLD_PREFIX): column
        for column in columns
        if column.startswith(FOLD_PREFIX)
    }
    listed: dict[str, dict[str, str]] = {}
    known = dict.fromkeys(ids)
    for line, row in rows:
        video = find_video(row["video"], known)
        if video is None:
            raise FrameSelectError(
                f"{path}: line {line}: video {row['video']!r} has no .npy file in {folder}"
            )
        if video in listed:
            raise FrameSelectError(f"{path}: line {line}: video {row['video']!r} stands twice")
        for column in folds.values():
            wrong = check.split(row[column])
            if wrong:
                raise FrameSelectError(f"{path}: line {line}: video {row['video']!r}: {wrong}")
        for column in OPTIONAL:
            if column in columns and not row[column]:
                raise FrameSelectError(f"{path}: line {line}: {column} is empty")
        listed[video] = row
    if not listed:
        raise FrameSelectError(f"{path}: lists no video")
    labels: list[str | None]
    if "label" in columns:
        labels = [listed[name]["label"] if name in listed else None for name in ids]
    else:
        labels = [*folder_classes(folder, ids)]
    ignored = [c for c in columns if c not in (*REQUIRED, *OPTIONAL, *folds.values())]
    notes = [f"{path.name}: ignored columns: {', '.join(ignored)}"] if ignored else []
    return Assignment(
        classes=_in_order({label for label in labels if label is not None}),
        labels=labels,
        splits={
            fold: [listed[name][column] if name in listed else "" for name in ids]
            for fold, column in folds.items()
        },
        groups=[listed[name]["group"] if name in listed else "" for name in ids]
        if "group" in columns
        else None,
        notes=notes + unlisted_note(ids, listed),
    )


def _rows(path: Path) -> tuple[list[tuple[int, dict[str, str]]], list[str]]:
    """Line numbers with stripped cells by column, and the columns."""
    try:
        # utf-8-sig: spreadsheets put a byte order mark before the first column's name.
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            columns = [column.strip() for column in reader.fieldnames or []]
            for column in REQUIRED:
                if column not in columns:
                    have = ", ".join(columns) or "nothing"
                    raise FrameSelectError(f"{path}: has no column {column!r}; it has {have}")
            reader.fieldnames = columns
            rows = []
            for row in reader:
                if None in row or None in row.values():
                    raise FrameSelectError(
                        f"{path}: line {reader.line_num}: has not {len(columns)} cells"
                    )
                rows.append((reader.line_num, {name: cell.strip() for name, cell in row.items()}))
    except (UnicodeDecodeError, csv.Error) as error:
        raise FrameSelectError(f"{path}: is not a UTF-8 CSV: {error}") from None
    return rows, columns


def _in_order(names: set[str]) -> list[str]:
    if all(name.isdecimal() for name in names):
        return sorted(names, key=int)
    return sorted(names)
