"""The data sets of a comparison, say a fold of a cache each, evaluated; and results.csv."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from agents.comparison.finished import UNTRAINED, FinishedRun
from agents.comparison.grid import DataSet, RunSpec, by_data_set, make_labels
from agents.evaluation.intervals import Interval
from agents.evaluation.references import RANDOM, reference_names
from agents.evaluation.result import TAU, Evaluation, TableRow
from agents.evaluation.run_groups import RunFolders
from agents.evaluation.run_scores import evaluate_runs
from frame_select_env import FrameSelectError, open_cache

COUNTS, CLOCKS = ("episodes", "timesteps", "updates"), ("seconds", "cpu_seconds")
# The unit of a gain or a difference.
AGREEING = "agreement"  # with raters
UNITS = {"classification": "points of accuracy", "regression": "fall of the MAE", AGREEING: "tau"}


@dataclass(frozen=True)
class DataSetResults:
    """All runs on one data set."""

    where: DataSet  # the cache, fold, streams and views
    # the evaluation of the labels, the untrained agents and the references. A label is, say, "dqn",
    # or "dqn, margin, m=4" in a comparison of several rewards or m
    evaluation: Evaluation
    # label -> its runs, in the order of the evaluation's first axis
    runs: dict[str, tuple[FinishedRun, ...]]
    controls: tuple[str, ...] = ()  # the names of the untrained agents in the evaluation

    @property
    def shown(self) -> Evaluation:
        """The evaluation without the references matched to an agent's free choice.

        Every agent with a free choice has a row of `uniform` and of `random` that keep as many
        frames, too many rows for a table of many agents.
        """
        rows = self.evaluation.table
        kept = {row.ranking for row in rows if row.frames != "free"} | set(self.runs)
        table = tuple(row for row in rows if row.ranking in kept)
        return replace(self.evaluation, table=table)

    @property
    def task(self) -> str:
        """What is scored: the cache's task, "classification" or "regression".

        "agreement", with raters, where one class is all there is.
        """
        return AGREEING if self.evaluation.rated_alone else self.evaluation.task

    @property
    def title(self) -> str:
        """The cache's name, and what of the data set differs from the defaults."""
        return self.where.title

    def score(self, label: str, frames: str) -> np.ndarray:
        """1 if a video is right and 0 if not (regression: minus the absolute error), [R, n].

        Of the agreement with raters it is tau.
        """
        if self.task == AGREEING:
            return self.evaluation.agreement[label].values[TAU]
        error = self.evaluation.results[label, frames].error
        return 1 - error if self.task == "classification" else -error

    def paired(self, first: str, second: str) -> tuple[list[int], list[int]]:
        """The rows of two labels' runs with the seeds that both have, in the order of the seeds.

        The only run of a policy that is not trained stands for every seed.
        """
        own, other = (
            {run.spec.seed: row for row, run in enumerate(self.runs[label])}
            for label in (first, second)
        )
        both = own.keys() & other.keys()
        if own.keys() != other.keys() and any(
            run.is_policy for label in (first, second) for run in self.runs[label]
        ):
            both = own.keys() | other.keys()
        rows, others = ([one[seed] for seed in sorted(one.keys() & both)] for one in (own, other))
        return rows, others

    def lacking(self) -> dict[str, list[int]]:
        """The seeds that other labels have, of every label that lacks some."""
        seeds = {label: {run.spec.seed for run in runs} for label, runs in self.runs.items()}
        every = set().union(*seeds.values())
        return {
            label: sorted(every - own)
            for label, own in seeds.items()
            if own != every and not self.runs[label][0].is_policy
        }

    def scores(self, row: TableRow) -> bool:
        """Whether a row of the table has a score; rankings that depend on m have no tau."""
        return self.task != AGREEING or row.ranking in self.evaluation.agreement

    def gain_figure(self, row: TableRow) -> Interval:
        """The gain of a row of the table with its interval."""
        if self.task != AGREEING:
            return row.figures["gain"]
        return self.evaluation.draw(0).mean(self.gain(row.ranking, row.frames))

    def gain(self, label: str, frames: str) -> np.ndarray:
        """The score minus that of keeping all frames, [R, n]; tau minus that of random scores."""
        if self.task == AGREEING:
            random = self.evaluation.agreement[RANDOM].values[TAU]
            return self.score(label, frames) - random.mean(axis=0)
        results = self.evaluation.results
        return results["all", "all"].error - results[label, frames].error


