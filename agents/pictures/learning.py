"""The picture of the validation score against the episodes scored and against time."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from agents.comparison.results import DataSetResults
from agents.evaluation.files import read_csv
from agents.pictures.style import BANDS, LineStyle, line_styles, picture, plain, quiet_grid

METRICS = "metrics.csv"
COLUMNS = ["episodes", "seconds", "validation"]
POINTS = 200  # of a curve
YLABELS = {
    "classification": "validation accuracy at m, %",
    "regression": "minus validation MAE at m",
}


def plot_learning(path: str | Path, data_set: DataSetResults) -> bool:
    """Draw the validation score of every label against episodes scored and against seconds.

    A line is the mean over seeds; its band, for up to four labels, spans the lowest to the highest
    seed. A run that stopped early keeps its last value. A label that scores no episodes is drawn
    against episodes as a dotted line at its last value. Labels without metrics.csv are left out;
    returns whether there was anything to draw.
    """
    read = {label: [_metrics(run.folder) for run in runs] for label, runs in data_set.runs.items()}
    curves = {label: runs for label, runs in read.items() if all(len(run) for run in runs)}
    if not curves:
        return False
    scale = 100.0 if data_set.task == "classification" else 1.0
    styles = line_styles(list(data_set.runs))
    with picture(path, 9.6, max(3.9, 0.9 + 0.21 * len(curves))) as canvas:
        left, right = canvas.subplots(1, 2, sharey=True)
        bands = len(curves) <= BANDS
        for label, runs in curves.items():
            if max(run[-1, 0] for run in runs):
                _curve(left, [run[:, [0, 2]] for run in runs], scale, styles[label], bands)
            else:
                last = scale * float(np.mean([run[-1, 2] for run in runs]))
                left.axhline(last, color=styles[label].color, linewidth=1.6, linestyle=":")
            seconds = [run[:, [1, 2]] for run in runs]
            _curve(right, seconds, scale, styles[label], bands, plain(label))
        left.set(xlabel="episodes scored", ylabel=YLABELS[data_set.task])
        right.set(xlabel="seconds of training")
        for axes in (left, right):
            quiet_grid(axes)
            axes.set_xlim(left=0)
        left.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}".replace(",", "\u2009"))
        left.locator_params(axis="x", nbins=5)
        canvas.legend(loc="outside right upper", frameon=False, fontsize=10)
    return True


def mean_curve(runs: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Shared positions [P] of runs [E, 2] of ascending positions and values, and the values [R, P].

    They reach from the latest first to the latest last position; values are linear between a run's
    points and constant after its last one.
    """
    positions = np.linspace(max(run[0, 0] for run in runs), max(run[-1, 0] for run in runs), POINTS)
    return positions, np.stack([np.interp(positions, run[:, 0], run[:, 1]) for run in runs])


def _curve(
    axes: Axes,
    runs: Sequence[np.ndarray],
    scale: float,
    style: LineStyle,
    band: bool,
    label: str | None = None,
) -> None:
    positions, values = mean_curve(runs)
    values = scale * values
    if band:
        edges = values.min(axis=0), values.max(axis=0)
        axes.fill_between(positions, *edges, color=style.color, alpha=0.13, linewidth=0)
    how = {**vars(style), "linewidth": 2, "markersize": 5, "markevery": POINTS // 5}
    axes.plot(positions, values.mean(axis=0), **how, label=label)


def _metrics(folder: Path) -> np.ndarray:
    """Episodes, seconds and validation score of every epoch, [E, 3]; E = 0 if they are unknown."""
    try:
        return read_csv(folder / METRICS, COLUMNS)
    except (OSError, ValueError):
        return np.zeros((0, 3))
