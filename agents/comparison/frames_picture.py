"""The picture of accuracy against the number of frames kept, for any number of labels."""

from pathlib import Path

from agents.comparison.board import Board
from agents.comparison.looks import BANDS, CURVES_HEIGHT, Look, looks, name_ends
from agents.evaluation import FIGURES, Interval
from agents.evaluation.curves import LABELS, LINE_HEIGHT
from agents.evaluation.style import INK, PALE, QUIET, picture

LINES = (
    "uniform",
    "random",
    "confidence",
    "window-confidence",
    "oracle",
)  # references worth a line among agents
LEVELS = {"all": "all frames", "pooled": "pooled features"}


def plot_frames(path: str | Path, board: Board) -> None:
    """Draw a line for every label and a few references over m, and a band for up to four labels.

    Args:
        path: The image to write.
        board: What to draw.

    Raises:
        FrameSelectError: if the file cannot be written.
    """
    figure = FIGURES[board.task][0]
    scale = 100.0 if board.task == "classification" else 1.0
    values = {
        (row.ranking, int(row.frames)): row.figures[figure]
        for row in board.evaluation.table
        if row.frames.isdigit()
    }
    levels = {
        row.ranking: scale * row.figures[figure].value
        for row in board.evaluation.table
        if row.frames == "all" and row.ranking in LEVELS
    }
    drawn = looks(list(board.runs)) | {name: Look(QUIET, "", "-") for name in LINES}
    drawn["oracle"] = Look(INK, "", ":")
    drawn = {name: look for name, look in drawn.items() if any(name == at[0] for at in values)}
    # Tall enough that all names stand apart.
    names = len(drawn) + len(levels)
    height = max(CURVES_HEIGHT, CURVES_HEIGHT * LINE_HEIGHT * (names + 4))
    with picture(path, 7.6, height) as canvas:
        axes = canvas.add_subplot()
        ends: list[tuple[float, str, str, bool]] = []
        for name, look in drawn.items():
            frames = sorted(m for other, m in values if other == name)
            line = [scale * values[name, m].value for m in frames]
            agent = name in board.runs
            if agent and len(board.runs) <= BANDS:
                band = [values[name, m] for m in frames]
                axes.fill_between(frames, *_edges(band, scale), color=look.colour, alpha=0.14, lw=0)
            axes.plot(
                frames,
                line,
                color=look.colour,
                linestyle=look.line,
                linewidth=2.2 if agent else 1.2,
                marker=look.marker or ".",
                markersize=6 if agent else 4,
                zorder=4 if agent else 3,
            )
            label = f"{name} (sees the label)" if name == "oracle" else name
            ends.append((line[-1], label, look.colour, agent))
        for name, level in levels.items():
            style = (INK, "-") if name == "all" else (QUIET, "--")
            axes.axhline(level, color=style[0], linewidth=1.2, linestyle=style[1])
            ends.append((level, LEVELS[name], style[0], False))
        axes.set_xticks(sorted({m for _, m in values}))
        axes.set(xlabel="frames kept of each video", ylabel=LABELS[figure])
        axes.grid(axis="y", color=PALE, linewidth=0.6)
        axes.set_axisbelow(True)
        axes.margins(x=0.03)
        # Fixed before the names are placed by it.
        axes.set_ylim(axes.get_ylim())
        name_ends(axes, ends, height)


def _edges(band: list[Interval], scale: float) -> tuple[list[float], list[float]]:
    return [scale * one.low for one in band], [scale * one.high for one in band]
