"""The picture of the score against the number of frames kept."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from agents.evaluation.result import LEVELS, Evaluation, TableRow
from agents.pictures.style import (
    BANDS,
    CURVES_HEIGHT,
    INK,
    LABEL_GAP,
    QUIET,
    YLABELS,
    EndLabel,
    LineStyle,
    label_ends,
    line_styles,
    picture,
    quiet_grid,
)
from frame_select_env.errors import FrameSelectError

# References with a line of their own; with more of them no line could be followed.
SHOWN = ("uniform", "random", "confidence", "window-confidence", "oracle")
CONSTANTS = {"all": "all frames", "pooled": "pooled features"}


def plot_curves(
    path: str | Path,
    evaluation: Evaluation,
    figure: str | None = None,
    references: Sequence[str] | None = None,
) -> None:
    """Draw a line for every agent and a few references over m, and bands for up to four agents.

    Args:
        path: The image to write; its suffix names the format (.png, .svg, .pdf).
        evaluation: The evaluation to draw.
        figure: "accuracy"; for a regression "pcc" or "mae". None: the first of the task.
        references: References to draw. None: `SHOWN`, and for a single agent its untrained network.
    """
    possible = LEVELS[evaluation.task]
    figure = figure or possible[0]
    if figure not in possible:
        raise FrameSelectError(f"figure={figure!r}: this task has: {', '.join(possible)}")
    agents = evaluation.agents
    if references is None:
        references = [f"untrained {agents[0]}", *SHOWN] if len(agents) == 1 else SHOWN
    lines: dict[str, list[TableRow]] = {}
    for row in sorted((r for r in evaluation.table if r.frames.isdigit()), key=_frames):
        if row.ranking in agents or row.ranking in references:
            lines.setdefault(row.ranking, []).append(row)
    constants = [r for r in evaluation.table if r.frames == "all" and r.ranking in CONSTANTS]
    styles = line_styles(agents)
    scale = 100.0 if figure == "accuracy" else 1.0
    # Tall enough for all names to stand apart.
    height = max(CURVES_HEIGHT, LABEL_GAP * (len(lines) + len(constants) + 4))
    with picture(path, 7.6, height) as canvas:
        axes = canvas.add_subplot()
        labels: list[EndLabel] = []
        for name, rows in lines.items():
            agent, oracle = name in agents, rows[0].kind == "oracle"
            style = styles.get(name) or LineStyle(
                INK if oracle else QUIET, ".", ":" if oracle else "-"
            )
            x = [_frames(row) for row in rows]
            value, low, high = (
                scale * np.array([getattr(row.figures[figure], end) for row in rows])
                for end in ("value", "low", "high")
            )
            if agent and len(agents) <= BANDS:
                axes.fill_between(x, low, high, color=style.colour, alpha=0.14, linewidth=0)
            axes.plot(
                x,
                value,
                color=style.colour,
                linestyle=style.line,
                linewidth=2.2 if agent else 1.2,
                marker=style.marker,
                markersize=6 if agent else 4,
                zorder=4 if agent else 3,
            )
            label = f"{name} (sees the label)" if oracle else name
            labels.append(EndLabel(float(value[-1]), label, style.colour, agent))
        for row in constants:
            level, everything = scale * row.figures[figure].value, row.ranking == "all"
            colour = INK if everything else QUIET
            axes.axhline(level, color=colour, linewidth=1.2, linestyle="-" if everything else "--")
            labels.append(EndLabel(level, CONSTANTS[row.ranking], colour))
        axes.set_xticks(sorted({_frames(row) for rows in lines.values() for row in rows}))
        axes.set(xlabel="frames kept of each video", ylabel=YLABELS[figure])
        cache = evaluation.settings.cache
        axes.set_title(f"{cache.path.stem}, {len(evaluation.rows)} {evaluation.split} videos")
        quiet_grid(axes)
        axes.margins(x=0.03)
        axes.set_ylim(axes.get_ylim())  # fixed before the labels are placed by it
        label_ends(axes, labels, height)


def _frames(row: TableRow) -> int:
    return int(row.frames)
