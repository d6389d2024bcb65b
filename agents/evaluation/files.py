"""Result files, each whole or absent: evaluation.csv and predictions.csv."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np

from agents.evaluation.intervals import interval_columns
from agents.evaluation.result import AGREEMENT, FIGURES, LEVELS, Evaluation
from frame_select_env.cache import frame_index
from frame_select_env.errors import FrameSelectError
from frame_select_env.storage import whole_file

PREDICTION_COLUMNS = (
    *("id", "label", "ranking", "run", "frames", "selected", "seconds", "source_frames"),
    *("predicted", "p_c"),
)
# Columns that are empty where a row has no such figure.
OPTIONAL = ("average_precision", "spearman", "regret")


def write_csv(
    path: str | Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any] | Sequence[Any]]
) -> None:
    """Write rows, dicts or sequences, as CSV; cells of missing columns are empty."""
    import pandas as pd  # takes long to import

    table = pd.DataFrame(list(rows), columns=list(columns), dtype=object)
    with whole_file(path) as part:
        table.to_csv(part, index=False, lineterminator="\r\n")


def read_csv(path: Path, columns: Sequence[str]) -> np.ndarray:
    """Read columns of numbers, [rows, columns] float64, without rows that were cut off."""
    import pandas as pd

    # Read as text: only the conversion of whole columns is exact in every version of pandas.
    try:
        table = pd.read_csv(path, usecols=list(columns), dtype=str)
        return table[list(columns)].dropna().to_numpy(dtype=np.float64)
    except (OSError, ValueError) as error:
        raise FrameSelectError(f"{path}: cannot be read: {error}") from None


def evaluation_columns(
    task: str, targets: Sequence[str] = (), agreement: bool = False
) -> list[str]:
    """The columns of evaluation.csv, in order; `targets` are those of `Evaluation`.

    `agreement`: whether there are raters.
    """
    levels = interval_columns(LEVELS[task])
    gains = interval_columns(name for name in FIGURES[task] if name not in LEVELS[task])
    own = interval_columns(f"pcc {name}" for name in targets)
    told = interval_columns(AGREEMENT if agreement else ())
    return ["ranking", "frames", *levels, "mean_frames", *gains, "runs", *OPTIONAL, *told, *own]


def write_evaluation(path: str | Path, evaluation: Evaluation) -> None:
    """Write evaluation.csv, a row per (ranking, frames); numbers have six digits.

    Where one class is all there is, cells of answers are empty: every answer is right.
    """
    single = evaluation.settings.cache.single_class
    records = []
    for row in evaluation.table:
        record = {"ranking": row.ranking, "frames": row.frames, "runs": str(row.runs)}
        record["mean_frames"] = "" if math.isnan(row.mean_frames) else f"{row.mean_frames:.6g}"
        optional = {name: getattr(row, name) for name in OPTIONAL}
        record |= {name: f"{value:.6f}" for name, value in optional.items() if value is not None}
        figures = {**({} if single else row.figures), **row.agreement}
        figures |= {f"pcc {name}": one for name, one in row.targets.items()}
        numbers = [f"{number:.6f}" for one in figures.values() for number in astuple(one)]
        records.append(record | dict(zip(interval_columns(figures), numbers, strict=True)))
    columns = evaluation_columns(evaluation.task, evaluation.targets, bool(evaluation.agreement))
    write_csv(path, columns, records)


def write_predictions(path: str | Path, evaluation: Evaluation) -> None:
    """Write predictions.csv, a row per agent, run, headline (`chosen`) and `free`, and video.

    `selected` lists the frames that were averaged, numbered from 0 among those in the cache, those
    of several units (streams and their views) with bars between them, `seconds` their times, and
    `source_frames` their numbers in the source video, both empty in a cache without them; `p_c` is
    the probability of the true class, empty for a regression and where that is unknown. Several
    targets are separated by spaces.
    """
    cache = evaluation.settings.cache
    ids, lengths = cache.ids[evaluation.rows], cache.lengths[evaluation.rows]
    num_frames = evaluation.settings.num_frames
    shown = {"selected": frame_index(lengths, num_frames)[0]}  # [n, T]
    for column, dataset in (("seconds", "time"), ("source_frames", "number")):
        if dataset in cache.frame_datasets:
            shown[column] = cache.read_frames(dataset, evaluation.rows, num_frames)
    records = []
    for (name, frames), results in evaluation.results.items():
        if name not in evaluation.agents or frames not in (evaluation.headline(name), "free"):
            continue
        for run, index in np.ndindex(results.error.shape):
            label = class_name(evaluation, evaluation.label[index])
            probability = results.true_probability[run, index]
            record = {
                "id": ids[index],
                "label": label,
                "ranking": name,
                "run": run,
                "frames": frames,
                "predicted": class_name(evaluation, results.predicted[run, index]),
                "p_c": "" if np.isnan(probability) or not label else f"{probability:.6f}",
            }
            units = results.selected[run, index]
            records.append(record | {k: _listed(v[index], units) for k, v in shown.items()})
    write_csv(path, PREDICTION_COLUMNS, records)


def _listed(values: np.ndarray, units: np.ndarray) -> str:
    """Those of values [T] whose frames each unit [U, T] keeps, bars between units."""
    form = "{:.3f}" if values.dtype.kind == "f" else "{}"
    return " | ".join(" ".join(form.format(one) for one in values[unit]) for unit in units)


def class_name(evaluation: Evaluation, value: np.ndarray) -> str:
    """The class name of a label or prediction, "" for -1; for a regression the targets' values."""
    if value.ndim:
        return " ".join(f"{number:.6g}" for number in value)
    return evaluation.settings.cache.classes[int(value)] if value >= 0 else ""
