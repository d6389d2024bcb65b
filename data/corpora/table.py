"""Reading a CSV with a header line."""

import csv
from pathlib import Path

from frame_select_env.errors import FrameSelectError


def read_table(
    path: Path, required: tuple[str, ...]
) -> tuple[list[tuple[int, dict[str, str]]], list[str]]:
    """Read a CSV (UTF-8, comma-separated).

    Args:
        path: The file.
        required: The columns that it must have.

    Returns:
        Line numbers with stripped cells by column, and the columns.

    Raises:
        FrameSelectError: naming the file, the column or line, and what is wrong.
    """
    try:
        # utf-8-sig: spreadsheets put a byte order mark before the first column's name.
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            columns = [column.strip() for column in reader.fieldnames or []]
            for column in required:
                if column not in columns:
                    have = ", ".join(columns) or "nothing"
                    raise FrameSelectError(f"{path}: has no column {column!r}; it has {have}")
            twice = [column for column in columns if columns.count(column) > 1]
            if twice:
                raise FrameSelectError(f"{path}: the column {twice[0]!r} stands twice")
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
    except OSError as error:
        raise FrameSelectError(f"{path}: cannot be read: {error.strerror}") from None
    return rows, columns


def number(cell: str, where: str) -> float:
    """The finite number in a cell.

    Args:
        cell: The text.
        where: File, line and column, for the message.

    Raises:
        FrameSelectError: if it is none.
    """
    try:
        value = float(cell)
    except ValueError:
        value = float("nan")
    if not abs(value) < float("inf"):
        raise FrameSelectError(f"{where}: {cell!r} is not a finite number")
    return value
