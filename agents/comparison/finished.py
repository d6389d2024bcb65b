"""A run of a grid: trained, scored, and read back from its folder."""

import dataclasses
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from agents.comparison.grid import RunSpec
from agents.evaluation.choosing import ChoiceRule
from agents.evaluation.files import read_csv
from agents.evaluation.result import TableRow
from agents.evaluation.run_scores import evaluate_runs, network_row, read_scores, run_scores
from agents.registry import parse_agent
from agents.training.checkpoint import remove_checkpoint
from agents.training.run_folder import METRICS, CodeChangedError, is_finished, read_config
from agents.training.tracking import Tracking
from agents.training.trainer import run_config, train_run, write_policy
from frame_select_env import open_cache
from frame_select_env.storage import exclusive

TRAINED, UNTRAINED = "trained", "untrained"


@dataclass(frozen=True)
class FinishedRun:
    """A run that is trained and scored."""

    spec: RunSpec  # what was trained: data, agent, reward, m and seed
    folder: Path
    episodes: int  # episodes that the environment scored
    timesteps: int  # steps of the environment
    updates: int  # optimiser steps
    seconds: float  # wall-clock time of training
    cpu_seconds: float  # processor time of training
    # the rows of the trained network on the test split; their intervals are void
    trained: Sequence[TableRow] = ()
    untrained: Sequence[TableRow] = ()  # the same of the untrained network
    network: Sequence[TableRow] = ()  # the row of the network's own answers, if it gives some
    hyper: Mapping[str, Any] = dataclasses.field(default_factory=dict)  # all hyper-parameters
    versions: Mapping[str, str] = dataclasses.field(default_factory=dict)  # it was trained with

    @property
    def is_policy(self) -> bool:
        """Whether it is of a policy that is not trained: its seed and reward mean nothing."""
        return parse_agent(self.spec.agent).design.policy is not None


def train_and_score(
    spec: RunSpec, out: Path, checkpoint_seconds: float, track: Tracking | None = None
) -> None:
    """Train a run, or finish a started one, and store its scores on the test split.

    Of a policy that is not trained, score it.
    """
    torch.set_num_threads(1)  # there are as many workers as CPUs
    folder = spec.folder(out)
    if changed_code(spec, folder):
        shutil.rmtree(folder)
    run = spec.run()
    if not _is_trained(spec, folder) and run.choice.design.policy:
        write_policy(folder, run)
    elif not _is_trained(spec, folder):
        train_run(folder, run, checkpoint_seconds=checkpoint_seconds, track=track)
    else:  # it was killed after its last epoch
        with exclusive(folder):
            remove_checkpoint(folder)
    # The code it names is that of the command line.
    run_scores(folder, open_cache(spec.data), trust_code=True)


def changed_code(spec: RunSpec, folder: Path) -> list[str]:
    """The agent or the designs of the reward whose code has changed since the run was trained."""
    try:
        _is_trained(spec, folder)
    except CodeChangedError as error:
        return error.names
    return []


def read_run(
    spec: RunSpec, folder: Path, frames: Sequence[int], choose_by: ChoiceRule = "best"
) -> FinishedRun | None:
    """Read a run that is trained and scored; None if something is left to do."""
    cache = open_cache(spec.data)
    if (
        changed_code(spec, folder)
        or not _is_trained(spec, folder)
        or read_scores(folder, cache) is None
    ):
        return None
    names = {TRAINED: [folder]}, {UNTRAINED: [folder]}
    options: dict[str, Any] = {"references": False, "resamples": 1, "trust_code": True}
    options |= {"view_scheme": spec.view_scheme, "choose_by": choose_by}
    table = evaluate_runs(cache, *names, frames=frames, **options).table

    def rows_of(name: str) -> list[TableRow]:
        return [row for row in table if row.ranking == name]

    columns = ("episodes", "timesteps", "updates", "seconds", "cpu_seconds")
    *counts, seconds, cpu_seconds = read_csv(folder / METRICS, columns)[-1].tolist()
    episodes, timesteps, updates = map(int, counts)
    spent = (episodes, timesteps, updates, seconds, cpu_seconds)
    config = read_config(folder)
    return FinishedRun(
        *(spec, folder, *spent),
        trained=rows_of(TRAINED),
        untrained=rows_of(UNTRAINED),
        network=rows_of(network_row(TRAINED)),
        hyper=config["hyper"],
        versions=config.get("versions", {}),
    )


def _is_trained(spec: RunSpec, folder: Path) -> bool:
    """Whether the folder holds this very run, complete."""
    run, cache = spec.run(), open_cache(spec.data)
    return is_finished(folder, run_config(run, cache, run.task(cache)))
