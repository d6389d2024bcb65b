"""The style of every picture: colours that colour-blind readers can tell apart, quiet axes."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from agents.evaluation.files import whole_file

# Okabe and Ito, "Color Universal Design" (2008), without black and yellow, and two more that are
# distinct from them; after eight agents the lines are dashed.
COLOURS = (
    *("#D55E00", "#0072B2", "#009E73", "#CC79A7"),
    *("#56B4E9", "#E69F00", "#5B3F99", "#7A5C2E"),
)
MARKERS = "os^DvPX*"
INK, QUIET, PALE = "#222222", "#767676", "#D9D9D9"
BANDS = 4  # more bands than these cannot be told apart
LONGEST = 44  # characters of a name
CURVES_HEIGHT = 4.4  # inches
LABEL_GAP = 0.056 * CURVES_HEIGHT  # inches between two labels at the ends of lines
YLABELS = {"accuracy": "accuracy, %", "pcc": "Pearson correlation", "mae": "mean absolute error"}

_RC: dict[Any, Any] = {
    "font.size": 11,
    "axes.edgecolor": QUIET,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
}


@dataclass(frozen=True)
class LineStyle:
    """Colour, marker and line style of one agent, the same in every picture."""

    colour: str
    marker: str
    line: str


@dataclass(frozen=True)
class EndLabel:
    """A name to write at the end of a line that ends at `value`."""

    value: float
    name: str
    colour: str
    bold: bool = False


@contextmanager
def picture(path: str | Path, width: float, height: float, dpi: int = 150) -> Iterator[Figure]:
    """A figure of `width` by `height` inches, saved to `path` when the block ends.

    It is drawn with Agg whatever the process's backend, and leaves Matplotlib's global state alone.
    """
    with mpl.rc_context(_RC), whole_file(path) as part:
        figure = Figure(figsize=(width, height), dpi=dpi, facecolor="white", layout="constrained")
        FigureCanvasAgg(figure)
        yield figure
        figure.savefig(part)


def line_styles(names: Sequence[str]) -> dict[str, LineStyle]:
    """A style for every name, by its index."""
    lines, count = ("-", "--", ":"), len(COLOURS)
    return {
        name: LineStyle(
            COLOURS[index % count],
            # Shifted by one each time round, so that 64 names have distinct styles.
            MARKERS[(index + index // count) % len(MARKERS)],
            lines[index // count % len(lines)],
        )
        for index, name in enumerate(names)
    }


def plain(text: str) -> str:
    r"""Text for Matplotlib, which would typeset text between two dollar signs as mathematics.

    Text longer than `LONGEST` loses its middle.
    """
    if len(text) > LONGEST:
        text = f"{text[: LONGEST - 16]}…{text[-15:]}"
    return text.replace("$", r"\$")


def quiet_grid(axes: Axes, axis: Any = "y") -> None:
    """Pale grid lines behind the data."""
    axes.grid(axis=axis, color=PALE, linewidth=0.6)
    axes.set_axisbelow(True)


def bare(axes: Axes) -> None:
    """Remove spines and ticks."""
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)


def label_ends(axes: Axes, labels: Sequence[EndLabel], height: float) -> None:
    """Write names right of the axes at the ends of their lines, moved apart where they overlap.

    Args:
        axes: The axes; their limits are final.
        labels: The names.
        height: Height of the picture, inches.
    """
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
