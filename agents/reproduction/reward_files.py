"""The files of the study of rewards: table.csv, table.md, interaction.csv and figure.png."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np

from agents.evaluation.files import write_csv
from agents.evaluation.references import CHOSEN, FREE
from agents.evaluation.text_tables import TextTable, markdown_table, number_text
from agents.pictures.style import INK, picture, plain
from agents.registry import parse_agent
from agents.reproduction.figures import Figure, Reproduced
from agents.reproduction.interaction import Shares, kendalls_w, mean_tau, variance_shares
from agents.reproduction.reward_figures import DesignFigures, number_cell, reward_cells
from agents.reproduction.rewards import GLANCE, UNIT, RewardLine
from agents.reproduction.study import Line
from agents.reproduction.write import EMPTY, study_table, write_table
from frame_select_env.storage import write_whole

ROWS = (CHOSEN, FREE)
NOTES = (
    "advice: means over learners (and over caches but glance, which stands by itself), sorted by "
    "the gain at chosen, over keeping all frames, on Glance too; [least, most] of the learners and "
    "caches; raw: the same gain with designs as they are",
    "unit: a design is multiplied so that the rewards of random selections of one training video "
    "have the standard deviation that sign_omega's have (on Glance: that of half correct, half "
    "confidence); half of the selections keep each frame with probability 1/2, half have uniform "
    "sizes; table.csv and the reward's name in results.csv have the factor",
    "r random, r within: Pearson's correlation of the reward with being right, over random "
    "selections of all test videos, and of deviations from each video's mean; r own: over the free "
    "choices of the runs",
    "hackable: of what selections of the test videos can earn above all frames, the share that "
    "takes no gain in accuracy: (u - a) / (b - a) with the mean reward a of all frames, the "
    "highest b, and the highest u with an accuracy of at most that of all frames; both are found "
    "by climbing, among right and among wrong selections, from the best of random ones. 0: the "
    "reward rises only with accuracy; 1: it can be had without; – : nothing earns more than all "
    "frames",
    "reached, in table.csv: the highest mean reward of a run at or below all frames' accuracy, of "
    "its numbers of frames, chosen and free",
    "variance: shares of the sum of squares of the runs' gains, by learner, design, their "
    "interaction, and runs (seeds); W: Kendall's, and tau: the mean of Kendall's over pairs of "
    "learners: whether they rank the designs alike",
)


@dataclass(frozen=True)
class Grid:
    """The gains of every learner with every design, on one cache and in one scale."""

    source: str
    scale: str
    frames: str  # "chosen" or "free"
    learners: tuple[str, ...]
    designs: tuple[str, ...]
    gain: np.ndarray  # [learners, designs, runs], over keeping all frames; NaN where there is none

    @property
    def mean(self) -> np.ndarray:
        """The mean gain over the runs that there are, [learners, designs]; NaN where none is."""
        return np.ma.masked_invalid(self.gain).mean(axis=2).filled(np.nan)


def write_rewards(out: Path, made: Reproduced) -> tuple[TextTable, list[str]]:
    """Write the files; returns the advice for a terminal, and the files' names."""
    study, agents, figures = made.study, made.agents, made.figures
    cells, designs = reward_cells(made.measured)
    write_table(out / "table.csv", study, agents, figures, {}, cells)
    grids = make_grids(figures)
    _write_interaction(out / "interaction.csv", grids)
    advice = advice_table(figures, designs)
    parts = [f"# {study.title}", "", study.source, "", markdown_table(advice), ""]
    if grids:
        parts += ["## Learner and design", "", markdown_table(agreement_table(grids)), ""]
    parts += ["## Every line", "", markdown_table(study_table(study, agents, figures, {})), ""]
    parts += [f"- {note}" for note in (*NOTES, *made.notes)]
    write_whole(out / "table.md", "\n".join([*parts, ""]))
    _plot(out / "figure.png", study.title, grids, [row[0] for row in advice.rows])
    return advice, ["table.csv", "table.md", "interaction.csv", "figure.png"]


def make_grids(figures: Sequence[Figure]) -> list[Grid]:
    """A grid for each cache, scale and row, of the designs in the order of the lines."""
    own: dict[tuple[str, str, str], dict[tuple[str, str], np.ndarray]] = {}
    for one in figures:
        if isinstance(one.line, RewardLine) and one.frames in ROWS:
            key = one.line.source, one.line.scale, one.frames
            own.setdefault(key, {})[one.ranking, one.line.design] = run_gains(one)
    grids = []
    for key, found in own.items():
        learners = tuple(dict.fromkeys(learner for learner, _ in found))
        designs = tuple(dict.fromkeys(design for _, design in found))
        runs = max(len(one) for one in found.values())
        gain = np.full((len(learners), len(designs), runs), np.nan)
        for (learner, design), values in found.items():
            gain[learners.index(learner), designs.index(design), : len(values)] = values
        grids.append(Grid(*key, learners, designs, gain))
    return grids


