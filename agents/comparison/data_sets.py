"""DataSetResults: the finished runs of a comparison on one fold of one cache, evaluated."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from agents.comparison.grid import RunSpec, by_data_set, make_labels
from agents.comparison.runs import UNTRAINED, FinishedRun
from agents.evaluation import Evaluation, VideoResults
from agents.evaluation.references import reference_names
from agents.evaluation.runs import evaluate_runs
from frame_select_env import open_cache
from frame_select_env.errors import FrameSelectError

# The unit of a gain or a difference.
UNITS = {"classification": "points of accuracy", "regression": "fall of the MAE"}


@dataclass(frozen=True)
class DataSetResults:
    """All runs on one fold of one cache."""

    data: str  # the cache as it was asked for
    fold: str  # its fold
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
