"""The pictures of a leaderboard: every agent's score on every task and over all, and profiles."""

from pathlib import Path

from agents.evaluation.intervals import Interval
from agents.pictures.profiles import ProfilePanel, plot_profiles
from agents.pictures.style import INK, PALE, line_styles, picture, plain, quiet_grid
from agents.suite.leaderboard import Leaderboard

ACROSS = 3  # panels in a row
ALL = "all tasks (IQM)"
SCORE = "score: 0 all frames or the best gate, 1 the true key frames"


def plot_leaderboard(path: str | Path, board: Leaderboard) -> None:
    """Draw a panel per task, and one of the interquartile mean over the tasks that all have."""
    panels: list[tuple[str, dict[str, Interval | None]]] = []
    if board.shared:
        title = ALL if board.shared == board.tasks else f"{len(board.shared)} shared tasks (IQM)"
        panels.append((title, {agent: board.iqm(agent) for agent in board.agents}))
    for task in board.tasks:
        panels.append((task, {agent: board.interval(agent, task) for agent in board.agents}))
    colours = {name: style.color for name, style in line_styles(board.agents).items()}
    names = [plain(agent) for agent in board.agents]
    down = -(-len(panels) // ACROSS)
    width = 0.08 * max(map(len, names)) + 8.0
    with picture(path, width, down * (0.26 * len(names) + 0.75) + 0.2) as canvas:
        grid = canvas.subplots(down, ACROSS, sharex=True, sharey=True, squeeze=False)
        for axes in grid.ravel()[len(panels) :]:
            axes.set_visible(False)
        for axes, (title, figures) in zip(grid.ravel(), panels, strict=False):
            axes.axvline(0, color=INK, linewidth=1)
            axes.axvline(1, color=INK, linewidth=1, linestyle=":")
            for index, (agent, one) in enumerate(figures.items()):
                if one is None:
                    axes.axhline(index, color=PALE, linewidth=1, linestyle=":")
                    continue
                ends = [one.low, one.high], [index, index]
                axes.plot(*ends, color=colours[agent], linewidth=2.2, solid_capstyle="butt")
                axes.plot([one.value], [index], color=colours[agent], marker="o", markersize=6)
            axes.set_yticks(range(len(names)), names)
            axes.set_ylim(len(names) - 0.4, -0.6)
            axes.tick_params(axis="y", length=0, labelcolor=INK)
            axes.spines["left"].set_visible(False)
            quiet_grid(axes, "x")
            axes.set_title(title, fontsize=11)
        canvas.supxlabel(SCORE, fontsize=10)


def plot_leaderboard_profiles(path: str | Path, board: Leaderboard) -> None:
    """Draw the share of runs above each score, over the tasks that all agents have."""
    count = len(board.shared)
    title = "all tasks" if board.shared == board.tasks else f"{count} shared tasks"
    plot_profiles(path, [ProfilePanel(title, SCORE, board.profiles(), (0, 1))])
