"""report.html: a comparison as one page that needs nothing beside it."""

import base64
import tempfile
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from agents.comparison.board import Board, labels_of
from agents.comparison.cells import board_cells, data_cells, run_cells, time_cells
from agents.comparison.pictures import Picture, draw_pictures
from agents.comparison.sections import (
    HOW_TO_READ,
    IQM,
    MATRIX,
    PAIRS,
    aggregate_tables,
    all_notes,
    comparisons,
)
from agents.comparison.statistics import aggregates
from agents.evaluation.files import whole_file

TEMPLATE = "report.html.jinja"
RIGHT, LEFT = "0, 114, 178", "213, 94, 0"  # blue above zero, vermilion below
SCREEN_DPI, PICTURE_DPI = 96, 150  # the latter is the default of style.picture
STRONGEST = 0.45  # opacity of a shade, at which text can be read on light and dark


def write_report(
    path: str | Path,
    boards: Sequence[Board],
    command: str,
    notes: Sequence[str] = (),
    pictures: Sequence[Picture] | None = None,
) -> None:
    """Write a comparison as a page of its own: no script, nothing to load, pictures inside.

    Args:
        path: The file.
        boards: What was found.
        command: The command line that makes it again.
        notes: What else a reader must know, a line each.
        pictures: What `draw_pictures` returned of these boards; None to draw them.

    Raises:
        FrameSelectError: if the file cannot be written.
    """
    if pictures is not None:
        text = page(boards, command, notes, pictures)
    else:
        with tempfile.TemporaryDirectory() as folder:
            text = page(boards, command, notes, draw_pictures(folder, boards))
    with whole_file(path) as part:
        part.write_text(text, encoding="utf-8")


def page(
    boards: Sequence[Board], command: str, notes: Sequence[str], pictures: Sequence[Picture]
) -> str:
    """The page as text; all that comes from data is escaped."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "at": _at,
        "tint": _tint,
        "data_uri": _data_uri,
        "width": _width,
        "words": _words,
    }
    return environment.get_template(TEMPLATE).render(
        title=f"Comparison: {'; '.join(board.title for board in boards)}",
        boards=boards,
        labels=len(labels_of(boards)),
        runs=sum(len(runs) for board in boards for runs in board.runs.values()),
        how_to_read=HOW_TO_READ,
        data=data_cells(boards),
        trained=run_cells(boards),
        aggregated=aggregate_tables(aggregates(boards), boards),
        compared=comparisons(boards),
        headlines=[board_cells(board) for board in boards],
        pictures=pictures,
        times=[time_cells(board) for board in boards],
        notes=all_notes(boards, notes),
        command=command,
        explained_iqm=IQM,
        explained_pairs=PAIRS,
        explained_matrix=MATRIX,
    )


def _at(frames: str) -> str:
    return f"at {frames} frames" if frames.isdigit() else f"at “{frames}”"


def _tint(shade: float) -> str:
    """A CSS colour for -1 to 1."""
    return f"rgba({RIGHT if shade > 0 else LEFT}, {STRONGEST * min(abs(shade), 1.0):.2f})"


def _data_uri(path: Path) -> str:
    return f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}"


def _width(path: Path) -> int:
    """The width in CSS pixels at which a picture's text is as large as the page's."""
    # Of a PNG file, bytes 16 to 19 are the width in pixels (PNG specification, 11.2.1 IHDR).
    return round(int.from_bytes(path.read_bytes()[16:20], "big") * SCREEN_DPI / PICTURE_DPI)


def _words(text: str) -> Markup:
    """Text as HTML, what is between backticks as code."""
    parts = text.split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if place % 2 else Markup("{}").format(part)
        for place, part in enumerate(parts)
    )
