"""Pictures of a comparison: forests of gains and differences, and curves of learning."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from agents.comparison.results import AGREEING, UNITS, DataSetResults, headline, labels_of
from agents.comparison.statistics import Pair
from agents.evaluation.files import read_csv
from agents.evaluation.intervals import Interval
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
from agents.training.run_folder import METRICS

ACROSS = 3  # panels of a forest in a row
# Drawn below the agents.
REFERENCES = ("pooled", "feature-norm", "window-confidence", "confidence", "uniform")
Names = tuple[str, ...]  # of a row: a label, or two
Panel = tuple[str, str, Mapping[Names, Interval]]  # title, task, and figures by their rows' names
SURE, UNSURE = "#0072B2", "#8A8A8A"
POINTS = 200  # of a learning curve
# The columns of metrics.csv that scores are drawn against; the last one grows in every run.
SPENT = {
    "episodes": "episodes scored",
    "timesteps": "environment steps",
    "seconds": "seconds of training",
}


def plot_gains(path: str | Path, data_sets: Sequence[DataSetResults]) -> None:
    """Draw the gain of every label and a few references over all frames, a panel per data set."""
    panels: list[Panel] = []
    for one in data_sets:
        at = headline([one], one.runs)
        figures: dict[Names, Interval] = {
            (row.ranking,): one.gain_figure(row)
            for row in one.evaluation.table
            if (row.ranking in one.runs and row.frames == at)
            or (row.ranking in REFERENCES and row.frames in (at, "all") and one.scores(row))
        }
        panels.append((one.title, one.task, figures))
    styles = line_styles(labels_of(data_sets))
    colours: dict[Names, str] = {(name,): style.color for name, style in styles.items()}
    for name in REFERENCES:
        if any((name,) in figures for _, _, figures in panels):
            colours.setdefault((name,), QUIET)
    _forest(path, panels, colours)


def plot_pairs(path: str | Path, groups: Sequence[Sequence[Pair]]) -> None:
    """Draw the difference of each panel's pairs, blue if its interval excludes 0, else grey."""
    panels: list[Panel] = []
    for pairs in groups:
        figures: dict[Names, Interval] = {(one.first, one.second): one.difference for one in pairs}
        panels.append((pairs[0].title, pairs[0].task, figures))
    _forest(path, panels, dict.fromkeys(row for _, _, figures in panels for row in figures))


def _forest(path: str | Path, panels: Sequence[Panel], rows: Mapping[Names, str | None]) -> None:
    """Draw panels with the same `rows`, given with their colours, the first on top."""
    texts = [" − ".join(map(plain, row)) for row in rows]
    across = min(ACROSS, len(panels))
    down = -(-len(panels) // across)
    width = 0.075 * max(map(len, texts)) + max(2.5 * across, 4.6) + 0.3
    with picture(path, width, down * (0.26 * len(rows) + 1.05)) as canvas:
        grid = canvas.subplots(down, across, sharey=True, squeeze=False).ravel()
        for axes in grid[len(panels) :]:
            axes.set_visible(False)
        for axes, (title, task, figures) in zip(grid, panels, strict=False):
            scale = 100.0 if task == "classification" else 1.0
            axes.axvline(0, color=INK, linewidth=1)
            for index, (row, given) in enumerate(rows.items()):
                if row not in figures:
                    continue
                value, low, high = (scale * end for end in astuple(figures[row]))
                colour = given or (SURE if low > 0 or high < 0 else UNSURE)
                ends = [low, high], [index, index]
                axes.plot(*ends, color=colour, linewidth=2.2, solid_capstyle="butt")
                axes.plot([value], [index], color=colour, marker="o", markersize=6.5)
            axes.set_yticks(range(len(rows)), texts)
            axes.set_ylim(len(rows) - 0.4, -0.6)
            axes.tick_params(axis="y", length=0, labelcolor=INK)
            axes.spines["left"].set_visible(False)
            quiet_grid(axes, "x")
            axes.set_title(plain(title), fontsize=11)
            axes.set_xlabel(UNITS[task], fontsize=10)


def plot_learning(path: str | Path, data_set: DataSetResults) -> bool:
    """Draw the validation score of every label against episodes, environment steps and seconds.

    A line is the mean over seeds; its band, for up to four labels, spans the lowest to the highest
    seed. A run that stopped early keeps its last value. A label that scores no episodes is drawn
    against episodes and steps as a dotted line at its last value. Labels without metrics.csv, or
    without validation videos, are left out; returns whether there was anything to draw.
    """
    read = {label: [_metrics(run.folder) for run in runs] for label, runs in data_set.runs.items()}
    curves = {label: runs for label, runs in read.items() if all(len(run) for run in runs)}
    if not curves:
        return False
    scale = 100.0 if data_set.task == "classification" else 1.0
    styles = line_styles(list(data_set.runs))
    with picture(path, 11.6, max(3.9, 0.9 + 0.21 * len(curves))) as canvas:
        row = canvas.subplots(1, len(SPENT), sharey=True)
        bands = len(curves) <= BANDS
        for column, (axes, name) in enumerate(zip(row, SPENT.values(), strict=True)):
            for label, runs in curves.items():
                own = [run[:, [column, -1]] for run in runs]
                if max(run[-1, 0] for run in own):
                    _curve(axes, own, scale, styles[label], bands, plain(label))
                else:
                    last = scale * float(np.mean([run[-1, 1] for run in own]))
                    axes.axhline(last, color=styles[label].color, linewidth=1.6, linestyle=":")
            axes.set_xlabel(name)
            quiet_grid(axes)
            axes.set_xlim(left=0)
            axes.xaxis.set_major_formatter(_thousands)
            axes.locator_params(axis="x", nbins=4)
        row[0].set_ylabel(_measure(data_set))
        # All labels have seconds.
        handles = row[-1].get_legend_handles_labels()
        canvas.legend(*handles, loc="outside right upper", frameon=False, fontsize=10)
    return True


def _thousands(value: float, _: int) -> str:
    return f"{value:,g}".replace(",", "\u2009")


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


def _measure(data_set: DataSetResults) -> str:
    """What the validation scores measure."""
    runs = [run.hyper for own in data_set.runs.values() for run in own]
    found = {str(hyper.get("validation_metric", "error")) for hyper in runs}
    at = " at m" if all(hyper.get("validate", "selection") == "selection" for hyper in runs) else ""
    if data_set.task == "classification":
        return f"validation accuracy{at}, %"
    if data_set.task == AGREEING:
        return f"validation reward{at}"
    measures = {"error": f"minus validation MAE{at}", "pcc": f"validation PCC{at}"}
    return " or ".join(measures[name] for name in sorted(found))


def _metrics(folder: Path) -> np.ndarray:
    """What was spent and the validation score, of every epoch, [E, 4]; E = 0 if unknown."""
    try:
        return read_csv(folder / METRICS, [*SPENT, "validation"])
    except (OSError, ValueError):
        return np.zeros((0, len(SPENT) + 1))
