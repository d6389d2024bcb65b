"""Reading text, CSV and JSON files."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from frame_select_env.errors import FrameSelectError

ENCODING = "utf-8-sig"  # editors and spreadsheets may write a byte order mark


def read_lines(file: Path) -> Iterator[tuple[int, str]]:
    """Line numbers from 1 and stripped lines, without empty ones."""
    try:
        text = file.read_text(encoding=ENCODING)
    except FileNotFoundError:
        raise FrameSelectError(f"{file}: is missing") from None
    except (OSError, UnicodeDecodeError) as error:
        raise FrameSelectError(f"{file}: cannot be read as UTF-8 text: {error}") from None
    for line, content in enumerate(text.splitlines(), start=1):
        if content.strip():
            yield line, content.strip()


def read_table(
    path: Path, required: tuple[str, ...]
) -> tuple[list[tuple[int, dict[str, str]]], list[str]]:
    """The rows of a CSV (UTF-8), as line numbers and stripped cells by column; and the columns."""
    try:
        with path.open(encoding=ENCODING, newline="") as file:
            reader = csv.DictReader(file, strict=True)
            columns = [column.strip() for column in reader.fieldnames or []]
            for column in required:
                if column not in columns:
                    have = ", ".join(columns) or "none"
                    raise FrameSelectError(f"{path}: has no column {column!r}; columns: {have}")
            duplicates = [column for column in columns if columns.count(column) > 1]
            if duplicates:
                raise FrameSelectError(f"{path}: the column {duplicates[0]!r} is duplicated")
            reader.fieldnames = columns
            rows = []
            for row in reader:
                if None in row or None in row.values():
                    raise FrameSelectError(
                        f"{path}: line {reader.line_num}: expected {len(columns)} cells"
                    )
                rows.append((reader.line_num, {name: cell.strip() for name, cell in row.items()}))
    except (UnicodeDecodeError, csv.Error) as error:
        raise FrameSelectError(f"{path}: is not a UTF-8 CSV: {error}") from None
    except OSError as error:
        raise FrameSelectError(f"{path}: cannot be read: {error.strerror}") from None
    return rows, columns


def read_json(file: Path) -> Any:
    """The contents of a JSON file."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise FrameSelectError(f"{file}: cannot be read as JSON: {error}") from None


def number(cell: str, where: str) -> float:
    """The finite number in a cell."""
    try:
        value = float(cell)
    except ValueError:
        value = float("nan")
    if not abs(value) < float("inf"):
        raise FrameSelectError(f"{where}: {cell!r} is not a finite number")
    return value
