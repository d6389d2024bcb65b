"""predictions.csv: what each agent kept of every video, and what was predicted from it."""

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from agents.evaluation.evaluation import Evaluation
from agents.evaluation.files import whole_file
from frame_select_env.cache import frame_index

COLUMNS = ("id", "label", "ranking", "run", "frames", "selected", "predicted", "p_c")


def write_predictions(path: str | Path, evaluation: Evaluation) -> None:
    """Write a row per agent, run, `chosen` and `free`, and video.

    `selected` lists the frames that were averaged, numbered in the whole video from 0; `p_c` is the
    probability of the true class, for a regression empty. Several targets stand side by side.

    Raises:
        FrameSelectError: if the file cannot be written.
    """
    with whole_file(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(_records(evaluation))


def frame_numbers(evaluation: Evaluation) -> np.ndarray:
    """Which frame of its video each of the T is, [n, T] int64."""
    lengths = evaluation.setting.cache.lengths[evaluation.rows]
    return frame_index(lengths, evaluation.setting.num_frames)[0]


def class_name(evaluation: Evaluation, value: np.ndarray) -> str:
    """A label or a prediction in words: the class's name, or the targets' values."""
    if value.ndim:
        return " ".join(f"{number:.6g}" for number in value)
    return evaluation.setting.cache.classes[int(value)] if value >= 0 else ""


def _records(evaluation: Evaluation) -> Iterator[list[str]]:
    numbers = frame_numbers(evaluation)
    ids = evaluation.setting.cache.ids[evaluation.rows]
    for (name, frames), verdict in evaluation.verdicts.items():
        if name not in evaluation.agents or frames not in ("chosen", "free"):
            continue
        for run in range(len(verdict.error)):
            for place, video in enumerate(ids):
                probability = verdict.true_probability[run, place]
                yield [
                    str(video),
                    class_name(evaluation, evaluation.label[place]),
                    name,
                    str(run),
                    frames,
                    " ".join(map(str, numbers[place, verdict.selected[run, place]])),
                    class_name(evaluation, verdict.predicted[run, place]),
                    "" if np.isnan(probability) else f"{probability:.6f}",
                ]
