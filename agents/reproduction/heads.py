"""The head as a factor: does the ranking of agents survive another head?

A head turns a frame's feature into its prediction, and selections are judged by the mean of
predictions. The same videos are predicted by the cache's own head, by a frame-wise logistic
regression and by a small network (`data.head`), and the same agents trained on each.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

import numpy as np

from agents.commands.options import print_line
from agents.evaluation.files import write_csv
from agents.evaluation.intervals import Interval, percentiles
from agents.evaluation.references import CHOSEN, FREE
from agents.evaluation.text_tables import TextTable
from agents.reproduction.figures import Figure, Reproduced
from agents.reproduction.study import AGENT, Line, Study
from data.commands.console import progress_console
from data.commands.head import write_with_head
from data.head.crossfit import HeadKind
from frame_select_env import FrameSelectError, open_cache
from frame_select_env.storage import writing

GIVEN = "given"  # the row of the cache as it is
KINDS: tuple[HeadKind, ...] = ("logistic", "mlp")
AGENTS = ("reinforce", "dqn", "soft-attention", "plackett-luce")


@dataclass(frozen=True)
class Agreement:
    """How far two heads rank the agents alike."""

    frames: str  # "chosen" or "free"
    first: str
    second: str
    tau: Interval  # Kendall's tau-b; NaN where a head tells no agents apart


def make_heads(data: Mapping[str, str], out: Path) -> dict[str, str]:
    """The caches by head; what is not given is made of the first that is, beside `out`.

    Raises:
        FrameSelectError: if a cache of that name was made of another one.
    """
    base = open_cache(data.get(GIVEN) or next(iter(data.values())))
    caches = dict(data)
    for kind in KINDS:
        if kind in data:
            continue
        made = out.with_name(f"{out.name}-{kind}.h5")
        if made.is_file():
            if open_cache(made).provenance.get("original", {}).get("digest") != base.digest:
                raise FrameSelectError(
                    f"{made}: is not made of {base.path}; delete it, or choose another --out"
                )
            print_line(f"{made} was made before; delete it to train its head again")
        else:
            with writing(made.parent):
                made.parent.mkdir(parents=True, exist_ok=True)
            write_with_head(base, made, kind, console=progress_console())
        caches[kind] = str(made)
    return caches


def agreements(figures: Sequence[Figure]) -> list[Agreement]:
    """Kendall's tau of the agents' accuracies for every two heads, at chosen and free.

    Intervals resample seeds and videos; the same of both for every agent and head, as all are of
    the same videos.
    """
    found = []
    for frames in (CHOSEN, FREE):
        own = [one for one in figures if one.frames == frames and one.line.ranking == AGENT]
        by_head: dict[str, dict[str, Figure]] = {}
        for one in own:
            by_head.setdefault(one.line.source, {})[one.ranking] = one
        for first, second in combinations(by_head, 2):
            pair = by_head[first], by_head[second]
            agents = [agent for agent in pair[0] if agent in pair[1]]
            if len(agents) > 1:
                scores = [_scores([head[agent] for agent in agents]) for head in pair]
                found.append(Agreement(frames, first, second, _tau(*scores)))
    return found


def _scores(figures: Sequence[Figure]) -> np.ndarray:
    """The mean accuracy of each figure as it is, and in every resample, [1 + S, agents]."""
    columns = []
    for one in figures:
        resampled = [sample.resampled.mean(axis=1) for sample in one.samples]
        columns.append([one.score.value, *np.mean(resampled, axis=0)])
    return np.round(np.transpose(columns), 12)  # equal scores are ties


def _tau(first: np.ndarray, second: np.ndarray) -> Interval:
    from scipy.stats import kendalltau  # slow to import

    told = [
        kendalltau(one, other).statistic if np.ptp(one) and np.ptp(other) else np.nan
        for one, other in zip(first, second, strict=True)
    ]
    known = [one for one in told[1:] if not np.isnan(one)]
    if np.isnan(told[0]) or not known:
        return Interval(told[0], np.nan, np.nan)
    return percentiles(float(told[0]), np.array(known))


def _write(out: Path, made: Reproduced) -> tuple[TextTable, list[str]]:
    """Write the study's files, and ranking.csv and tau.csv."""
    from agents.reproduction.write import write_reproduced  # Matplotlib takes long to import

    found = agreements(made.figures)
    notes = [
        f"Kendall's tau of the agents' ranking, {one.first} against {one.second}, {one.frames}: "
        + ("–" if np.isnan(one.tau.value) else f"{one.tau.value:.2f} ")
        + ("" if np.isnan(one.tau.low) else f"[{one.tau.low:.2f}, {one.tau.high:.2f}]")
        for one in found
    ]
    table, names = write_reproduced(out, replace(made, notes=[*made.notes, *notes]))
    _write_rankings(out, made.figures, found)
    return table, [*names, "ranking.csv", "tau.csv"]


def _write_rankings(out: Path, figures: Sequence[Figure], found: Sequence[Agreement]) -> None:
    """Write the agents by their rank for every head, and how far heads agree."""
    rows: list[list[object]] = []
    for frames in (CHOSEN, FREE):
        own = [one for one in figures if one.frames == frames and one.line.ranking == AGENT]
        for head in dict.fromkeys(one.line.source for one in own):
            ranked = sorted(
                (one for one in own if one.line.source == head), key=lambda one: -one.score.value
            )
            for one in ranked:
                rank = 1 + sum(other.score.value > one.score.value for other in ranked)
                numbers = [f"{one.score.value:.6f}", f"{one.gain.value:.6f}"]
                rows.append([frames, head, rank, one.ranking, *numbers])
    columns = ["frames", "head", "rank", "agent", "accuracy", "gain"]
    write_csv(out / "ranking.csv", columns, rows)
    columns = ["frames", "first", "second", "tau", "tau_low", "tau_high"]
    write_csv(
        out / "tau.csv",
        columns,
        [[one.frames, one.first, one.second, *map(_cell, vars(one.tau).values())] for one in found],
    )


def _cell(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.6f}"


HEADS = Study(
    "heads",
    "Does the ranking of agents survive another head?",
    "Beyond the papers: the cache's own predictions, and those of a frame-wise logistic regression "
    "and of a small network on the same features, m = 8",
    tuple(
        line
        for head in (GIVEN, *KINDS)
        for line in (
            Line(f"{head}: all frames", head, ranking="all"),
            Line(head, head, frames=8),
        )
    ),
    sources=(GIVEN, *KINDS),
    own=KINDS,
    agents=AGENTS,
    make_data=make_heads,
    write=_write,
)
