"""summary.md: the tables of a comparison as Markdown."""

from collections.abc import Sequence
from pathlib import Path

from agents.comparison.board import Board
from agents.comparison.cells import Cells, run_cells, time_cells
from agents.comparison.sections import (
    IQM,
    MATRIX,
    PAIRS,
    aggregate_tables,
    all_notes,
    comparisons,
)
from agents.comparison.statistics import aggregates
from agents.evaluation.files import whole_file
from agents.evaluation.tables import markdown


def write_summary(
    path: str | Path, boards: Sequence[Board], command: str, notes: Sequence[str] = ()
) -> None:
    """Write the tables of a comparison as Markdown.

    Args:
        path: The file.
        boards: What was found.
        command: The command line that makes it again.
        notes: What else a reader must know, a line each.

    Raises:
        FrameSelectError: if the file cannot be written.
    """
    with whole_file(path) as part:
        part.write_text(summary(boards, command, notes), encoding="utf-8")


def summary(boards: Sequence[Board], command: str, notes: Sequence[str] = ()) -> str:
    """The same as text."""
    parts = ["# Comparison", table(run_cells(boards))]
    for task, frames, cells in aggregate_tables(aggregates(boards), boards):
        parts += [f"## All data: {task}, {_at(frames)}", table(cells), f"- {IQM}"]
    for board in boards:
        parts += [f"## {_escaped(board.title)}", markdown(board.shown).rstrip()]
    found = comparisons(boards)
    if found:
        parts.append("## Every two agents")
    for one in found:
        parts.append(f"### {_escaped(one.title)}, {_at(one.frames)}")
        for title, cells in one.tables:
            parts += [f"{title}:" if title else "", table(cells)]
    if found:
        parts.append("\n".join(f"- {line}" for line in _explained(found[0].tables)))
    parts.append("## What training took (means of a run)")
    for board in boards:
        parts += [f"### {_escaped(board.title)}", table(time_cells(board))]
    told = all_notes(boards, notes)
    if told:
        parts += ["## Notes", "\n".join(f"- {_escaped(note)}" for note in told)]
    # Indented, not fenced: nothing in the command can end the block.
    lines = command.splitlines() or [""]
    parts += ["## How to make it again", "\n".join(f"    {line}" for line in lines)]
    return "\n\n".join(part for part in parts if part) + "\n"


def table(cells: Cells) -> str:
    """A table as Markdown, numbers to the right."""
    lines = [_row(cells.heading), "|---|" + "---:|" * (len(cells.heading) - 1)]
    return "\n".join([*lines, *(_row(row) for row in cells.rows)])


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(_escaped(cell) for cell in cells) + " |"


def _escaped(text: str) -> str:
    """Text that ends no cell and opens neither code nor HTML, in one line."""
    text = " ".join(text.split()).replace("\\", "\\\\").replace("|", "\\|")
    return text.replace("`", "\\`").replace("<", "&lt;")


def _at(frames: str) -> str:
    return f"at {frames} frames" if frames.isdigit() else f"`{frames}`"


def _explained(tables: Sequence[tuple[str, Cells]]) -> list[str]:
    return [MATRIX] if len(tables) > 1 else [PAIRS]
