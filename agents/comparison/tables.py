"""The tables of a comparison as text, for the summary and the report alike, and their notes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, replace
from itertools import combinations

import numpy as np

from agents.comparison.results import (
    AGREEING,
    UNITS,
    DataSetResults,
    by_task,
    headline,
    labels_of,
    shared_frames,
)
from agents.comparison.significance import least_p_value
from agents.comparison.statistics import Comparison, Pair
from agents.evaluation.tables import result_tables
from agents.evaluation.text_tables import TextTable, interval_text, number_text
from frame_select_env.consensus import MEAN
from frame_select_env.versions import versions

LISTED = 6  # labels whose pairs are listed; of more there is a matrix
SCORES = {"classification": "accuracy, %", "regression": "minus MAE", AGREEING: "tau"}
GAINS = {
    "classification": "gain, points",
    "regression": "fall of the MAE",
    AGREEING: "tau above random",
}
IQM = (
    "IQM: the mean of the runs of all data sets without the lowest and the highest quarter; of "
    "fewer than four runs their mean (Agarwal et al., NeurIPS 2021); intervals resample runs and "
    "videos within each data set"
)
NORMALISED = (
    "score: 0 for keeping all frames and 1 for {tops}; optimality gap: how far the runs' scores "
    "stay below 1 on average, those above counting as 1 (Agarwal et al.)"
)
HOLM = (
    "p: two-sided, of the bootstrap that makes the interval; p, Holm: adjusted over the pairs of "
    "this table"
)
PAIRS = (
    "P(first > second): the probability that a run of the first scores above a run of the second, "
    "ties counting half; resampling videos adds noise to the runs' scores, which pulls the "
    "interval towards a half"
)
MATRIX = (
    "row minus column, * where the 95 % interval excludes zero, ** where the adjusted p is below "
    ".05, too; columns have the rows' numbers; pairs.csv has every interval and p"
)


def data_set_tables(data_set: DataSetResults) -> dict[str, TextTable]:
    """The evaluation's tables by name, with the compared agents on top."""
    tables = {}
    for name, table in result_tables(data_set.shown, full=True).items():
        order = sorted(range(len(table.rows)), key=lambda index: table.kinds[index] != "agent")
        rows = [table.rows[index] for index in order]
        kinds = [table.kinds[index] for index in order]
        tables[name] = replace(table, rows=rows, kinds=kinds)
    return tables


def run_table(data_sets: Sequence[DataSetResults]) -> TextTable:
    """What was trained: every label with its agent, reward, m and seeds."""
    rows = []
    for label in labels_of(data_sets):
        specs = [run.spec for one in data_sets for run in one.runs.get(label, ())]
        columns = (
            _listed(spec.agent for spec in specs),
            _listed(spec.reward for spec in specs),
            _listed(map(str, sorted(spec.target_frames for spec in specs))),
            _listed(map(str, sorted(spec.seed for spec in specs))),
        )
        rows.append([label, *columns, str(len(specs))])
    return TextTable(["label", "agent", "reward", "m", "seeds", "runs"], rows)


def data_table(data_sets: Sequence[DataSetResults]) -> TextTable:
    """What was trained and scored on: every cache and fold, and what else was varied."""
    columns = ["data", "fold"]
    for name in data_sets[0].where.columns():
        if name not in columns and any(
            one.where.columns()[name] not in ("", "0", MEAN) for one in data_sets
        ):
            columns.append(name)
    rows = []
    for one in data_sets:
        settings, scored = one.evaluation.settings, one.evaluation.rows
        group, task = one.evaluation.group, one.task
        videos = f"{len(scored)} ({one.evaluation.split})"
        if group is not None:
            videos += f", in {len(np.unique(group))} groups"
        if task == "classification":
            task += f", {len(settings.cache.classes)} classes"
        cells = [one.where.columns()[name] for name in columns]
        rows.append([*cells, task, str(settings.num_frames), videos])
    heading = [name.replace("_", " ") for name in columns]
    return TextTable([*heading, "task", "frames, T", "videos scored"], rows)


def aggregate_tables(comparison: Comparison) -> list[tuple[str, str, TextTable]]:
    """Task, the row to report first and its aggregates, for every task that has a row in common."""
    tables = []
    for task, alike in by_task(comparison.data_sets).items():
        labels = labels_of(alike)
        if not shared_frames(alike, labels):
            continue
        at, percent = headline(alike, labels), task == "classification"
        rows = [
            [one.label, str(one.data_sets), str(one.runs)]
            + [interval_text(one.iqm, "", percent)]
            + [interval_text(figure, "gain", percent) for figure in (one.iqm_gain, one.gain)]
            for one in comparison.aggregates
            if (one.task, one.frames) == (task, at)
        ]
        names = [f"IQM of {SCORES[task]}", f"IQM of {GAINS[task]}", f"mean {GAINS[task]}"]
        tables.append((task, at, TextTable(["label", "data sets", "runs", *names], rows)))
    return tables


