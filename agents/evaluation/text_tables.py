"""Tables of text: printed on the terminal, and as Markdown; how figures are written in them."""

import sys
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Literal

from rich import box
from rich.console import Console
from rich.table import Table

from agents.evaluation.intervals import Interval

PIPED_WIDTH = 80
NAME_WIDTH = 30  # of the first column; longer names go on in the next line
BETWEEN, EDGES = 3, 2  # blanks between two columns of a printed table, and at its edges


@dataclass(frozen=True)
class TextTable:
    """A table of text."""

    heading: Sequence[str]
    rows: Sequence[Sequence[str]]
    kinds: Sequence[str] = ()  # of each row: "agent", "reference", "oracle"; empty if all are alike
    shades: Sequence[Sequence[float]] = ()  # of each cell, -1 to 1: how far below or above zero


def wide_console() -> Console:
    """Standard output; where it is no terminal, of 80 columns."""
    return Console(width=None if sys.stdout.isatty() else PIPED_WIDTH)


def print_text_table(text: TextTable, title: str, console: Console | None = None) -> None:
    """Print a table of text, with a line before each change from one kind of rows to another.

    Columns that do not fit beside each other follow below, each time beside the names of the rows
    that have such cells.
    """
    console = console or wide_console()
    groups = column_groups(text, console.width)
    for columns in groups:
        table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
        table.min_width = min(len(title), console.width)  # else it wraps above few columns
        for index in columns:
            justify: Literal["left", "right"] = "right" if index else "left"
            table.add_column(text.heading[index], justify=justify, overflow="fold")
        table.columns[0].max_width = NAME_WIDTH
        before = "reference"
        for row, kind in zip(text.rows, text.kinds or [before] * len(text.rows), strict=True):
            cells = [row[index] for index in columns]
            if len(groups) > 1 and not any(cells[1:]):
                continue
            if kind != before:
                table.add_section()
            before = kind
            table.add_row(*cells, style={"agent": "bold", "oracle": "dim"}.get(kind))
        console.print(table)
        title = ""


def column_groups(text: TextTable, width: int) -> list[list[int]]:
    """The columns that fit beside each other in `width` characters, always with the first one."""
    widths = [max(map(len, column)) for column in zip(text.heading, *text.rows, strict=True)]
    widths[0] = min(widths[0], NAME_WIDTH)
    groups = [[0]]
    used = start = widths[0] + EDGES
    for index, own in enumerate(widths[1:], start=1):
        if used + BETWEEN + own > width and len(groups[-1]) > 1:
            groups.append([0])
            used = start
        groups[-1].append(index)
        used += BETWEEN + own
    return groups


def markdown_table(table: TextTable) -> str:
    """A table as Markdown, numbers right-aligned, the first two cells of agents in bold."""
    lines = [_markdown_row(table.heading), "|---|" + "---:|" * (len(table.heading) - 1)]
    for index, row in enumerate(table.rows):
        lines.append(_markdown_row(row, bold=bool(table.kinds) and table.kinds[index] == "agent"))
    return "\n".join(lines)


def markdown_text(text: str) -> str:
    """Text on one line that ends no table cell and starts neither code nor HTML."""
    text = " ".join(text.split()).replace("\\", "\\\\").replace("|", "\\|")
    return text.replace("`", "\\`").replace("<", "&lt;")


def _markdown_row(cells: Sequence[str], bold: bool = False) -> str:
    texts = [markdown_text(cell) for cell in cells]
    if bold:
        texts[:2] = [f"**{text}**" if text else "" for text in texts[:2]]
    return "| " + " | ".join(texts) + " |"


def number_text(value: float, percent: bool, signed: bool = False, digits: int = 3) -> str:
    """A figure as the tables show it: one digit in percent, otherwise `digits`."""
    sign = "+" if signed else ""  # "z" below: a rounded -0.0 is 0.0
    return f"{100 * value:{sign}z.1f}" if percent else f"{value:{sign}z.{digits}f}"


def interval_text(figure: Interval, name: str, percent: bool, digits: int = 3) -> str:
    """A figure called `name` with its interval; gains have a sign."""
    numbers = [number_text(one, percent, name == "gain", digits) for one in astuple(figure)]
    return "{} [{}, {}]".format(*numbers)
