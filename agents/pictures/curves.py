"""The picture of the score against the number of frames kept."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from agents.evaluation.result import LEVELS, Evaluation, TableRow
from agents.pictures.style import (
    BANDS,
    INK,
    QUIET,
    LineStyle,
    line_styles,
    picture,
    plain,
    quiet_grid,
)
from frame_select_env.errors import FrameSelectError

# References with a line of their own; with more of them no line could be followed.
SHOWN = ("uniform", "random", "confidence", "window-confidence", "oracle")
CONSTANTS = {"all": "all frames", "pooled": "pooled features"}
YLABELS = {"accuracy": "accuracy, %", "pcc": "Pearson correlation", "mae": "mean absolute error"}
HEIGHT = 4.4  # inches
LABEL_GAP = 0.056 * HEIGHT  # inches between two labels at the ends of lines


@dataclass(frozen=True)
class EndLabel:
    """A name to write at the end of a line that ends at `value`."""

    value: float
    name: str
    colour: str
    bold: bool = False


def plot_curves(path: str | Path, evaluation: Evaluation, figure: str | None = None) -> None:
    """Draw a line for every agent and a few references over m, and bands for up to four agents.

    The suffix of `path` names the format (.png, .svg, .pdf). `figure` is "accuracy", or for a
    regression "pcc" or "mae"; None is the first of the task. The references are `SHOWN`, and for a
    single agent its untrained network.
    """
    possible = LEVELS[evaluation.task]
    figure = figure or possible[0]
    if figure not in possible:
        raise FrameSelectError(f"figure={figure!r}: this task has: {', '.join(possible)}")
    agents = evaluation.agents
    references = [f"untrained {agents[0]}", *SHOWN] if len(agents) == 1 else SHOWN
    lines: dict[str, list[TableRow]] = {}
    for row in evaluation.table:
        if row.frames.isdigit() and row.ranking in (*agents, *references):
            lines.setdefault(row.ranking, []).append(row)
    constants = [r for r in evaluation.table if r.frames == "all" and r.ranking in CONSTANTS]
    styles = line_styles(agents)
    scale = 100.0 if figure == "accuracy" else 1.0
    # Tall enough for all names to stand apart.
    height = max(HEIGHT, LABEL_GAP * (len(lines) + len(constants) + 4))
    with picture(path, 7.6, height) as canvas:
        axes = canvas.add_subplot()
        labels: list[EndLabel] = []
        for name, rows in lines.items():
            agent, oracle = name in agents, rows[0].kind == "oracle"
            reference = LineStyle(INK if oracle else QUIET, ".", ":" if oracle else "-")
            style = styles.get(name, reference)
            x = [int(row.frames) for row in rows]
            value, low, high = scale * np.transpose([astuple(row.figures[figure]) for row in rows])
            if agent and len(agents) <= BANDS:
                axes.fill_between(x, low, high, color=style.color, alpha=0.14, linewidth=0)
            width, size, order = (2.2, 6, 4) if agent else (1.2, 4, 3)
            axes.plot(x, value, **vars(style), linewidth=width, markersize=size, zorder=order)
            label = f"{name} (sees the label)" if oracle else name
            labels.append(EndLabel(float(value[-1]), label, style.color, agent))
        for row in constants:
            level, everything = scale * row.figures[figure].value, row.ranking == "all"
            colour = INK if everything else QUIET
            axes.axhline(level, color=colour, linewidth=1.2, linestyle="-" if everything else "--")
            labels.append(EndLabel(level, CONSTANTS[row.ranking], colour))
        axes.set_xticks(sorted({int(row.frames) for rows in lines.values() for row in rows}))
        axes.set(xlabel="frames kept of each video", ylabel=YLABELS[figure])
        cache = evaluation.settings.cache
        axes.set_title(f"{cache.path.stem}, {len(evaluation.rows)} {evaluation.split} videos")
        quiet_grid(axes)
        axes.margins(x=0.03)
        axes.set_ylim(axes.get_ylim())  # fixed before the labels are placed by it
        label_ends(axes, labels, height)


def label_ends(axes: Axes, labels: Sequence[EndLabel], height: float) -> None:
    """Write names right of the axes at the ends of their lines, moved apart where they overlap."""
    low, high = axes.get_ylim()
    ordered = sorted(labels, key=lambda label: (label.value, label.name))
    edges = [(label.value - low) / (high - low) for label in ordered]
    gap = LABEL_GAP / height
    for label, edge, moved in zip(ordered, edges, within(spread(edges, gap), gap), strict=True):
        axes.annotate(
            plain(label.name),
            (1.0, edge),
            (1.045, moved),
            xycoords="axes fraction",
            textcoords="axes fraction",
            color=label.colour,
            fontweight="bold" if label.bold else "normal",
            va="center",
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": label.colour,
                "linewidth": 0.8,
                "relpos": (0.0, 0.5),
                "shrinkA": 1,
                "shrinkB": 0,
            },
        )


def spread(positions: Sequence[float], gap: float) -> list[float]:
    """Move ascending positions at least `gap` apart, each cluster kept around its own middle."""
    clusters: list[tuple[float, int]] = []  # middle and count of positions that were joined
    for position in positions:
        clusters.append((position, 1))
        while len(clusters) > 1:
            (before, n), (after, m) = clusters[-2:]
            if after - before >= gap * (n + m) / 2:
                break
            clusters[-2:] = [((before * n + after * m) / (n + m), n + m)]
    return [
        middle + gap * (index - (count - 1) / 2)
        for middle, count in clusters
        for index in range(count)
    ]


def within(positions: Sequence[float], gap: float) -> list[float]:
    """Move ascending positions between 0 and 1, `gap` apart as far as there is room."""
    moved = list(positions)
    for index in range(len(moved) - 1, -1, -1):
        above = moved[index + 1] - gap if index + 1 < len(moved) else 1.0
        moved[index] = min(moved[index], above)
    for index in range(len(moved)):
        below = moved[index - 1] + gap if index else 0.0
        moved[index] = max(moved[index], below)
    return moved
