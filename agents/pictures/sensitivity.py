"""The picture of a search: the score of every trial by the values of its hyper-parameters."""

import json
from pathlib import Path

from agents.pictures.style import COLOURS, QUIET, picture, plain, quiet_grid
from agents.search.sensitivity import Sensitivity

ACROSS = 3  # panels in a row
BESIDE = 0.1  # of the mean: the dots of the trials, in steps of the axis


def plot_sensitivity(path: str | Path, one: Sensitivity) -> None:
    """Draw a panel per hyper-parameter, the most important first.

    Grey dots are trials; beside them stands their mean, with the standard deviation over trials.
    """
    names = list(one.importance)
    across = min(ACROSS, len(names))
    down = -(-len(names) // across)
    with picture(path, 3.1 * across + 0.6, 2.5 * down + 0.3) as canvas:
        grid = canvas.subplots(down, across, sharey=True, squeeze=False)
        for axes in grid.ravel()[len(names) :]:
            axes.set_visible(False)
        for axes, name in zip(grid.ravel(), names, strict=False):
            marginals = one.marginals(name)
            places = {own.value: place for place, own in enumerate(marginals)}
            dots = [(places[trial.values[name]] + BESIDE, trial.score) for trial in one.trials]
            axes.plot(*zip(*dots, strict=True), "o", color=QUIET, markersize=4)
            means = [own.mean for own in marginals]
            spreads = [own.spread for own in marginals]
            how = {"fmt": "o-", "color": COLOURS[1], "ecolor": COLOURS[1], "capsize": 3}
            axes.errorbar(range(len(means)), means, spreads, linewidth=1.4, markersize=6, **how)
            axes.set_xticks(range(len(means)), [_short(own.value) for own in marginals])
            axes.set_xlim(-0.5, len(means) - 0.5)
            importance = one.importance[name]
            told = "" if importance is None else f" (importance {importance:.2f})"
            axes.set_title(plain(name) + told, fontsize=10)
            quiet_grid(axes)
        for row in grid:
            row[0].set_ylabel("validation score")


def _short(value: str) -> str:
    """A value as an axis shows it: text without quotes."""
    own = json.loads(value)
    return plain(own if isinstance(own, str) else value)
