"""The picture of the validation score against the episodes scored and against time."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from agents.comparison.board import Board, RunFacts
from agents.comparison.looks import BANDS, Look, looks, plain
from agents.evaluation.style import PALE, picture

METRICS = "metrics.csv"
POINTS = 200  # of a curve, between its first and its last
YLABELS = {
    "classification": "validation accuracy at m, %",
    "regression": "minus validation MAE at m",
}


def plot_learning(path: str | Path, board: Board) -> bool:
    """Draw the validation score of every label against episodes scored and against seconds.

    A line is the mean over seeds and its band, for up to four labels, spans from the lowest to the
    highest seed. A run that stopped early keeps its last value. A label that scores no episode is,
    against episodes, a dotted level at its last value.

    Args:
        path: The image to write.
        board: Whose run folders hold metrics.csv; a label without it is left out.

    Returns:
        Whether there was anything to draw.

    Raises:
        FrameSelectError: if the file cannot be written.
    """
    read = {label: [_metrics(run) for run in runs] for label, runs in board.runs.items()}
    curves = {label: runs for label, runs in read.items() if all(len(run) for run in runs)}
    if not curves:
        return False
    scale = 100.0 if board.task == "classification" else 1.0
    style = looks(list(board.runs))
    with picture(path, 9.6, max(3.9, 0.9 + 0.21 * len(curves))) as canvas:
        left, right = canvas.subplots(1, 2, sharey=True)
        bands = len(curves) <= BANDS
        for label, runs in curves.items():
            if max(run[-1, 0] for run in runs):
                _curve(left, [run[:, [0, 2]] for run in runs], scale, style[label], bands)
            else:
                last = scale * float(np.mean([run[-1, 2] for run in runs]))
                left.axhline(last, color=style[label].colour, linewidth=1.6, linestyle=":")
            seconds = [run[:, [1, 2]] for run in runs]
            _curve(right, seconds, scale, style[label], bands, plain(label))
        left.set(xlabel="episodes scored", ylabel=YLABELS[board.task])
        right.set(xlabel="seconds of training")
        for axes in (left, right):
            axes.grid(axis="y", color=PALE, linewidth=0.6)
            axes.set_axisbelow(True)
            axes.set_xlim(left=0)
        left.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}".replace(",", "\u2009"))
        left.locator_params(axis="x", nbins=5)
        canvas.legend(loc="outside right upper", frameon=False, fontsize=10)
    return True


def mean_curve(runs: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Curves of several runs at the same places.

    Args:
        runs: [E, 2] float each, rising places and the values there.

    Returns:
        Places [P] from the latest first place to the latest last one, and values [R, P], between
        a run's points on straight lines and after its last point constant.
    """
    first = max(run[0, 0] for run in runs)
    last = max(run[-1, 0] for run in runs)
    places = np.linspace(first, last, POINTS)
    return places, np.stack([np.interp(places, run[:, 0], run[:, 1]) for run in runs])


def _curve(
    axes: Axes,
    runs: Sequence[np.ndarray],
    scale: float,
    look: Look,
    band: bool,
    label: str | None = None,
) -> None:
    places, values = mean_curve(runs)
    values = scale * values
    if band:
        edges = values.min(axis=0), values.max(axis=0)
        axes.fill_between(places, *edges, color=look.colour, alpha=0.13, linewidth=0)
    axes.plot(
        places,
        values.mean(axis=0),
        color=look.colour,
        linestyle=look.line,
        linewidth=2,
        marker=look.marker,
        markersize=5,
        markevery=POINTS // 5,
        label=label,
    )


def _metrics(run: RunFacts) -> np.ndarray:
    """Episodes, seconds and validation score of every epoch, [E, 3]; E = 0 where none is told."""
    file = run.folder / METRICS
    if not file.is_file():
        return np.zeros((0, 3))
    names = ("episodes", "seconds", "validation")
    with file.open(newline="", encoding="utf-8") as opened:
        rows = list(csv.DictReader(opened))
    if not rows or not set(names) <= set(rows[0]):
        return np.zeros((0, 3))
    # A row that was cut off while it was written is short.
    whole = [[row[name] for name in names] for row in rows if all(row[name] for name in names)]
    return np.array(whole, np.float64).reshape(-1, 3)
