"""Pictures of many figures with their intervals, one below the other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes

from agents.comparison.results import UNITS, DataSetResults, headline, labels_of
from agents.comparison.statistics import Pair
from agents.evaluation import Interval
from agents.pictures.style import INK, QUIET, line_styles, picture, plain, quiet_grid

COLUMNS = 3  # panels in a row
REFERENCES = ("pooled", "window-confidence", "confidence", "uniform")  # drawn below the agents
Names = tuple[str, ...]  # of a row: a label, or two
SURE, UNSURE = "#0072B2", "#8A8A8A"


@dataclass(frozen=True)
class Panel:
    """One panel: its title, its task, and its figures by the names of their rows."""

    title: str
    task: str
    figures: Mapping[Names, Interval]


def plot_gains(path: str | Path, data_sets: Sequence[DataSetResults]) -> None:
    """Draw the gain of every label and a few references over all frames, a panel per data set."""
    labels = labels_of(data_sets)
    colours = {name: style.color for name, style in line_styles(labels).items()}
    panels = []
    for data_set in data_sets:
        at = headline([data_set], data_set.runs)
        figures: dict[Names, Interval] = {
            (row.ranking,): row.figures["gain"]
            for row in data_set.evaluation.table
            if (row.ranking in data_set.runs and row.frames == at)
            or (row.ranking in REFERENCES and row.frames in (at, "all"))
        }
        panels.append(Panel(data_set.title, data_set.task, figures))
    drawn = [name for name in REFERENCES if any((name,) in one.figures for one in panels)]
    rows: list[Names] = [(name,) for name in (*labels, *drawn)]
    _forest(path, panels, rows, {row: colours.get(row[0], QUIET) for row in rows})


def plot_pairs(path: str | Path, groups: Sequence[Sequence[Pair]]) -> None:
    """Draw the difference of every two labels.

    Args:
        path: The image to write.
        groups: The pairs of each panel, all at the same number of frames.
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


def _forest(
    path: str | Path,
    panels: Sequence[Panel],
    rows: Sequence[Names],
    colours: Mapping[Names, str] | None = None,
) -> None:
    """Draw panels with the same rows, the first on top.

    Without given colours a figure is blue if its interval excludes zero, else grey.
    """
    across = min(COLUMNS, len(panels))
    down = -(-len(panels) // across)
    longest = max(len(_text(row)) for row in rows)
    width = 0.075 * longest + max(2.5 * across, 4.6) + 0.3
    with picture(path, width, down * (0.26 * len(rows) + 1.05)) as canvas:
        grid = canvas.subplots(down, across, sharey=True, squeeze=False).ravel()
        for axes, panel in zip(grid, panels, strict=False):
            _draw(axes, panel, rows, colours)
        for axes in grid[len(panels) :]:
            axes.set_visible(False)


def _draw(
    axes: Axes, panel: Panel, rows: Sequence[Names], colours: Mapping[Names, str] | None
) -> None:
    scale = 100.0 if panel.task == "classification" else 1.0
    axes.axvline(0, color=INK, linewidth=1)
    for index, row in enumerate(rows):
        figure = panel.figures.get(row)
        if figure is None:
            continue
        value, low, high = (scale * x for x in (figure.value, figure.low, figure.high))
        colour = colours[row] if colours else (SURE if low > 0 or high < 0 else UNSURE)
        axes.plot([low, high], [index, index], color=colour, linewidth=2.2, solid_capstyle="butt")
        axes.plot([value], [index], color=colour, marker="o", markersize=6.5)
    axes.set_yticks(range(len(rows)), [_text(row) for row in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.spines["left"].set_visible(False)
    quiet_grid(axes, "x")
    axes.set_title(plain(panel.title), fontsize=11)
    axes.set_xlabel(UNITS[panel.task], fontsize=10)


def _text(row: Names) -> str:
    return " − ".join(plain(name) for name in row)
