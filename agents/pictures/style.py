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

from frame_select_env.storage import whole_file

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
    "text.parse_math": False,  # a dollar sign in a name is a dollar sign
}


@dataclass(frozen=True)
class LineStyle:
    """How the line of one agent looks in every picture, as keywords of `Axes.plot`."""

    color: str
    marker: str
    linestyle: str


@contextmanager
def picture(path: str | Path, width: float, height: float) -> Iterator[Figure]:
    """A figure of `width` by `height` inches, saved to `path` when the block ends."""
    # With Agg whatever the process's backend, and without touching Matplotlib's global state.
    with mpl.rc_context(_RC), whole_file(path) as part:
        figure = Figure(figsize=(width, height), dpi=150, facecolor="white", layout="constrained")
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
    """Text without its middle, if it is longer than `LONGEST`."""
    return f"{text[: LONGEST - 16]}…{text[-15:]}" if len(text) > LONGEST else text


def quiet_grid(axes: Axes, axis: Any = "y") -> None:
    """Pale grid lines behind the data."""
    axes.grid(axis=axis, color=PALE, linewidth=0.6)
    axes.set_axisbelow(True)
