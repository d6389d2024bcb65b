"""The statistics of a comparison: every label over all data sets, and every two labels.

Intervals resample runs and videos within each data set. The figures are those of Agarwal,
Schwarzer, Castro, Courville and Bellemare, "Deep Reinforcement Learning at the Edge of the
Statistical Precipice", NeurIPS 2021: the interquartile mean, the probability of improvement and the
stratified bootstrap, with the data sets as strata. Theirs resamples runs alone; since a run's score
is itself a mean over test videos, the videos are resampled too, by the pigeonhole bootstrap of
`agents.evaluation.intervals`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from itertools import chain, combinations
from pathlib import Path

import numpy as np

from agents.comparison.results import (
    AGREEING,
    DataSetResults,
    by_task,
    headline,
    labels_of,
    shared_frames,
)
from agents.evaluation.files import write_csv
from agents.evaluation.intervals import (
    Interval,
    Resamples,
    interval_columns,
    percentiles,
    weighted_correlation,
)
from agents.evaluation.references import FREE


@dataclass(frozen=True)
class Sample:
    """The scores of R runs on one data set, as they are and in S resamples."""

    score: np.ndarray  # [R] float64, each run's mean over the videos
    # [S, R] float64, the same in every resample, of the runs and over the videos that it drew
    resampled: np.ndarray


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


@dataclass(frozen=True)
class Pair:
    """Two labels at the same frames, on one data set or averaged over data sets."""

    data_set: DataSetResults | None  # None for the average over all data sets of the task
    task: str  # "classification" or "regression"
    data_sets: int  # number of data sets averaged
    first: str
    second: str  # another
    frames: str  # "chosen", "free" or m
    # the score of the first minus that of the second, paired by seed and video
    difference: Interval
    improvement: Interval  # the probability that a run of the first scores above one of the second

    @property
    def title(self) -> str:
        """Where the two are compared, in words."""
        return self.data_set.title if self.data_set else f"average of {self.data_sets} data sets"


@dataclass(frozen=True)
class Comparison:
    """The data sets of a comparison with their statistics."""

    data_sets: Sequence[DataSetResults]  # the evaluated runs
    aggregates: Sequence[Aggregate]  # every label over all data sets
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
    return Comparison(
        data_sets,
        aggregate(data_sets),
        [average_pairs(alike) for alike in by_task(data_sets).values()],
        [data_set_pairs(one) for one in data_sets],
    )


def aggregate(data_sets: Sequence[DataSetResults]) -> list[Aggregate]:
    """Every label at every row that it has on all its data sets, by task, in the grid's order."""
    found = []
    for task, alike in by_task(data_sets).items():
        scores = [run_samples(one, seed) for seed, one in enumerate(alike)]
        gains = [run_samples(one, seed, gain=True) for seed, one in enumerate(alike)]
        for label in labels_of(alike):
            for frames in shared_frames(alike, [label]):
                key = label, frames
                own = [one[key] for one in scores if key in one]
                above = [one[key] for one in gains if key in one]
                runs = sum(len(one.score) for one in own)
                figures = pooled_iqm(own), pooled_iqm(above), pooled_mean(above)
                found.append(Aggregate(task, label, frames, len(own), runs, *figures))
    return found


def data_set_pairs(data_set: DataSetResults) -> list[Pair]:
    """Every two labels of a data set, each pair once, at every row that both have."""
    return _pairs(data_set, [data_set])


