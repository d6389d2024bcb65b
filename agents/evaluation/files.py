"""Result files, each whole or absent: evaluation.csv and predictions.csv."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from agents.evaluation.result import FIGURES, LEVELS, Evaluation
from frame_select_env.cache import frame_index
from frame_select_env.errors import FrameSelectError

PREDICTION_COLUMNS = ("id", "label", "ranking", "run", "frames", "selected", "predicted", "p_c")
# Columns that are empty where a row has no such figure.
OPTIONAL = ("average_precision", "spearman", "regret")


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """A temporary name to write to, renamed to `path` when the block ends without an error."""
    path = Path(path)
    # The suffix stays last: Matplotlib reads the format from it.
    part = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        yield part
        os.replace(part, path)
    except OSError as error:
        raise FrameSelectError(f"{path}: cannot be written: {error.strerror or error}") from None
    finally:
        part.unlink(missing_ok=True)


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
    table = pd.read_csv(path, usecols=list(columns), dtype=str)
    return table[list(columns)].dropna().to_numpy(dtype=np.float64)


def evaluation_columns(task: str) -> list[str]:
    """The columns of evaluation.csv, in order."""
    triples = {name: [name, f"{name}_low", f"{name}_high"] for name in FIGURES[task]}
    levels = [column for name in LEVELS[task] for column in triples[name]]
    gains = [column for name in triples if name not in LEVELS[task] for column in triples[name]]
    return ["ranking", "frames", *levels, "mean_frames", *gains, "runs", *OPTIONAL]


def write_evaluation(path: str | Path, evaluation: Evaluation) -> None:
    """Write evaluation.csv, a row per (ranking, frames); numbers have six digits."""
    records = []
    for row in evaluation.table:
        record = {"ranking": row.ranking, "frames": row.frames, "runs": str(row.runs)}
        record["mean_frames"] = f"{row.mean_frames:.6g}"
        for name in OPTIONAL:
            value = getattr(row, name)
            record[name] = "" if value is None else f"{value:.6f}"
        for name, figure in row.figures.items():
            ends = (("", figure.value), ("_low", figure.low), ("_high", figure.high))
            record |= {name + end: f"{value:.6f}" for end, value in ends}
        records.append(record)
    write_csv(path, evaluation_columns(evaluation.task), records)


def write_predictions(path: str | Path, evaluation: Evaluation) -> None:
    """Write predictions.csv, a row per agent, run, `chosen` and `free`, and video.

    `selected` lists the frames that were averaged, numbered from 0 in the whole video; `p_c` is the
    probability of the true class, empty for a regression. Several targets are separated by spaces.
    """
    cache = evaluation.settings.cache
    ids, lengths = cache.ids[evaluation.rows], cache.lengths[evaluation.rows]
    numbers = frame_index(lengths, evaluation.settings.num_frames)[0]  # [n, T], in the whole video
    records = []
    for (name, frames), results in evaluation.results.items():
        if name not in evaluation.agents or frames not in ("chosen", "free"):
            continue
        for run in range(len(results.error)):
            for index, video in enumerate(ids):
                probability = results.true_probability[run, index]
                records.append(
                    [
                        str(video),
                        class_name(evaluation, evaluation.label[index]),
                        name,
                        str(run),
                        frames,
                        " ".join(map(str, numbers[index, results.selected[run, index]])),
                        class_name(evaluation, results.predicted[run, index]),
                        "" if np.isnan(probability) else f"{probability:.6f}",
                    ]
                )
    write_csv(path, PREDICTION_COLUMNS, records)


def class_name(evaluation: Evaluation, value: np.ndarray) -> str:
    """The class name of a label or prediction, "" for -1; for a regression the targets' values."""
    if value.ndim:
        return " ".join(f"{number:.6g}" for number in value)
    return evaluation.settings.cache.classes[int(value)] if value >= 0 else ""
