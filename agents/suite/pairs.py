"""The planned tests of a suite: the difference of two agents on each task, and on all of them.

Unlike the leaderboard, which knows results.csv alone, they read the runs' stored scores, and their
intervals resample test videos beside seeds: on another draw of videos the order could be another.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from agents.comparison.finished import FinishedRun
from agents.comparison.samples import Sample, difference, pooled_improvement, sample
from agents.comparison.significance import holm, p_value, seeds_needed
from agents.evaluation.files import write_csv
from agents.evaluation.intervals import Interval, interval_columns, percentiles
from agents.evaluation.run_scores import evaluate_runs
from agents.evaluation.tables import TextTable, markdown_table
from agents.suite.anchors import Anchors
from agents.suite.results import headline_frames
from agents.suite.tasks import TASKS, SuiteTask
from frame_select_env import FeatureCache

ALL_TASKS = "all tasks"
Samples = tuple[Sample, Sample]  # the scores of two agents with equal seeds, in their order
MOST_SEEDS = 1000  # beyond it an effect is told to need more

NOTE = (
    "Differences of scores, paired by seed; 95 % intervals resample seeds and test videos. P: the "
    "probability that a run of the first scores above a run of the second, ties counting half. "
    "p: two-sided, of the bootstrap that makes the interval; p, Holm: adjusted over all tests on "
    "single tasks, and those on all tasks among themselves. "
    "Needed: the number of seeds with which a paired t-test at 5 % finds the difference in four of "
    "five experiments, if it and its spread are those found here."
)


@dataclass(frozen=True)
class PlannedPair:
    """Two agents on a task, or on all that both fit."""

    task: str
    first: str
    second: str
    seeds: int  # that both have (on all tasks: their sum)
    difference: Interval  # the score of the first minus that of the second
    improvement: float  # the probability that a run of the first scores above one of the second
    needed: int | None  # number of seeds that the effect needs; None on all tasks
    p: float  # of the difference, two-sided
    # The same, adjusted over all tests on single tasks; of a test on all tasks over those.
    p_holm: float = 1.0


def score_samples(
    name: str,
    cache: FeatureCache,
    runs: Iterable[FinishedRun],
    agents: Mapping[str, str],
    tests: Iterable[tuple[str, str]],
    anchors: Anchors,
) -> dict[tuple[str, str], Samples]:
    """The scores of every tested pair that fits a task, in resamples of seeds and test videos.

    `agents` are names of the plan -> what they are on the task; pairs of which both are the same
    runs, or have no seed in common, are left out.
    """
    task = TASKS[name]
    by_agent: dict[str, dict[int, FinishedRun]] = {}
    for run in runs:
        by_agent.setdefault(run.spec.agent, {})[run.spec.seed] = run
    found = {}
    for first, second in tests:
        both = agents.get(first), agents.get(second)
        if both[0] == both[1]:
            continue
        own = [by_agent.get(agent, {}) if agent else {} for agent in both]
        seeds = sorted(set(own[0]) & set(own[1]))
        if seeds:
            folders = {
                label: [one[seed].folder for seed in seeds]
                for label, one in zip((first, second), own, strict=True)
            }
            found[first, second] = _samples(name, task, cache, folders, anchors)
    return found


def _samples(
    name: str,
    task: SuiteTask,
    cache: FeatureCache,
    folders: Mapping[str, Sequence[Path]],
    anchors: Anchors,
) -> Samples:
    evaluation = evaluate_runs(
        cache, folders, {}, frames=task.frames, references=(), trust_code=True
    )
    drawn = evaluation.draw(list(TASKS).index(name))  # tasks do not share their draws
    made = []
    for label in folders:
        results = evaluation.results[label, headline_frames(task)]
        worth = 1 - results.error - (task.price or 0.0) * results.frames
        # A mean over videos of what is linear in the worth: the score of the mean.
        made.append(sample(anchors.score(worth), drawn))
    return made[0], made[1]


def planned_pairs(
    samples: Mapping[str, Mapping[tuple[str, str], Samples]], tests: Iterable[tuple[str, str]]
) -> list[PlannedPair]:
    """Every pair of agents, on every task of `samples` that has it and then on all of these."""
    found = []
    for first, second in tests:
        own = {
            task: pairs[first, second]
            for task, pairs in samples.items()
            if (first, second) in pairs
        }
        for task, both in own.items():
            needed = seeds_needed(both[0].score - both[1].score, MOST_SEEDS)
            found.append(_tested(task, first, second, [both], needed))
        if len(own) > 1:
            found.append(_tested(ALL_TASKS, first, second, list(own.values()), None))
    return _adjusted(found)


def _adjusted(found: Sequence[PlannedPair]) -> list[PlannedPair]:
    """The pairs with adjusted p values: two families, as all tasks together repeat the single."""
    families = [[one for one in found if (one.task == ALL_TASKS) == whole] for whole in (0, 1)]
    adjusted = [iter(holm([one.p for one in family])) for family in families]
    return [replace(one, p_holm=next(adjusted[one.task == ALL_TASKS])) for one in found]


def _tested(
    task: str, first: str, second: str, pairs: Sequence[Samples], needed: int | None
) -> PlannedPair:
    seeds = sum(len(one.score) for one, _ in pairs)
    value, resampled = difference(pairs)
    figures = percentiles(value, resampled), pooled_improvement(pairs).value
    return PlannedPair(task, first, second, seeds, *figures, needed, p_value(resampled))


def pair_tables(found: Iterable[PlannedPair]) -> dict[str, TextTable]:
    """A table per pair, by its title; a row per task."""
    rows: dict[str, list[list[str]]] = {}
    for one in found:
        low, high = f"{one.difference.low:+z.2f}", f"{one.difference.high:+z.2f}"
        cells = [one.task, f"{one.difference.value:+z.2f} [{low}, {high}]"]
        cells += [f"{one.improvement:.2f}", f"{one.p:.3f}", f"{one.p_holm:.3f}"]
        cells += [str(one.seeds), _needed(one)]
        rows.setdefault(f"{one.first} − {one.second}", []).append(cells)
    heading = ["task", "difference", "P", "p", "p, Holm", "seeds", "needed"]
    return {title: TextTable(heading, own) for title, own in rows.items()}


def _needed(one: PlannedPair) -> str:
    if one.task == ALL_TASKS or one.seeds < 2:
        return ""
    return f"> {MOST_SEEDS}" if one.needed is None else str(one.needed)


def pairs_markdown(found: Sequence[PlannedPair]) -> list[str]:
    """The paragraphs of a page."""
    parts = []
    for title, table in pair_tables(found).items():
        parts += [f"### {title}", markdown_table(table)]
    return [*parts, NOTE]


def write_pairs(path: Path, found: Iterable[PlannedPair]) -> None:
    """Write pairs.csv; scores have six digits after the point."""
    columns = ["task", "first", "second", "seeds", *interval_columns(["difference"])]
    rows = []
    for one in found:
        ends = one.difference.value, one.difference.low, one.difference.high
        rows.append(
            {"task": one.task, "first": one.first, "second": one.second, "seeds": one.seeds}
            | dict(
                zip(interval_columns(["difference"]), (f"{end:z.6f}" for end in ends), strict=True)
            )
            | {"improvement": f"{one.improvement:.6f}", "seeds_needed": _needed(one)}
            | {"p": f"{one.p:.6f}", "p_holm": f"{one.p_holm:.6f}"}
        )
    write_csv(path, [*columns, "improvement", "seeds_needed", "p", "p_holm"], rows)
