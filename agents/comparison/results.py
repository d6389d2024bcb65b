"""The data sets of a comparison, say a fold of a cache each, evaluated; and results.csv."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from agents.comparison.finished import UNTRAINED, FinishedRun
from agents.comparison.grid import DataSet, RunSpec, by_data_set, make_labels
from agents.evaluation.files import write_csv
from agents.evaluation.intervals import correlation
from agents.evaluation.references import reference_names
from agents.evaluation.result import AGREEMENT, LEVELS, Evaluation, TableRow
from agents.evaluation.run_groups import RunFolders
from agents.evaluation.run_scores import evaluate_runs, network_row
from agents.evaluation.scoring import VideoResults
from frame_select_env import FrameSelectError, open_cache

COUNTS, CLOCKS = ("episodes", "timesteps", "updates"), ("seconds", "cpu_seconds")
# Columns of the limits of training, 0 for none; of those without a prefix a run says what it spent.
LIMITS = {"budget": "budget", "budget_updates": "updates", "budget_cpu_seconds": "cpu_seconds"}
# The unit of a gain or a difference.
UNITS = {"classification": "points of accuracy", "regression": "fall of the MAE"}


@dataclass(frozen=True)
class DataSetResults:
    """All runs on one data set."""

    where: DataSet  # the cache, fold, streams and views
    # the evaluation of the labels, the untrained agents and the references. A label is, say, "dqn",
    # or "dqn, margin, m=4" in a comparison of several rewards or m
    evaluation: Evaluation
    # label -> its runs, in the order of the evaluation's first axis
    runs: dict[str, tuple[FinishedRun, ...]]

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
        """The cache's task, "classification" or "regression"."""
        return self.evaluation.task

    @property
    def title(self) -> str:
        """The cache's name, and what of the data set differs from the defaults."""
        return self.where.title

    def score(self, label: str, frames: str) -> np.ndarray:
        """1 if a video is right and 0 if not (regression: minus the absolute error), [R, n]."""
        error = self.evaluation.results[label, frames].error
        return 1 - error if self.task == "classification" else -error

    def gain(self, label: str, frames: str) -> np.ndarray:
        """The score minus that of keeping all frames, [R, n]."""
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
        data_sets.append(DataSetResults(where, evaluation, runs))
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


def write_results(
    path: Path,
    specs: Sequence[RunSpec],
    finished: Mapping[RunSpec, FinishedRun],
    data_sets: Sequence[DataSetResults] = (),
) -> None:
    """Write results.csv: for every data set the runs, the untrained agents, the references.

    The order is the grid's, whatever the order in which runs ended. A reference's figures are means
    over its draws; it has no seed. An untrained agent has no reward, no training time and no limit.
    """
    tasks = {open_cache(data).task for data in {spec.data for spec in specs}}
    figures = dict.fromkeys(name for task in sorted(tasks) for name in LEVELS[task])
    columns = ["data", "fold", "agent", "reward", "seed", "frames", *figures]
    columns += ["mean_frames", "episodes", "updates", "seconds", "target_frames", "cpu_seconds"]
    columns += ["timesteps", "stream", "view", "view_scheme", "alpha", "aggregator", *LIMITS]
    columns += AGREEMENT
    evaluated = {one.where: one for one in data_sets}
    rows: list[dict[str, object]] = []
    for where, group in by_data_set([spec for spec in specs if spec in finished]).items():
        first: dict[tuple[str, int, int], RunSpec] = {}  # rewards do not change first weights
        for spec in group:
            first.setdefault((spec.agent, spec.target_frames, spec.seed), spec)
            run = finished[spec]
            names = _run_cells(run, where)
            rows += [names | _figures(row) for row in run.trained]
            names |= {"agent": network_row(spec.agent)}
            rows += [names | _figures(row) for row in run.network]
        for spec in first.values():
            names = {**asdict(spec), "agent": f"{UNTRAINED} {spec.agent}", "reward": ""}
            names |= where.columns()
            names |= dict.fromkeys((*COUNTS, *CLOCKS, *LIMITS), 0)
            rows += [names | _figures(row) for row in finished[spec].untrained]
        if where in evaluated:
            rows += _reference_rows(evaluated[where])
    for one in data_sets:
        if len(one.where.streams) > 1:
            rows += [*_fused_rows(one), *_reference_rows(one)]
    write_csv(path, columns, rows)


def _run_cells(run: FinishedRun, where: DataSet) -> dict[str, object]:
    """What results.csv says of a run besides its figures."""
    spent: dict[str, object] = {name: getattr(run, name) for name in COUNTS}
    spent |= {name: f"{getattr(run, name):.3f}" for name in CLOCKS}
    spent |= {column: getattr(run.spec, name) for column, name in LIMITS.items()}
    return {**asdict(run.spec), **spent, **where.columns()}


def _reference_rows(one: DataSetResults) -> list[dict[str, object]]:
    """The references' rows of results.csv."""
    own = {name for label in one.runs for name in (label, network_row(label))}
    return [
        {**one.where.columns(), "agent": row.ranking, **_figures(row)}
        for row in one.evaluation.table
        if row.ranking not in own and not row.ranking.startswith(f"{UNTRAINED} ")
    ]


def _fused_rows(one: DataSetResults) -> list[dict[str, object]]:
    """The rows of results.csv of runs on several streams."""
    rows: list[dict[str, object]] = []
    for label, runs in one.runs.items():
        for place, run in enumerate(runs):
            names = _run_cells(run, one.where)
            agents = {label: run.spec.agent, network_row(label): network_row(run.spec.agent)}
            for (ranking, frames), results in one.evaluation.results.items():
                if ranking not in agents:
                    continue
                found = results.run(place)
                agreement = one.evaluation.agreement.get(ranking)
                told = agreement.values if agreement else {}
                rows.append(
                    names
                    | {"agent": agents[ranking], "frames": frames}
                    | {"mean_frames": f"{found.frames.mean():.6g}"}
                    | run_figures(found, one.evaluation.label)
                    | {name: f"{values[place].mean():.6f}" for name, values in told.items()}
                )
    return rows


def run_figures(results: VideoResults, label: np.ndarray) -> dict[str, object]:
    """The levels of one run, as results.csv has them."""
    error = float(results.error.mean())
    if label.ndim == 1:
        return {"accuracy": f"{1 - error:.6f}"}
    return {"pcc": f"{correlation(results.predicted[None], label):.6f}", "mae": f"{error:.6f}"}


def _figures(row: TableRow) -> dict[str, object]:
    levels = {
        name: f"{figure.value:.6f}" for name, figure in row.figures.items() if "gain" not in name
    }
    told = {name: f"{figure.value:.6f}" for name, figure in row.agreement.items()}
    kept = "" if math.isnan(row.mean_frames) else f"{row.mean_frames:.6g}"
    return {"frames": row.frames, **levels, "mean_frames": kept, **told}
