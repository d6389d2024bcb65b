"""results.csv: a row per run and number of frames, and per reference."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from agents.comparison.data_sets import DataSetResults
from agents.comparison.grid import RunSpec, by_data_set
from agents.comparison.runs import UNTRAINED, FinishedRun
from agents.evaluation import LEVELS, TableRow
from agents.evaluation.files import write_csv
from frame_select_env import open_cache


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