def normalised_tables(comparison: Comparison) -> list[tuple[str, str, TextTable]]:
    """The same of the normalised scores, of every task that has some."""
    tables = []
    for task, alike in by_task(comparison.data_sets).items():
        labels = labels_of(alike)
        if not shared_frames(alike, labels):
            continue
        at = headline(alike, labels)
        rows = [
            [one.label, *(interval_text(figure, "", False, 2) for figure in figures)]
            for one in comparison.aggregates
            if (one.task, one.frames) == (task, at)
            and (figures := [f for f in (one.score_iqm, one.score, one.optimality_gap) if f])
        ]
        heading = ["label", "IQM of scores", "mean score", "optimality gap"]
        tables += [(task, at, TextTable(heading, rows))] if rows else []
    return tables


def normalised_note(comparison: Comparison) -> str:
    """How to read these tables: what is worth 1, and which data sets have no such scale."""
    tops: dict[str, list[str]] = {}  # what is worth 1 -> the data sets
    bare = []
    for one in comparison.data_sets:
        if own := comparison.anchors.get(one.where):
            tops.setdefault(own.top, []).append(one.title)
        else:
            bare.append(one.title)
    told = [
        f"the {top}" + (f" ({', '.join(titles)})" if len(tops) > 1 else "")
        for top, titles in tops.items()
    ]
    note = NORMALISED.format(tops=" or ".join(told))
    left = f"; without {', '.join(bare)}, where neither key frames nor the oracle beat all frames"
    return note + (left if bare else "")


def pair_tables(pairs: Sequence[Pair]) -> dict[str, TextTable]:
    """The pairs at one row as one list, or of many labels as two matrices, by title."""
    if len(_labels(pairs)) > LISTED:
        return _matrices(pairs)
    percent = pairs[0].task == "classification"
    rows = [
        [
            *(pair.first, pair.second, interval_text(pair.difference, "gain", percent)),
            "{:.2f} [{:.2f}, {:.2f}]".format(*astuple(pair.improvement)),
            *(f"{p:.3f}" for p in (pair.p, pair.p_holm)),
        ]
        for pair in pairs
    ]
    heading = ["first", "second", "first − second", "P(first > second)", "p", "p, Holm"]
    return {"": TextTable(heading, rows)}


def pair_note(pairs: Sequence[Pair]) -> str:
    """How to read the tables of these pairs."""
    return f"{MATRIX if len(_labels(pairs)) > LISTED else PAIRS}; {HOLM}"


def time_table(data_set: DataSetResults) -> TextTable:
    """The cost of training, a row per label: what a run spent, means over its runs."""
    rows = []
    for label, runs in data_set.runs.items():
        digits = {"episodes": 0, "timesteps": 0, "updates": 0, "seconds": 1, "cpu_seconds": 1}
        means = [
            f"{np.mean([getattr(run, name) for run in runs]):.{count}f}"
            for name, count in digits.items()
        ]
        rows.append([label, str(len(runs)), *means])
    spent = ["episodes", "environment steps", "updates", "seconds", "CPU seconds"]
    return TextTable(["label", "runs", *spent], rows)


def limit_note(data_sets: Sequence[DataSetResults]) -> str:
    """What ended the training of all runs, beside their own hyper-parameters."""
    spec = next(run.spec for one in data_sets for runs in one.runs.values() for run in runs)
    ends = {
        "the update that reaches {} episodes": spec.budget,
        "update {}": spec.updates,
        "the first epoch after {} CPU seconds": spec.cpu_seconds,
    }
    limits = [text.format(f"{limit:g}") for text, limit in ends.items() if limit]
    if not limits:
        return "each run trains for the epochs of its hyper-parameters"
    return f"each run ends with {' or '.join(limits)}" + (
        ", whichever comes first" if len(limits) > 1 else ""
    )


def settings_table(data_sets: Sequence[DataSetResults]) -> TextTable:
    """The hyper-parameters of every agent, a column each; empty where an agent has none."""
    agents = {
        run.spec.agent: run.hyper for one in data_sets for runs in one.runs.values() for run in runs
    }
    names = dict.fromkeys(name for hyper in agents.values() for name in sorted(hyper))
    rows = [[name, *(str(hyper.get(name, "")) for hyper in agents.values())] for name in names]
    return TextTable(["hyper-parameter", *agents], rows)


