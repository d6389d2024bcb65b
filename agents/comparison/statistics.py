"""The statistics of a comparison: every label over all data sets, and every two labels.

Intervals resample runs and videos within each data set, see `agents.comparison.samples`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from functools import cache
from itertools import chain, combinations
from pathlib import Path

import numpy as np

from agents.comparison.anchors import Anchors, data_set_anchors
from agents.comparison.grid import DataSet
from agents.comparison.results import (
    AGREEING,
    DataSetResults,
    by_task,
    headline,
    labels_of,
    shared_frames,
)
from agents.comparison.samples import (
    Profile,
    Sample,
    difference,
    performance_profile,
    pooled_gap,
    pooled_improvement,
    pooled_iqm,
    pooled_mean,
    profile_thresholds,
    sample,
)
from agents.comparison.significance import holm, p_value
from agents.evaluation.files import write_csv
from agents.evaluation.intervals import Interval, interval_columns, percentiles
from agents.evaluation.references import FREE

Samples = dict[tuple[str, str], Sample]  # by label and frames


@dataclass(frozen=True)
class Aggregate:
    """The figures of one label over the data sets of one task."""

    task: str  # "classification" or "regression"
    label: str
    frames: str  # "chosen", "free" or m
    data_sets: int  # number of data sets that have the label
    runs: int  # number of its runs on all of them
    iqm: Interval  # interquartile mean of the runs' scores: accuracy (regression: minus the MAE)
    iqm_gain: Interval  # the same of the runs' gains over keeping all frames
    gain: Interval  # mean of these gains over runs, averaged over data sets
    # Normalised scores, 0 for all frames and 1 for the key frames: their interquartile mean, their
    # mean averaged over data sets, and how far they stay below 1. None where no data set has both
    # ends of that scale.
    score_iqm: Interval | None = None
    score: Interval | None = None
    optimality_gap: Interval | None = None


@dataclass(frozen=True)
class Profiles:
    """The performance profiles of the labels over the data sets of one task."""

    task: str  # "classification" or "regression"
    frames: str  # the row to report first
    normalised: bool  # whether they are of normalised scores, or of gains over keeping all frames
    data_sets: int  # number of data sets
    by_label: Mapping[str, Profile]


@dataclass(frozen=True)
class Pair:
    """Two labels at the same frames, on one data set or averaged over data sets."""

    data_set: DataSetResults | None  # None for the average over all data sets of the task
    task: str  # "classification" or "regression"
    data_sets: int  # number of data sets averaged
    first: str
    second: str  # another
    frames: str  # "chosen", "free" or m
    # the score of the first minus that of the second, paired by video and the seeds that both have
    difference: Interval
    improvement: Interval  # the probability that a run of the first scores above one of the second
    p: float  # of the difference, two-sided
    p_holm: float = 1.0  # the same, adjusted over all pairs at the same frames of this data set

    @property
    def title(self) -> str:
        """Where the two are compared, in words."""
        return self.data_set.title if self.data_set else f"average of {self.data_sets} data sets"


@dataclass(frozen=True)
class Comparison:
    """The data sets of a comparison with their statistics."""

    data_sets: Sequence[DataSetResults]  # the evaluated runs
    anchors: Mapping[DataSet, Anchors]  # of the data sets that have both ends of the scale
    aggregates: Sequence[Aggregate]  # every label over all data sets
    profiles: Sequence[Profiles]  # at the row to report first; one per task that has such a row
    # every two labels, averaged over the data sets of a task; a list per task
    averages: Sequence[Sequence[Pair]]
    pairs: Sequence[Sequence[Pair]]  # every two labels of a data set; a list per data set

    def headline_pairs(self) -> list[list[Pair]]:
        """The pairs at the row to report first: lists per average, then per data set.

        The other rows are in pairs.csv. A single label has no pairs.
        """
        return [own[0] for own in self._shown() if own[0]]

    def shown_pairs(self) -> list[list[Pair]]:
        """The same, each followed by the free choices of those that have one: free against free."""
        return [pairs for own in self._shown() for pairs in own if pairs]

    def _shown(self) -> Iterator[tuple[list[Pair], list[Pair]]]:
        """For each average and data set, the pairs at its headline and those at `free`."""
        groups = [*by_task(self.data_sets).values(), *([one] for one in self.data_sets)]
        for alike, pairs in zip(groups, [*self.averages, *self.pairs], strict=True):
            labels = labels_of(alike)
            at = headline(alike, labels) if shared_frames(alike, labels) else ""
            # A tau is of the scores, whatever is kept.
            free = [pair for pair in pairs if pair.frames == FREE != at and pair.task != AGREEING]
            yield [pair for pair in pairs if pair.frames == at], free


def compare_data_sets(data_sets: Sequence[DataSetResults]) -> Comparison:
    """Compute the statistics of a comparison."""
    found = {one.where: data_set_anchors(one) for one in data_sets}
    anchors = {where: own for where, own in found.items() if own}
    return Comparison(
        data_sets,
        anchors,
        aggregate(data_sets, anchors),
        performance_profiles(data_sets, anchors),
        [average_pairs(alike) for alike in by_task(data_sets).values()],
        [data_set_pairs(one) for one in data_sets],
    )


def aggregate(
    data_sets: Sequence[DataSetResults], anchors: Mapping[DataSet, Anchors]
) -> list[Aggregate]:
    """Every label at every row that it has on all its data sets, by task, in the grid's order."""
    found = []
    for task, alike in by_task(data_sets).items():
        scores = [run_samples(one, seed) for seed, one in enumerate(alike)]
        gains = [run_samples(one, seed, gain=True) for seed, one in enumerate(alike)]
        normalised = _normalised(alike, gains, anchors)
        for label in labels_of(alike):
            for frames in shared_frames(alike, [label]):
                key = label, frames
                own = [one[key] for one in scores if key in one]
                above = [one[key] for one in gains if key in one]
                scaled = [one[key] for one in normalised if key in one]
                runs = sum(len(one.score) for one in own)
                figures = [pooled_iqm(own), pooled_iqm(above), pooled_mean(above)]
                if scaled:
                    figures += [pooled_iqm(scaled), pooled_mean(scaled), pooled_gap(scaled)]
                found.append(Aggregate(task, label, frames, len(own), runs, *figures))
    return found