def run_gains(figure: Figure) -> np.ndarray:
    """The gain of each run over keeping all frames, [R]."""
    (sample,) = figure.samples
    return sample.score - (figure.score.value - figure.gain.value)


def advice_table(figures: Sequence[Figure], designs: dict[Line, DesignFigures]) -> TextTable:
    """A row for every design, by its mean gain; nothing in it is written by hand."""
    lines = [line for line in designs if isinstance(line, RewardLine)]
    scales = dict.fromkeys(line.scale for line in lines)
    shown = UNIT if UNIT in scales else next(iter(scales), UNIT)
    other = next((scale for scale in scales if scale != shown), None)
    frame_sources = {line.source for line in lines} - {GLANCE}
    glance = any(line.source == GLANCE for line in lines) and bool(frame_sources)
    sources = frame_sources or {GLANCE}
    rows: list[tuple[float, list[str]]] = []
    for design in dict.fromkeys(line.design for line in lines):
        own = [one for one in figures if _is_about(one, design, shown)]
        there = [one for one in own if one.line.source in sources]
        chosen = [one.gain.value for one in there if one.frames == CHOSEN]
        free = [one for one in there if one.frames == FREE]
        looked = [one.gain.value for one in own if one.line.source == GLANCE]
        about = [
            designs[line]
            for line in lines
            if (line.design, line.scale) == (design, shown) and line.source in sources
        ]
        cells = [design, _spread(chosen), _spread([one.gain.value for one in free])]
        for name in ("kept", "rescued", "broken"):
            cells.append(_mean_text([getattr(one, name) for one in free], True))
        cells += [_mean_text([one.correlation for one in about])]
        cells += [_mean_text([one.correlation_within for one in about])]
        cells += [_mean_text([one.heights.hackable for one in about])]
        if other:
            raw = [one for one in figures if _is_about(one, design, other)]
            raw = [one for one in raw if one.line.source in sources]
            cells.append(_mean_text([one.gain.value for one in raw if one.frames == CHOSEN], True))
        if glance:
            cells.append(_mean_text(looked, True))
        rows.append((float(np.mean(chosen)) if chosen else -np.inf, cells))
    rows.sort(key=lambda row: -row[0])
    heading = [f"advice ({shown})", "gain chosen", "gain free", "kept, %", "rescued", "broken"]
    heading += ["r random", "r within", "hackable", *([f"{other}"] if other else [])]
    return TextTable([*heading, *(["glance"] if glance else [])], [cells for _, cells in rows])


def _is_about(figure: Figure, design: str, scale: str) -> bool:
    line = figure.line
    return (
        isinstance(line, RewardLine)
        and (line.design, line.scale) == (design, scale)
        and figure.frames in ROWS
    )


def _spread(gains: Sequence[float]) -> str:
    """The mean gain and the least and the most, in points."""
    if not gains:
        return EMPTY
    mean, least, most = (
        number_text(float(value), True, signed=True)
        for value in (np.mean(gains), min(gains), max(gains))
    )
    return f"{mean} [{least}, {most}]"


def _mean_text(values: Sequence[float], percent: bool = False) -> str:
    known = [value for value in values if not np.isnan(value)]
    return number_text(float(np.mean(known)), percent) if known else EMPTY


def agreement_table(grids: Sequence[Grid]) -> TextTable:
    """For each cache, scale and row: what the gains vary with, and whether learners agree."""
    rows = []
    for grid in grids:
        shares, w, tau = _statistics(grid)
        cells = [f"{grid.source}, {grid.scale}, {grid.frames}"]
        for share in astuple(shares):
            cells.append(EMPTY if np.isnan(share) else number_text(share, True))
        rows.append([*cells, *(EMPTY if np.isnan(one) else f"{one:.2f}" for one in (w, tau))])
    names = [f"{one.name}, %" for one in fields(Shares)]
    return TextTable(["variance", *names, "W", "tau"], rows)


