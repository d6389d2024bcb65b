"""The data sets of a comparison, a fold of a cache each, evaluated; and results.csv."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from agents.comparison.grid import RunSpec, by_data_set, make_labels
from agents.comparison.run_jobs import UNTRAINED, FinishedRun
from agents.evaluation import LEVELS, Evaluation, TableRow, VideoResults
from agents.evaluation.files import write_csv
from agents.evaluation.references import reference_names
from agents.evaluation.run_scores import evaluate_runs
from frame_select_env import open_cache
from frame_select_env.errors import FrameSelectError

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

    def results(self, label: str, frames: str) -> VideoResults:
        """The results of every video, with a first axis of runs."""
        return self.evaluation.results[label, frames]

    def frames(self, label: str) -> list[str]:
        """The rows of a label: "chosen", "free" and the m, in this order."""
        order = {"chosen": -2, "free": -1}
        have = [frames for name, frames in self.evaluation.results if name == label]
        return sorted(
            have, key=lambda frames: int(frames) if frames.isdigit() else order.get(frames, 10**6)
        )

    def score(self, label: str, frames: str) -> np.ndarray:
        """1 if a video is right and 0 if not (regression: minus the absolute error), [R, n]."""
        error = self.results(label, frames).error
        return 1 - error if self.task == "classification" else -error

    def gain(self, label: str, frames: str) -> np.ndarray:
        """The score minus that of keeping all frames, [R, n]."""
        return self.results("all", "all").error - self.results(label, frames).error


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
    for (data, fold), group in by_data_set(specs).items():
        cache = open_cache(data)
        agents: dict[str, list[Path]] = {}
        controls: dict[str, dict[int, Path]] = {}  # by seed: rewards do not change first weights
        runs: dict[str, list[FinishedRun]] = {}
        for spec in group:
            if spec not in finished:
                continue
            run, label = finished[spec], labels[spec]
            control = f"{UNTRAINED} {spec.agent}"
            control += f", m={spec.target_frames}" if several else ""
            agents.setdefault(label, []).append(run.folder)
            controls.setdefault(control, {}).setdefault(spec.seed, run.folder)
            runs.setdefault(label, []).append(run)
        if not agents:
            continue
        evaluation = evaluate_runs(
            cache,
            agents,
            {name: list(folders.values()) for name, folders in controls.items()},
            frames=frames,
            references=[*reference_names(True, cache.task), *also],
            resamples=resamples,
            progress=True,
        )
        own = {label: tuple(some) for label, some in runs.items()}
        data_sets.append(DataSetResults(data, fold, evaluation, own))
    return data_sets


def labels_of(data_sets: Iterable[DataSetResults]) -> list[str]:
    """The distinct labels, in the order of the grid."""
    return list(dict.fromkeys(label for data_set in data_sets for label in data_set.runs))


def shared_frames(data_sets: Iterable[DataSetResults], labels: Iterable[str]) -> list[str]:
    """The rows ("chosen", "free", each m) that all `labels` have on all data sets with them."""
    named = list(labels)
    have = [one.frames(label) for one in data_sets for label in named if label in one.runs]
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


def result_columns(tasks: Sequence[str]) -> list[str]:
    """The columns of results.csv, in order; the figures are those of the caches' tasks."""
    figures = dict.fromkeys(name for task in sorted(set(tasks)) for name in LEVELS[task])
    return [
        *("data", "fold", "agent", "reward", "seed", "frames"),
        *figures,
        *("mean_frames", "episodes", "updates", "seconds", "target_frames", "cpu_seconds"),
    ]


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
    tasks = [open_cache(data).task for data in dict.fromkeys(spec.data for spec in specs)]
    evaluated = {(one.data, one.fold): one for one in data_sets}
    rows: list[dict[str, object]] = []
    for (data, fold), group in by_data_set(specs).items():
        runs = [finished[spec] for spec in group if spec in finished]
        rows += _run_rows(runs)
        rows += _untrained_rows(runs)
        if (data, fold) in evaluated:
            rows += [
                {"data": data, "fold": fold, "agent": row.ranking, **_figures(row)}
                for row in evaluated[data, fold].evaluation.table
                if row.kind != "agent" and not row.ranking.startswith(f"{UNTRAINED} ")
            ]
    write_csv(path, result_columns(tasks), rows)


def _run_rows(runs: Sequence[FinishedRun]) -> list[dict[str, object]]:
    return [
        {
            **_names(run.spec, run.spec.agent),
            "reward": run.spec.reward,
            **_figures(row),
            "episodes": run.episodes,
            "updates": run.updates,
            "seconds": f"{run.seconds:.3f}",
            "cpu_seconds": f"{run.cpu_seconds:.3f}",
        }
        for run in runs
        for row in run.trained
    ]


def _untrained_rows(runs: Sequence[FinishedRun]) -> list[dict[str, object]]:
    """Once for all rewards, which do not change the first weights."""
    nothing = {"episodes": 0, "updates": 0, "seconds": 0, "cpu_seconds": 0}
    rows: dict[tuple[object, ...], dict[str, object]] = {}
    for run in runs:
        spec = run.spec
        for row in run.untrained:
            key = (spec.agent, spec.target_frames, spec.seed, row.frames)
            names = _names(spec, f"{UNTRAINED} {spec.agent}")
            rows.setdefault(key, {**names, **_figures(row), **nothing})
    return list(rows.values())


def _names(spec: RunSpec, agent: str) -> dict[str, object]:
    return {
        "data": spec.data,
        "fold": spec.fold,
        "agent": agent,
        "seed": spec.seed,
        "target_frames": spec.target_frames,
    }


def _figures(row: TableRow) -> dict[str, object]:
    levels = {
        name: f"{figure.value:.6f}" for name, figure in row.figures.items() if "gain" not in name
    }
    return {"frames": row.frames, **levels, "mean_frames": f"{row.mean_frames:.6g}"}
