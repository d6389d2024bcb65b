"""Pictures of many figures with their intervals, one below the other."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

from agents.comparison.results import UNITS, DataSetResults, headline, labels_of
from agents.comparison.statistics import Pair
from agents.evaluation.intervals import Interval
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
    panels = []
    for one in data_sets:
        at = headline([one], one.runs)
        figures: dict[Names, Interval] = {
            (row.ranking,): row.figures["gain"]
            for row in one.evaluation.table
            if (row.ranking in one.runs and row.frames == at)
            or (row.ranking in REFERENCES and row.frames in (at, "all"))
        }
        panels.append(Panel(one.title, one.task, figures))
    styles = line_styles(labels_of(data_sets))
    colours: dict[Names, str] = {(name,): style.color for name, style in styles.items()}
    for name in REFERENCES:
        if any((name,) in panel.figures for panel in panels):
            colours.setdefault((name,), QUIET)
    _forest(path, panels, colours)


def plot_pairs(path: str | Path, groups: Sequence[Sequence[Pair]]) -> None:
    """Draw the difference of every two labels, blue if its interval excludes zero, else grey.

    `groups` are the pairs of each panel, all at the same number of frames.
    """
    panels = []
    for pairs in groups:
        figures: dict[Names, Interval] = {(one.first, one.second): one.difference for one in pairs}
        panels.append(Panel(pairs[0].title, pairs[0].task, figures))
    _forest(path, panels, dict.fromkeys(row for panel in panels for row in panel.figures))


def _forest(path: str | Path, panels: Sequence[Panel], rows: Mapping[Names, str | None]) -> None:
    """Draw panels with the same `rows`, given with their colours, the first on top."""
    texts = [" − ".join(map(plain, row)) for row in rows]
    across = min(COLUMNS, len(panels))
    down = -(-len(panels) // across)
    width = 0.075 * max(map(len, texts)) + max(2.5 * across, 4.6) + 0.3
    with picture(path, width, down * (0.26 * len(rows) + 1.05)) as canvas:
        grid = canvas.subplots(down, across, sharey=True, squeeze=False).ravel()
        for axes in grid[len(panels) :]:
            axes.set_visible(False)
        for axes, panel in zip(grid, panels, strict=False):
            scale = 100.0 if panel.task == "classification" else 1.0
            axes.axvline(0, color=INK, linewidth=1)
            for index, (row, given) in enumerate(rows.items()):
                if row not in panel.figures:
                    continue
                value, low, high = (scale * end for end in astuple(panel.figures[row]))
                colour = given or (SURE if low > 0 or high < 0 else UNSURE)
                ends = [low, high], [index, index]
                axes.plot(*ends, color=colour, linewidth=2.2, solid_capstyle="butt")
                axes.plot([value], [index], color=colour, marker="o", markersize=6.5)
            axes.set_yticks(range(len(rows)), texts)
            axes.set_ylim(len(rows) - 0.4, -0.6)
            axes.tick_params(axis="y", length=0, labelcolor=INK)
            axes.spines["left"].set_visible(False)
            quiet_grid(axes, "x")
            axes.set_title(plain(panel.title), fontsize=11)
            axes.set_xlabel(UNITS[panel.task], fontsize=10)