def _statistics(grid: Grid) -> tuple[Shares, float, float]:
    """The shares of variance, W and tau, of the designs that every learner has all runs of."""
    complete = ~np.isnan(grid.gain).any(axis=(0, 2))
    gain = grid.gain[:, complete]
    if not gain.size:
        return Shares(*[np.nan] * 4), np.nan, np.nan
    means = np.round(gain.mean(axis=2), 12)  # equal gains are ties
    return variance_shares(gain), kendalls_w(means), mean_tau(means)


def _write_interaction(path: Path, grids: Sequence[Grid]) -> None:
    """A row for every mean gain, with those of learners and designs, and every statistic."""
    columns = ["data", "reward_scale", "frames", "figure", "learner", "design", "value", "runs"]
    rows: list[list[str]] = []
    for grid in grids:
        place = [grid.source, grid.scale, grid.frames]

        def add(figure: str, learner: str, design: str, values: np.ndarray) -> None:
            known = values[~np.isnan(values)]
            if len(known):
                cells = [figure, learner, design, number_cell(known.mean()), str(len(known))]
                rows.append([*place, *cells])  # noqa: B023 - called in this turn alone

        for at, learner in enumerate(grid.learners):
            for index, design in enumerate(grid.designs):
                add("gain", learner, design, grid.gain[at, index])
            add("gain", learner, "", grid.gain[at].ravel())
        for index, design in enumerate(grid.designs):
            add("gain", "", design, grid.gain[:, index].ravel())
        shares, w, tau = _statistics(grid)
        numbers = {f"variance {one.name}": getattr(shares, one.name) for one in fields(Shares)}
        for name, value in (numbers | {"kendall w": w, "kendall tau": tau}).items():
            rows.append([*place, name, "", "", number_cell(value), ""])
    write_csv(path, columns, rows)


def _plot(path: Path, title: str, grids: Sequence[Grid], order: Sequence[str]) -> None:
    """A heat map for each cache (down) and each scale and row (across): learner by design."""
    sources = list(dict.fromkeys(grid.source for grid in grids))
    across = list(dict.fromkeys((grid.scale, grid.frames) for grid in grids))
    known = {(grid.source, grid.scale, grid.frames): grid for grid in grids}
    largest = max((float(np.nanmax(np.abs(grid.mean))) for grid in grids), default=1.0) or 1.0
    shown = {
        source: [one for one in order if any(one in g.designs for g in grids if g.source == source)]
        for source in sources
    }
    longest = max((len(plain(one)) for one in order), default=0)
    heights = [0.27 * len(designs) + 1.5 for designs in shown.values()] or [1.0]
    width = 0.085 * longest + 0.3 + 2.6 * max(len(across), 1)
    with picture(path, width, sum(heights) + 0.5) as canvas:
        canvas.suptitle(f"{title}: gain over all frames, points", fontsize=11, x=0.01, ha="left")
        if not grids:
            canvas.text(0.5, 0.5, "no figures yet")
            return
        panels = canvas.subplots(len(sources), len(across), squeeze=False, height_ratios=heights)
        for row, (source, designs) in enumerate(shown.items()):
            for column, (scale, frames) in enumerate(across):
                axes = panels[row, column]
                grid = known.get((source, scale, frames))
                if grid is None:
                    axes.axis("off")
                    continue
                _heat(axes, grid, designs, 100 * largest)
                axes.set_title(f"{source}, {scale}, {frames}", fontsize=9)
                if column:
                    axes.set_yticks([])


def _heat(axes, grid: Grid, designs: Sequence[str], largest: float) -> None:  # type: ignore
    """One heat map: blue above all frames, red below."""
    value = np.full((len(designs), len(grid.learners)), np.nan)
    for place, design in enumerate(designs):
        if design in grid.designs:
            value[place] = 100 * grid.mean[:, grid.designs.index(design)]
    axes.imshow(value, cmap="RdBu", vmin=-largest, vmax=largest, aspect="auto")
    for (place, learner), number in np.ndenumerate(value):
        if not np.isnan(number):
            colour = "white" if abs(number) > 0.6 * largest else INK
            text = f"{number:+z.0f}" if abs(number) >= 9.95 else f"{number:+z.1f}"
            axes.text(learner, place, text, ha="center", va="center", fontsize=7, color=colour)
    axes.set_yticks(range(len(designs)), [plain(one) for one in designs], fontsize=8)
    names = [parse_agent(one).design.name for one in grid.learners]
    if len(set(names)) < len(names):
        names = [plain(one) for one in grid.learners]
    axes.set_xticks(range(len(names)), names, fontsize=8, rotation=35, ha="right")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
