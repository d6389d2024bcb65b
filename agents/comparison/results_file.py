"""results.csv of a comparison: a row for every run, control and reference, and number of frames."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from agents.comparison.finished import UNTRAINED, FinishedRun
from agents.comparison.grid import DataSet, RunSpec, by_data_set
from agents.comparison.results import CLOCKS, COUNTS, DataSetResults
from agents.evaluation.files import write_csv
from agents.evaluation.intervals import correlation
from agents.evaluation.raters import rated
from agents.evaluation.result import AGREEMENT, LEVELS, TableRow
from agents.evaluation.run_scores import network_row
from agents.evaluation.scoring import VideoResults
from frame_select_env import open_cache

# Columns of the limits of training, 0 for none; of those without a prefix a run says what it spent.
LIMITS = {"budget": "budget", "budget_updates": "updates", "budget_cpu_seconds": "cpu_seconds"}


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
    columns += AGREEMENT if any(rated(open_cache(spec.data)) for spec in specs) else ()
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
    unpaid = {"reward": ""} if run.is_policy else {}
    return {**asdict(run.spec), **unpaid, **spent, **where.columns()}


def _reference_rows(one: DataSetResults) -> list[dict[str, object]]:
    """The references' rows of results.csv."""
    own = {name for label in one.runs for name in (label, network_row(label))} | {*one.controls}
    return [
        {**one.where.columns(), "agent": row.ranking, **_figures(row)}
        for row in one.evaluation.table
        if row.ranking not in own
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