def average_pairs(data_sets: Sequence[DataSetResults]) -> list[Pair]:
    """Every two labels, averaged over the data sets (of one task) that have both.

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
    write_csv(written[0], columns, map(_cells, comparison.aggregates))
    columns = ["data", "fold", "task", "data_sets", "first", "second", "frames"]
    columns += interval_columns(("difference", "improvement"))
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
        else:
            cells[name] = value
    return cells


def _pairs(data_set: DataSetResults | None, alike: Sequence[DataSetResults]) -> list[Pair]:
    # A seed each: data sets of equal size must not draw the same runs and videos. Seed 0 is that of
    # the evaluation's table, whose intervals those of a single data set then agree with.
    drawn = [run_samples(one, seed) for seed, one in enumerate(alike)]
    found = []
    for first, second in combinations(labels_of(alike), 2):
        both = [
            (one, samples)
            for one, samples in zip(alike, drawn, strict=True)
            if first in one.runs and second in one.runs
        ]
        for frames in shared_frames([one for one, _ in both], [first, second]):
            paired = [(samples[first, frames], samples[second, frames]) for _, samples in both]
            figures = pooled_difference(paired), pooled_improvement(paired)
            found.append(Pair(data_set, alike[0].task, len(both), first, second, frames, *figures))
    return found


def sample(values: np.ndarray, resamples: Resamples) -> Sample:
    """The scores of R runs and their resamples, from a score for every run and video, [R, n].

    Samples of equally many runs from the same `resamples` draw the same runs and videos, which
    pairs equal seeds and equal videos: pass runs in the order of their seeds.
    """
    by_run = resamples.weight @ values.T / resamples.size[:, None]
    return _draw_runs(values.mean(axis=1), by_run, resamples)


def correlation_sample(
    predicted: np.ndarray, reference: np.ndarray | None, label: np.ndarray, resamples: Resamples
) -> Sample:
    """The same of correlations: those of R runs' predictions [R, n, K] with labels [n, K].

    With a `reference` [n, K], the gains over its correlation. All are averaged over targets.
    """
    once = np.ones((1, len(label)))

    def told(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
        return weighted_correlation(values, label, weight).mean(axis=1)

    score = np.concatenate([told(run, once) for run in predicted])
    by_run = np.stack([told(run, resamples.weight) for run in predicted], axis=1)
    if reference is not None:
        score = score - told(reference, once)
        by_run = by_run - told(reference, resamples.weight)[:, None]
    return _draw_runs(score, by_run, resamples)


def _draw_runs(score: np.ndarray, by_run: np.ndarray, resamples: Resamples) -> Sample:
    """The sample of R runs, from their scores [R] in every resample of the videos, [S, R]."""
    runs = len(score)
    times = np.rint(runs * resamples.run_weight(runs)).astype(np.int64)
    every = np.tile(np.arange(runs), resamples.count)
    drawn = np.repeat(every, times.ravel()).reshape(resamples.count, runs)
    # Rounded, so that equal scores are ties whatever the order of their additions.
    resampled = np.take_along_axis(np.round(by_run, 12), drawn, axis=1)
    return Sample(np.round(score, 12), resampled)


def interquartile_mean(scores: np.ndarray) -> np.ndarray:
    """The mean of the last axis without its lowest and highest quarter (of 8 numbers 2 each)."""
    from scipy.stats import trim_mean  # slow to import

    return trim_mean(scores, 0.25, axis=-1)


def pooled_iqm(samples: Sequence[Sample]) -> Interval:
    """The interquartile mean over the runs of all data sets together, one sample each."""
    value = interquartile_mean(np.concatenate([one.score for one in samples]))
    resampled = np.concatenate([one.resampled for one in samples], axis=1)
    return percentiles(float(value), interquartile_mean(resampled))


def pooled_mean(samples: Sequence[Sample]) -> Interval:
    """The mean over runs, averaged over data sets, one sample each."""
    value = np.mean([one.score.mean() for one in samples])
    resampled = np.stack([one.resampled.mean(axis=1) for one in samples]).mean(axis=0)
    return percentiles(float(value), resampled)


def pooled_difference(pairs: Sequence[tuple[Sample, Sample]]) -> Interval:
    """The mean of the first minus that of the second, averaged over data sets, one pair each."""
    value = np.mean([one.score.mean() - other.score.mean() for one, other in pairs])
    means = [one.resampled.mean(axis=1) - other.resampled.mean(axis=1) for one, other in pairs]
    resampled = np.stack(means).mean(axis=0)
    # Equal scores give 0, not a rounding error.
    return percentiles(float(np.round(value, 12)), np.round(resampled, 12))


def improvement(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The probability that a run of the first [..., R] scores above one of the second [..., Q].

    Ties count half: this is the Mann-Whitney U statistic over the number of pairs, [...] float64.
    """
    above = first[..., :, None] > second[..., None, :]
    equal = first[..., :, None] == second[..., None, :]
    return (above + 0.5 * equal).mean(axis=(-2, -1))


def seeds_needed(difference: np.ndarray, most: int, power: float = 0.8) -> int | None:
    """The number of seeds with which a paired t-test at 5 % is likely to find a difference.

    Args:
        difference: Differences of runs with equal seeds, [R] float64; their mean and standard
            deviation are taken for the true ones, which few runs estimate poorly.
        most: Largest number that is tried.
        power: The probability that the test finds it.

    Returns:
        The least number of seeds, at least 2; None if there is no such number up to `most`, or
        fewer than two runs.
    """
    from scipy.stats import nct, t  # slow to import

    if len(difference) < 2 or np.allclose(difference.mean(), 0, atol=1e-12):
        return None
    spread = difference.std(ddof=1)
    if spread < 1e-12:
        return 2
    seeds = np.arange(2, most + 1)
    critical = t.ppf(0.975, seeds - 1)
    shift = abs(difference.mean()) / spread * np.sqrt(seeds)
    # The other tail, where the test finds the opposite, is no find. NaN: the shift is enormous.
    found = np.nan_to_num(nct.sf(critical, seeds - 1, shift), nan=1.0) >= power
    return int(seeds[found.argmax()]) if found.any() else None


def pooled_improvement(pairs: Sequence[tuple[Sample, Sample]]) -> Interval:
    """The probability of improvement, averaged over data sets, one pair each."""
    value = np.mean([improvement(first.score, second.score) for first, second in pairs])
    resampled = [improvement(first.resampled, second.resampled) for first, second in pairs]
    return percentiles(float(value), np.stack(resampled).mean(axis=0))