def version_table(data_sets: Sequence[DataSetResults]) -> TextTable:
    """The versions of the libraries that runs were trained with, and that score them now."""
    now = versions()
    trained: dict[str, dict[str, None]] = {name: {} for name in now}
    for one in data_sets:
        for run in (run for runs in one.runs.values() for run in runs):
            for name, version in run.versions.items():
                trained.setdefault(name, {})[version] = None
    rows = [[name, ", ".join(own), now.get(name, "")] for name, own in trained.items()]
    return TextTable(["library", "trained with", "scored with"], rows)


def all_notes(data_sets: Sequence[DataSetResults], notes: Sequence[str] = ()) -> list[str]:
    """The given notes, those of the evaluations, and warnings that depend on the size."""
    every = list(notes)
    told = {one.title: (*one.evaluation.cautions, *one.evaluation.notes) for one in data_sets}
    for note in dict.fromkeys(note for own in told.values() for note in own):
        titles = [title for title, own in told.items() if note in own]
        every.append(note if len(titles) == len(told) else f"{'; '.join(titles)}: {note}")
    labels = labels_of(data_sets)
    pairs = len(labels) * (len(labels) - 1) // 2
    if pairs > 1:
        every.append(
            f"the intervals of {pairs} pairs are at 95 % each: among as many pairs of equal agents "
            f"about {pairs / 20:.2g} would exclude zero by chance; p, Holm is corrected for that"
        )
    resamples = min(one.evaluation.resamples for one in data_sets)
    if pairs * least_p_value(resamples) >= 0.05:
        every.append(
            f"with {resamples} resamples and {pairs} pairs no corrected p can be below .05; use "
            f"--resamples {40 * pairs}"
        )
    counts = {len(runs) for one in data_sets for runs in one.runs.values()}
    if 1 in counts:
        every.append(
            "the intervals of a label with one seed are over videos alone and do not cover the "
            "variation between seeds"
        )
    elif counts and min(counts) < 5:
        every.append("with fewer than five seeds the intervals are too narrow")
    every += filter(None, map(_seeds_note, data_sets))
    if len({one.evaluation.settings.cache.path for one in data_sets}) < len(data_sets):
        every.append("folds of one cache are resampled as if they shared no videos")
    if len(by_task(data_sets).get("regression", [])) > 1:
        every.append("errors are averaged over data sets as they are, whatever their units")
    return list(dict.fromkeys(every))


def _seeds_note(one: DataSetResults) -> str:
    """Which runs the pairs of a data set leave out; empty if all labels have the same seeds."""
    lacking = one.lacking()
    if not lacking:
        return ""
    told = ", ".join(
        f"{label} lacks seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"
        for label, seeds in lacking.items()
    )
    apart = [
        f"{first} and {second}"
        for first, second in combinations(one.runs, 2)
        if not one.paired(first, second)[0]
    ]
    return (
        f"{one.title}: {told}: two agents are compared on the seeds that both have, and their "
        "other runs are left out of the difference"
        + (f"; {'; '.join(apart)} have none in common and are not compared" if apart else "")
    )


def _labels(pairs: Sequence[Pair]) -> list[str]:
    return list(dict.fromkeys(name for pair in pairs for name in (pair.first, pair.second)))


def _matrices(pairs: Sequence[Pair]) -> dict[str, TextTable]:
    largest = max(abs(pair.difference.value) for pair in pairs) or 1.0
    differences: dict[tuple[str, str], tuple[str, float]] = {}  # text and shade by row and column
    probabilities: dict[tuple[str, str], tuple[str, float]] = {}
    for pair in pairs:
        percent = pair.task == "classification"
        mark = "*" if pair.difference.low > 0 or pair.difference.high < 0 else ""
        mark += "*" if mark and pair.p_holm < 0.05 else ""
        difference, above = pair.difference.value, pair.improvement.value
        for key, value, probability in (
            ((pair.first, pair.second), difference, above),
            ((pair.second, pair.first), -difference, 1 - above),
        ):
            differences[key] = number_text(value, percent, signed=True) + mark, value / largest
            probabilities[key] = f"{probability:.2f}", 2 * probability - 1
    below = "Probability that a run of the row scores above a run of the column"
    return {
        f"Difference, {UNITS[pairs[0].task]}": _matrix(_labels(pairs), differences),
        below: _matrix(_labels(pairs), probabilities),
    }


def _matrix(labels: Sequence[str], cells: Mapping[tuple[str, str], tuple[str, float]]) -> TextTable:
    rows, shades = [], []
    for number, row in enumerate(labels, start=1):
        own = [cells.get((row, column), ("", 0.0)) for column in labels]
        rows.append([f"{number} {row}", *(text for text, _ in own)])
        shades.append([0.0, *(shade for _, shade in own)])
    # The columns by number: their names side by side would make the table too wide.
    return TextTable(["", *map(str, range(1, len(labels) + 1))], rows, shades=shades)


def _listed(words: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(words))
