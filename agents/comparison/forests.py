"""Pictures of many figures with their intervals, one below the other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes

from agents.comparison.board import UNITS, Board, headline, labels_of
from agents.comparison.looks import looks, plain
from agents.comparison.statistics import Pair
from agents.evaluation import Interval
from agents.evaluation.style import INK, PALE, QUIET, picture

ACROSS = 3  # panels side by side
BESIDE = (
    "pooled",
    "window-confidence",
    "confidence",
    "uniform",
)  # references whose gain stands below the labels'
Row = tuple[str, ...]  # a label, or two
SURE, UNSURE = "#0072B2", "#8A8A8A"


@dataclass(frozen=True)
class Panel:
    """One panel: its title, its task, and the figures that it has by their row's names."""

    title: str
    task: str
    figures: Mapping[Row, Interval]


def plot_gains(path: str | Path, boards: Sequence[Board]) -> None:
    """Draw every label's gain over keeping all frames, a panel a board, with a few references.

    Raises:
        FrameSelectError: if the file cannot be written.
    """
    labels = labels_of(boards)
    colours = {name: look.colour for name, look in looks(labels).items()}
    panels = [Panel(board.title, board.task, _gains(board)) for board in boards]
    beside = [name for name in BESIDE if any((name,) in one.figures for one in panels)]
    rows: list[Row] = [(name,) for name in (*labels, *beside)]
    _forest(path, panels, rows, {row: colours.get(row[0], QUIET) for row in rows})


def plot_pairs(path: str | Path, groups: Sequence[Sequence[Pair]]) -> None:
    """Draw the difference of every two labels.

    Args:
        path: The image to write.
        groups: The pairs of each panel, all at the frames that are drawn.

    Raises:
        FrameSelectError: if the file cannot be written.
    """
    panels = [
        Panel(
            pairs[0].title,
            pairs[0].task,
            {(pair.first, pair.second): pair.difference for pair in pairs},
        )
        for pairs in groups
    ]
    _forest(path, panels, list(dict.fromkeys(row for panel in panels for row in panel.figures)))


def _gains(board: Board) -> dict[Row, Interval]:
    """The gains that the evaluation's table tells, at the frames that are looked at first."""
    at = headline([board], board.runs)
    return {
        (row.ranking,): row.figures["gain"]
        for row in board.evaluation.table
        if (row.ranking in board.runs and row.frames == at)
        or (row.ranking in BESIDE and row.frames in (at, "all"))
    }


def _forest(
    path: str | Path,
    panels: Sequence[Panel],
    rows: Sequence[Row],
    colours: Mapping[Row, str] | None = None,
) -> None:
    """Draw panels with the same rows, the first on top.

    Without colours of their own, figures are blue where the interval leaves zero out, else grey.
    """
    across = min(ACROSS, len(panels))
    down = -(-len(panels) // across)
    names = max(len(_name(row)) for row in rows)
    width = 0.075 * names + max(2.5 * across, 4.6) + 0.3
    with picture(path, width, down * (0.26 * len(rows) + 1.05)) as canvas:
        grid = canvas.subplots(down, across, sharey=True, squeeze=False).ravel()
        for axes, panel in zip(grid, panels, strict=False):
            _draw(axes, panel, rows, colours)
        for axes in grid[len(panels) :]:
            axes.set_visible(False)


def _draw(axes: Axes, panel: Panel, rows: Sequence[Row], colours: Mapping[Row, str] | None) -> None:
    scale = 100.0 if panel.task == "classification" else 1.0
    axes.axvline(0, color=INK, linewidth=1)
    for place, row in enumerate(rows):
        if row not in panel.figures:
            continue
        value, low, high = (
            scale * number
            for number in (
                panel.figures[row].value,
                panel.figures[row].low,
                panel.figures[row].high,
            )
        )
        colour = colours[row] if colours else (SURE if low > 0 or high < 0 else UNSURE)
        axes.plot([low, high], [place, place], color=colour, linewidth=2.2, solid_capstyle="butt")
        axes.plot([value], [place], color=colour, marker="o", markersize=6.5)
    axes.set_yticks(range(len(rows)), [_name(row) for row in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x", color=PALE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_title(plain(panel.title), fontsize=11)
    axes.set_xlabel(UNITS[panel.task], fontsize=10)


def _name(row: Row) -> str:
    return " − ".join(plain(name) for name in row)