def performance_profiles(
    data_sets: Sequence[DataSetResults], anchors: Mapping[DataSet, Anchors]
) -> list[Profiles]:
    """The profiles of all labels at the row to report first, by task.

    They are of normalised scores, over the data sets that have both ends of the scale; of a single
    data set they are of gains over keeping all frames. A task whose labels have no row in common
    has none.
    """
    found = []
    for task, alike in by_task(data_sets).items():
        labels = labels_of(alike)
        if not shared_frames(alike, labels):
            continue
        at = headline(alike, labels)
        samples = [run_samples(one, seed, gain=True) for seed, one in enumerate(alike)]
        normalised = len(alike) > 1
        if normalised:
            samples = _normalised(alike, samples, anchors)
        own = {label: [one[label, at] for one in samples if (label, at) in one] for label in labels}
        own = {label: runs for label, runs in own.items() if runs}
        if not own:
            continue
        ends = [0.0, 1.0] if normalised else [0.0]
        threshold = profile_thresholds(chain(*own.values()), ends)
        profiles = {label: performance_profile(runs, threshold) for label, runs in own.items()}
        found.append(Profiles(task, at, normalised, len(samples), profiles))
    return found


def _normalised(
    alike: Sequence[DataSetResults],
    gains: Sequence[Samples],
    anchors: Mapping[DataSet, Anchors],
) -> list[Samples]:
    """The normalised scores of the data sets that have both ends of the scale.

    The ends stay where they are in all resamples, as they do in the suite.
    """
    return [
        {key: one.scaled(1 / (own.ceiling - own.floor)) for key, one in samples.items()}
        for data_set, samples in zip(alike, gains, strict=True)
        if (own := anchors.get(data_set.where))
    ]


def data_set_pairs(data_set: DataSetResults) -> list[Pair]:
    """Every two labels of a data set, each pair once, at every row that both have.

    They are compared on the seeds that both have; labels without a common seed are no pair.
    """
    return _pairs(data_set, [data_set])


