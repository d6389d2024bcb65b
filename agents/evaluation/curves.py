"""The picture of accuracy against the number of frames kept."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from agents.evaluation.evaluation import Evaluation
from agents.evaluation.rows import FIGURES, Row
from agents.evaluation.style import (
    AGENT_COLOURS,
    INK,
    PALE,
    QUIET,
    REFERENCE_COLOURS,
    picture,
)
from frame_select_env.errors import FrameSelectError

LABELS = {"accuracy": "accuracy, %", "pcc": "Pearson correlation", "mae": "mean absolute error"}
# References that the table has and the picture leaves out: with them no line can be followed.
LEFT_OUT = ("centre", "entropy", "motion", "cumulative-motion")
LINE_HEIGHT = 0.056  # of the axes' height: the least distance between two labels


def plot_curves(path: str | Path, evaluation: Evaluation, figure: str | None = None) -> None:
    """Draw one line a ranking over the fixed m, a band for each agent, and keeping all frames.

    Args:
        path: The image to write; its suffix names the format (.png, .svg, .pdf).
        evaluation: What to draw.
        figure: "accuracy"; for a regression "pcc" or "mae". None: the first the task has.

    Raises:
        FrameSelectError: for a figure the task does not have, or if the file cannot be written.
    """
    possible = [name for name in FIGURES[evaluation.setting.cache.task] if "gain" not in name]
    figure = figure or possible[0]
    if figure not in possible:
        raise FrameSelectError(f"figure is {figure!r}; this task has: {', '.join(possible)}")
    scale = 100.0 if figure == "accuracy" else 1.0
    with picture(path, 7.2, 4.4) as canvas:
        axes = canvas.add_subplot()
        ends: list[tuple[float, str, str, bool]] = []
        for name, rows, colour, agent in _lines(evaluation):
            frames = [int(row.frames) for row in rows]
            values = scale * np.array([row.figures[figure].value for row in rows])
            if agent:
                low = scale * np.array([row.figures[figure].low for row in rows])
                high = scale * np.array([row.figures[figure].high for row in rows])
                axes.fill_between(frames, low, high, color=colour, alpha=0.16, linewidth=0)
            axes.plot(
                frames,
                values,
                color=colour,
                linewidth=2.6 if agent else 1.4,
                linestyle=":" if rows[0].kind == "oracle" else "-",
                marker="o",
                markersize=6 if agent else 3.5,
                zorder=4 if agent else 3,
            )
            label = f"{name} (sees the label)" if rows[0].kind == "oracle" else name
            ends.append((float(values[-1]), label, colour, agent))
        for row in evaluation.table:
            if row.frames == "all" and row.ranking in ("all", "pooled"):
                level = scale * row.figures[figure].value
                whole = row.ranking == "all"
                style = "-" if whole else (0, (6, 3))
                axes.axhline(level, color=INK if whole else QUIET, linewidth=1.2, linestyle=style)
                label = "all frames" if whole else "pooled features"
                ends.append((level, label, INK if whole else QUIET, False))
        _finish(axes, evaluation, LABELS[figure])
        _direct_labels(axes, ends)


def _lines(evaluation: Evaluation) -> Iterator[tuple[str, list[Row], str, bool]]:
    """Name, rows of fixed m in rising order, colour and whether it is an agent."""
    by_name: dict[str, list[Row]] = {}
    for row in evaluation.table:
        if row.frames.isdigit() and row.ranking not in LEFT_OUT:
            by_name.setdefault(row.ranking, []).append(row)
    agents, references = 0, 0
    for name, rows in by_name.items():
        agent = name in evaluation.agents
        if agent:
            colour = AGENT_COLOURS[agents % len(AGENT_COLOURS)]
            agents += 1
        elif rows[0].kind == "oracle":
            colour = INK
        else:
            colour = REFERENCE_COLOURS[references % len(REFERENCE_COLOURS)]
            references += 1
        yield name, sorted(rows, key=lambda row: int(row.frames)), colour, agent


def _finish(axes: Axes, evaluation: Evaluation, label: str) -> None:
    frames = sorted({int(row.frames) for row in evaluation.table if row.frames.isdigit()})
    axes.set_xticks(frames)
    axes.set(xlabel="frames kept of each video", ylabel=label)
    axes.grid(axis="y", color=PALE, linewidth=0.6)
    axes.set_axisbelow(True)
    cache = evaluation.setting.cache
    axes.set_title(f"{cache.path.stem}, {len(evaluation.rows)} {evaluation.split} videos")
    axes.margins(x=0.03)


def _direct_labels(axes: Axes, ends: list[tuple[float, str, str, bool]]) -> None:
    """Write each line's name beside its end, moved apart where names would overlap."""
    low, high = axes.get_ylim()
    axes.set_ylim(low, high)
    ends = sorted(ends, key=lambda end: end[0])
    places = spread([(end[0] - low) / (high - low) for end in ends], LINE_HEIGHT)
    for (value, name, colour, agent), place in zip(ends, places, strict=True):
        edge = (value - low) / (high - low)
        axes.plot(
            [1.0, 1.035],
            [edge, place],
            transform=axes.transAxes,
            color=colour,
            linewidth=0.8,
            clip_on=False,
        )
        axes.text(
            1.045,
            place,
            name,
            transform=axes.transAxes,
            color=colour,
            fontweight="bold" if agent else "normal",
            va="center",
        )


def spread(places: list[float], gap: float) -> list[float]:
    """Move rising places apart to at least `gap`, each cluster kept around its own middle."""
    clusters: list[list[float]] = []  # [middle, count] of places that have been put together
    for place in places:
        clusters.append([place, 1])
        while len(clusters) > 1:
            (before, n), (after, m) = clusters[-2:]
            if after - before >= gap * (n + m) / 2:
                break
            clusters[-2:] = [[(before * n + after * m) / (n + m), n + m]]
    return [
        middle + gap * (place - (count - 1) / 2)
        for middle, count in clusters
        for place in range(int(count))
    ]
