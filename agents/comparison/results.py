"""The data sets of a comparison, a fold of a cache each, evaluated; and results.csv."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from agents.comparison.grid import UNTRAINED, FinishedRun, RunSpec, by_data_set, make_labels
from agents.evaluation.files import write_csv
from agents.evaluation.references import reference_names
from agents.evaluation.result import LEVELS, Evaluation, TableRow
from agents.evaluation.run_scores import evaluate_runs
from frame_select_env import FrameSelectError, open_cache

# The unit of a gain or a difference.
UNITS = {"classification": "points of accuracy", "regression": "fall of the MAE"}


@dataclass(frozen=True)
class DataSetResults:
    """All runs on one fold of one cache."""

    data: str  # the cache as it was asked for
    fold: str
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
        """The cache's name, and the fold's unless it is the default."""
        name = self.evaluation.settings.cache.path.stem
        return name if self.fold == "default" else f"{name}, fold {self.fold}"

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
) -> list[DataSetResults]:
    """Evaluate the finished runs from their stored scores, data set by data set.

    Unfinished runs are left out, as are data sets without a finished run; `also` names additional
    references.
    """
    labels = make_labels(specs)
    several = len({spec.target_frames for spec in specs}) > 1
    data_sets = []
    for (data, fold), group in by_data_set([spec for spec in specs if spec in finished]).items():
        cache = open_cache(data)
        runs: dict[str, tuple[FinishedRun, ...]] = {}
        controls: dict[str, dict[int, Path]] = {}  # by seed: rewards do not change first weights
        for spec in group:
            run, label = finished[spec], labels[spec]
            control = f"{UNTRAINED} {spec.agent}"
            control += f", m={spec.target_frames}" if several else ""
            controls.setdefault(control, {}).setdefault(spec.seed, run.folder)
            runs[label] = (*runs.get(label, ()), run)
        evaluation = evaluate_runs(
            cache,
            {label: [run.folder for run in own] for label, own in runs.items()},
            {name: list(folders.values()) for name, folders in controls.items()},
            frames=frames,
            references=[*reference_names(True, cache.task), *also],
            trust_code=True,
            resamples=resamples,
            progress=True,
        )
        data_sets.append(DataSetResults(data, fold, evaluation, runs))
    return data_sets


def labels_of(data_sets: Iterable[DataSetResults]) -> list[str]:
    """The distinct labels, in the order of the grid."""
    return list(dict.fromkeys(label for data_set in data_sets for label in data_set.runs))


def shared_frames(data_sets: Iterable[DataSetResults], labels: Iterable[str]) -> list[str]:
    """The rows ("chosen", "free", each m) that all `labels` have on all data sets with them."""
    named = list(labels)
    have = [
        one.evaluation.frames(label) for one in data_sets for label in named if label in one.runs
    ]
    return [frames for frames in have[0] if all(frames in other for other in have)] if have else []


def headline(data_sets: Iterable[DataSetResults], labels: Iterable[str]) -> str:
    """The row to report first: "chosen", or where a label lacks it the least m that all have."""
    shared = shared_frames(data_sets, labels)
    if not shared:
        raise FrameSelectError("the runs have no number of frames in common")
    fixed = [frames for frames in shared if frames.isdigit()]
    return "chosen" if "chosen" in shared else (fixed or shared)[0]


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
    over its draws; it has no seed. An untrained agent has no reward and no training time.
    """
    tasks = {open_cache(data).task for data in {spec.data for spec in specs}}
    figures = dict.fromkeys(name for task in sorted(tasks) for name in LEVELS[task])
    columns = ["data", "fold", "agent", "reward", "seed", "frames", *figures]
    columns += ["mean_frames", "episodes", "updates", "seconds", "target_frames", "cpu_seconds"]
    columns += ["timesteps"]
    evaluated = {(one.data, one.fold): one.evaluation.table for one in data_sets}
    rows: list[dict[str, object]] = []
    for where, group in by_data_set([spec for spec in specs if spec in finished]).items():
        first: dict[tuple[str, int, int], RunSpec] = {}  # rewards do not change first weights
        for spec in group:
            first.setdefault((spec.agent, spec.target_frames, spec.seed), spec)
            run = finished[spec]
            seconds = {name: f"{getattr(run, name):.3f}" for name in ("seconds", "cpu_seconds")}
            counts = ("episodes", "timesteps", "updates")
            spent = {name: getattr(run, name) for name in counts} | seconds
            names = {**asdict(spec), **spent}
            rows += [names | _figures(row) for row in run.trained]
        for spec in first.values():
            names = {**asdict(spec), "agent": f"{UNTRAINED} {spec.agent}", "reward": ""}
            names |= dict.fromkeys((*counts, "seconds", "cpu_seconds"), 0)
            rows += [names | _figures(row) for row in finished[spec].untrained]
        rows += [
            {"data": where[0], "fold": where[1], "agent": row.ranking, **_figures(row)}
            for row in evaluated.get(where, ())
            if row.kind != "agent" and not row.ranking.startswith(f"{UNTRAINED} ")
        ]
    write_csv(path, columns, rows)


def _figures(row: TableRow) -> dict[str, object]:
    levels = {
        name: f"{figure.value:.6f}" for name, figure in row.figures.items() if "gain" not in name
    }
    return {"frames": row.frames, **levels, "mean_frames": f"{row.mean_frames:.6g}"}
