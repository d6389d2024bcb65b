"""How every picture looks: colours that colour-blind readers tell apart, quiet axes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from agents.evaluation.files import whole_file

# Okabe and Ito, "Color Universal Design" (2008), without black and yellow.
AGENT_COLOURS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7")
REFERENCE_COLOURS = (
    *("#56B4E9", "#8A6D3B", "#E69F00", "#8C6BB1", "#44AA99"),
    *("#BB7799", "#999933", "#6A8CAF", "#C2A25B", "#7FBF7B"),
)
INK, QUIET, PALE = "#222222", "#767676", "#D9D9D9"

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


@contextmanager
def picture(path: str | Path, width: float, height: float, dpi: int = 150) -> Iterator[Figure]:
    """A figure of `width` by `height` inches, saved to `path` when the block ends.

    It is drawn with Agg, whatever the process's backend, and no global state is left changed.

    Raises:
        FrameSelectError: if the file cannot be written.
    """
    with mpl.rc_context(_RC), whole_file(path) as part:
        figure = Figure(figsize=(width, height), dpi=dpi, facecolor="white", layout="constrained")
        FigureCanvasAgg(figure)
        yield figure
        figure.savefig(part)


def bare(axes: Axes) -> None:
    """Take away spines and ticks."""
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
