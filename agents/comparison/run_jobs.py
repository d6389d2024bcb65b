"""The runs of a comparison: trained and scored by workers, read back from their folders."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from agents.comparison.grid import RunSpec
from agents.evaluation.files import read_csv
from agents.evaluation.result import TableRow
from agents.evaluation.run_scores import evaluate_runs, read_scores, run_scores
from agents.training.run_folder import METRICS, is_finished
from agents.training.trainer import run_config, train_run
from frame_select_env import open_cache

TRAINED, UNTRAINED = "trained", "untrained"


@dataclass(frozen=True)
class FinishedRun:
    """A run that is trained and scored."""

    spec: RunSpec  # what was trained: data, agent, reward, m and seed
    folder: Path
    episodes: int  # episodes that the environment scored
    updates: int  # optimiser steps
    seconds: float  # wall-clock time of training
    cpu_seconds: float  # processor time of training
    # the rows of the trained network on the test split; their intervals are void
    trained: Sequence[TableRow] = ()
    untrained: Sequence[TableRow] = ()  # the same of the untrained network


@dataclass(frozen=True)
class RunJob:
    """A run to train and to score."""

    spec: RunSpec
    folder: Path
    checkpoint_seconds: float


def train_and_score(job: RunJob) -> None:
    """Train a run, or finish a started one, and store its scores on the test split."""
    torch.set_num_threads(1)  # there are as many workers as CPUs
    if not _is_trained(job.spec, job.folder):
        train_run(job.folder, job.spec.run(), checkpoint_seconds=job.checkpoint_seconds)
    run_scores(job.folder, open_cache(job.spec.data))


def read_run(spec: RunSpec, folder: Path, frames: Sequence[int]) -> FinishedRun | None:
    """Read a run that is trained and scored; None if something is left to do."""
    cache = open_cache(spec.data)
    if not _is_trained(spec, folder) or read_scores(folder, cache) is None:
        return None
    evaluation = evaluate_runs(
        cache,
        {TRAINED: [folder]},
        {UNTRAINED: [folder]},
        frames=frames,
        references=False,
        resamples=1,
    )
    rows = {
        name: [row for row in evaluation.table if row.ranking == name]
        for name in (TRAINED, UNTRAINED)
    }
    columns = ("episodes", "updates", "seconds", "cpu_seconds")
    episodes, updates, seconds, cpu_seconds = read_csv(folder / METRICS, columns)[-1].tolist()
    return FinishedRun(spec, folder, int(episodes), int(updates), seconds, cpu_seconds, **rows)


def _is_trained(spec: RunSpec, folder: Path) -> bool:
    """Whether the folder holds this very run, complete."""
    run, cache = spec.run(), open_cache(spec.data)
    return is_finished(folder, run_config(run, cache, run.task(cache)))