def average_pairs(data_sets: Sequence[DataSetResults]) -> list[Pair]:
    """Every two labels, averaged over the data sets (of one task) on which they are a pair.

    A single data set has no average.
    """
    return _pairs(None, data_sets) if len(data_sets) > 1 else []


def run_samples(data_set: DataSetResults, seed: int, gain: bool = False) -> Samples:
    """The scores, or the gains, of the runs of every label, in the order of their seeds."""
    drawn = data_set.evaluation.draw(seed)
    values = data_set.gain if gain else data_set.score
    samples = {}
    for label, runs in data_set.runs.items():
        order = np.argsort([run.spec.seed for run in runs], kind="stable")
        for frames in data_set.evaluation.frames(label):
            samples[label, frames] = sample(values(label, frames)[order], drawn)
    return samples


def write_statistics(folder: str | Path, comparison: Comparison) -> list[Path]:
    """Write aggregate.csv and pairs.csv; scores as fractions (regression: minus the MAE).

    In pairs.csv an empty `data` means the average over data sets.
    """
    written = [Path(folder) / "aggregate.csv", Path(folder) / "pairs.csv"]
    columns = ["task", "label", "frames", "data_sets", "runs"]
    columns += interval_columns(("iqm", "iqm_gain", "gain"))
    columns += interval_columns(("score_iqm", "score", "optimality_gap"))
    write_csv(written[0], columns, map(_cells, comparison.aggregates))
    columns = ["data", "fold", "task", "data_sets", "first", "second", "frames"]
    columns += [*interval_columns(("difference", "improvement")), "p", "p_holm"]
    columns += ["stream", "view", "view_scheme", "alpha", "aggregator"]
    rows = []
    for pair in chain(*comparison.averages, *comparison.pairs):
        one = pair.data_set
        rows.append(_cells(pair) | (one.where.columns() if one else {}))
    write_csv(written[1], columns, rows)
    return written


def _cells(one: Aggregate | Pair) -> dict[str, object]:
    """The fields by the names of their columns; an interval has three."""
    cells: dict[str, object] = {}
    for name, value in vars(one).items():
        if isinstance(value, Interval):
            # "z": a rounded -0.0 is 0.0.
            numbers = [f"{number:z.6f}" for number in astuple(value)]
            cells |= zip(interval_columns([name]), numbers, strict=True)
        elif isinstance(value, float):
            cells[name] = f"{value:.6f}"
        else:
            cells[name] = value
    return cells


def _pairs(data_set: DataSetResults | None, alike: Sequence[DataSetResults]) -> list[Pair]:
    # A seed each: data sets of equal size must not draw the same runs and videos. Seed 0 is that of
    # the evaluation's table, whose intervals those of a single data set then agree with.
    draws = [one.evaluation.draw(seed) for seed, one in enumerate(alike)]

    @cache  # most labels have the same seeds in all pairs
    def sampled(place: int, label: str, frames: str, rows: tuple[int, ...]) -> Sample:
        return sample(alike[place].score(label, frames)[list(rows)], draws[place])

    found = []
    for first, second in combinations(labels_of(alike), 2):
        both = {
            place: (tuple(rows), tuple(others))
            for place, one in enumerate(alike)
            if first in one.runs and second in one.runs
            for rows, others in [one.paired(first, second)]
            if rows
        }
        for frames in shared_frames([alike[place] for place in both], [first, second]):
            paired = [
                (sampled(place, first, frames, rows), sampled(place, second, frames, others))
                for place, (rows, others) in both.items()
            ]
            value, resampled = difference(paired)
            figures = percentiles(value, resampled), pooled_improvement(paired), p_value(resampled)
            found.append(Pair(data_set, alike[0].task, len(both), first, second, frames, *figures))
    return _adjusted(found)


def _adjusted(pairs: Sequence[Pair]) -> list[Pair]:
    """The pairs with their p values adjusted over those at the same frames."""
    tables: dict[str, list[float]] = {}
    for pair in pairs:
        tables.setdefault(pair.frames, []).append(pair.p)
    adjusted = {frames: iter(holm(values)) for frames, values in tables.items()}
    return [replace(pair, p_holm=next(adjusted[pair.frames])) for pair in pairs]