def gather(
    specs: Sequence[RunSpec],
    finished: Mapping[RunSpec, FinishedRun],
    frames: Sequence[int],
    also: Sequence[str] = (),
    resamples: int = 2000,
    fuse: bool = False,
    **options: Any,
) -> list[DataSetResults]:
    """Evaluate the finished runs from their stored scores, data set by data set.

    Unfinished runs are left out, as are data sets without a finished run; `also` names additional
    references. With `fuse`, the runs on several streams that differ in nothing else make another
    data set. `options` are those of `evaluate_runs`: choose_by, ensemble, pool.
    """
    labels = make_labels(specs)
    several = len({spec.target_frames for spec in specs}) > 1
    groups: dict[DataSet, list[tuple[RunSpec, ...]]] = {
        where: [(spec,) for spec in group]
        for where, group in by_data_set([spec for spec in specs if spec in finished]).items()
    }
    data_sets = []
    for where, group in {**groups, **(fused_groups(groups) if fuse else {})}.items():
        cache = open_cache(where.data)
        runs: dict[str, tuple[FinishedRun, ...]] = {}
        # By seed: rewards do not change first weights.
        controls: dict[str, dict[int, RunFolders]] = {}
        agents: dict[str, list[RunFolders]] = {}
        for together in group:
            spec, label = together[0], labels[together[0]]
            control = f"{UNTRAINED} {spec.agent}"
            control += f", m={spec.target_frames}" if several else ""
            folders = tuple(finished[one].folder for one in together)
            controls.setdefault(control, {}).setdefault(spec.seed, folders)
            agents.setdefault(label, []).append(folders)
            run = fused_run([finished[one] for one in together])
            runs[label] = (*runs.get(label, ()), run)
        evaluation = evaluate_runs(
            cache,
            agents,
            {name: list(own.values()) for name, own in controls.items()},
            view_scheme=where.view_scheme,
            frames=frames,
            references=[*reference_names(True, cache.task), *also],
            trust_code=True,
            resamples=resamples,
            progress=True,
            **options,
        )
        data_sets.append(DataSetResults(where, evaluation, runs, tuple(controls)))
    return data_sets


def fused_groups(
    groups: Mapping[DataSet, Sequence[tuple[RunSpec, ...]]],
) -> dict[DataSet, list[tuple[RunSpec, ...]]]:
    """The data sets of several streams, and the runs that differ in the stream alone."""
    alike: dict[DataSet, dict[RunSpec, list[RunSpec]]] = {}
    streams: dict[DataSet, list[str | None]] = {}
    for where, group in groups.items():
        same = replace(where, streams=())
        streams.setdefault(same, []).extend(where.streams)
        for (spec,) in group:
            alike.setdefault(same, {}).setdefault(replace(spec, stream=None), []).append(spec)
    return {
        replace(where, streams=tuple(streams[where])): together
        for where, runs in alike.items()
        if len(streams[where]) > 1
        and (together := [tuple(one) for one in runs.values() if len(one) == len(streams[where])])
    }


def fused_run(runs: Sequence[FinishedRun]) -> FinishedRun:
    """One run that stands for the runs on several streams: it cost what they cost together."""
    if len(runs) == 1:
        return runs[0]
    total = {name: sum(getattr(run, name) for run in runs) for name in (*COUNTS, *CLOCKS)}
    return replace(runs[0], **total, trained=(), untrained=(), network=())


def labels_of(data_sets: Iterable[DataSetResults]) -> list[str]:
    """The distinct labels, in the order of the grid."""
    return list(dict.fromkeys(label for data_set in data_sets for label in data_set.runs))


def shared_frames(data_sets: Iterable[DataSetResults], labels: Iterable[str]) -> list[str]:
    """The rows that all `labels` have on all data sets with them: "chosen", "free", each m ..."""
    named = list(labels)
    have = [
        one.evaluation.frames(label) for one in data_sets for label in named if label in one.runs
    ]
    return [frames for frames in have[0] if all(frames in other for other in have)] if have else []


def headline(data_sets: Iterable[DataSetResults], labels: Iterable[str]) -> str:
    """The row to report first: "chosen", or where a label lacks it that of `common_frames`."""
    data_sets, labels = list(data_sets), list(labels)
    shared = shared_frames(data_sets, labels)
    if not shared:
        raise FrameSelectError("the runs have no number of frames in common")
    return "chosen" if "chosen" in shared else common_frames(data_sets, labels)


def common_frames(data_sets: Iterable[DataSetResults], labels: Iterable[str]) -> str:
    """The m of all `labels` that most runs were trained for, else the least m that all have.

    `free` or `chosen` only where no m is shared.
    """
    data_sets, labels = list(data_sets), list(labels)
    shared = shared_frames(data_sets, labels)
    runs = [run for one in data_sets for label in labels for run in one.runs.get(label, ())]
    trained = [str(run.spec.target_frames) for run in runs]
    fixed = [frames for frames in shared if frames.isdigit()]
    return max(fixed or shared, key=trained.count)


def by_task(data_sets: Sequence[DataSetResults]) -> dict[str, list[DataSetResults]]:
    """The data sets by task: an accuracy and a mean absolute error cannot be averaged."""
    tasks = dict.fromkeys(one.task for one in data_sets)
    return {task: [one for one in data_sets if one.task == task] for task in tasks}
