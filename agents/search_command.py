"""frame-select search: hyper-parameters drawn at random, scored on validation videos."""

import shlex
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
import tyro
from rich.console import Console
from rich.table import Table

from agents.evaluation.tables import PIPED_WIDTH
from agents.reward_text import parse_reward
from agents.run_training import Run
from agents.search_log import Key, append, folder_name, make_key, means, read_log
from agents.searching import (
    Trial,
    TrialRun,
    TrialScore,
    do_trial_run,
    draw_trials,
    trial_text,
)
from agents.training import CHECKPOINT_SECONDS
from data.engines import Engine, run_all
from data.engines.progress import outcomes_bar
from frame_select_env import FrameSelectError, open_cache
from frame_select_env.command_line import program


@dataclass(frozen=True)
class SearchArguments:
    """Try hyper-parameters of an agent, on every cache and seed; the test split is never read.

    The first trial is the agent as it is named. A trial's score is the mean over caches and seeds
    of the validation score that early stopping went by. A search that was interrupted is taken up
    by the same command, and one with more trials, seeds or caches adds what is new.
    """

    #: Bundled caches' names, or paths.
    data: tuple[str, ...]
    #: An agent: NAME, module:object, or NAME@hyper=value,hyper=value; what is named here is fixed.
    agent: str
    #: The log, a CSV file; several searches may share it.
    out: Path
    #: How many trials.
    trials: int = 8
    #: How many seeds each: 0, 1, 2, ...
    seeds: int = 2
    #: Episodes that the environment may score in a run; 0: train for the agent's epochs.
    budget: int = 0
    #: m: how many frames the agent is to keep.
    select: int = 8
    #: A reward's name, module:function, or JSON.
    reward: str = "sign_omega"
    #: The fold whose split and predictions are used.
    fold: str = "default"
    #: The split that is trained on.
    split: str = "train"
    #: Which stream of features; only needed where a cache has several.
    stream: str | None = None
    #: T: frames per video.
    num_frames: int = 25
    #: Weight of the frames not selected (AS Eq. 10).
    alpha: float = 0.0
    #: Where the networks live: cpu or cuda.
    device: str = "cpu"
    #: Of the drawing of hyper-parameters.
    seed: int = 0
    #: Runs at a time; by default as many as there are CPUs. Each has one thread.
    jobs: int | None = None
    #: What runs them: processes of this machine, or Ray.
    engine: Literal["joblib", "ray"] = "joblib"
    #: Of a Ray cluster, whose nodes share this folder; by default a Ray on this machine.
    ray_address: str = ""
    #: Time between two checkpoints of a run, at least.
    checkpoint_seconds: float = CHECKPOINT_SECONDS


def search(arguments: list[str]) -> None:
    """The command."""
    asked = tyro.cli(SearchArguments, prog=program("search"), args=arguments, use_underscores=False)
    torch.set_num_threads(1)
    engine = Engine(asked.engine, asked.jobs, asked.ray_address, asked.device != "cpu")
    trials = draw_trials(asked.agent, asked.trials, asked.seed)
    folders = asked.out.with_name(f"{asked.out.name}.runs")
    runs = _plan(asked, trials, folders)
    log = read_log(asked.out)
    left = {key: run for key, run in runs.items() if key not in log}
    outcomes = run_all(do_trial_run, list(left.values()), engine)
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    keys = {run.folder: key for key, run in left.items()}
    failed = []
    for outcome in outcomes_bar(outcomes, "runs", len(left)):
        run: TrialRun = outcome.task
        if outcome.error:
            failed.append(f"trial {run.trial.number} on {run.run.data}: {outcome.error}")
        else:
            key = keys[run.folder]
            log[key] = outcome.result
            append(asked.out, key, outcome.result)
        shutil.rmtree(run.folder, ignore_errors=True)
    for key in runs.keys() & log.keys():  # also what a search that was killed left
        shutil.rmtree(runs[key].folder, ignore_errors=True)
    if folders.is_dir() and not any(folders.iterdir()):  # else another search is going on there
        folders.rmdir()
    _print_table(asked, trials, runs, log)
    for line in failed:
        print(f"{program('search')}: {line}", file=sys.stderr)
    if failed:
        raise SystemExit(2)


def _plan(asked: SearchArguments, trials: list[Trial], folders: Path) -> dict[Key, TrialRun]:
    """Every run of the search by its key, trial after trial.

    Raises:
        FrameSelectError: for anything unknown, missing or out of range.
    """
    if not asked.data:
        raise FrameSelectError("--data: name at least one")
    if asked.seeds < 1:
        raise FrameSelectError(f"seeds={asked.seeds}: must be at least 1")
    if len({open_cache(data).task for data in asked.data}) > 1:
        raise FrameSelectError(
            "--data: an accuracy and a mean absolute error cannot be averaged; search on caches of "
            "one task"
        )
    names = ("fold", "split", "stream", "num_frames", "alpha", "select", "budget", "device")
    common: dict[str, Any] = {name: getattr(asked, name) for name in names}
    common["reward"] = parse_reward(asked.reward)
    runs = {}
    for trial in trials:
        for data in asked.data:
            for seed in range(asked.seeds):
                keywords = {**common, "seed": seed}
                run = Run(data, trial.choice, keywords)
                if trial.number == 0 and seed == 0:
                    run.task(open_cache(data))
                key = make_key(asked.agent, trial, data, keywords)
                folder = folders / folder_name(key)
                runs[key] = TrialRun(trial, run, folder, asked.checkpoint_seconds)
    return runs


def _print_table(
    asked: SearchArguments,
    trials: list[Trial],
    runs: Mapping[Key, TrialRun],
    log: Mapping[Key, TrialScore],
) -> None:
    """Print the trials that have all their runs, best first."""
    scores: dict[int, list[TrialScore]] = {trial.number: [] for trial in trials}
    for key, run in runs.items():
        if key in log:
            scores[run.trial.number].append(log[key])
    each = len(asked.data) * asked.seeds
    found = [(means(scores[one.number]), one) for one in trials if len(scores[one.number]) == each]
    found.sort(key=lambda pair: (pair[0].validation, pair[0].validation_p_c), reverse=True)
    regression = open_cache(asked.data[0]).task == "regression"
    console = Console(width=None if sys.stdout.isatty() else PIPED_WIDTH)
    table = Table(
        title=f"{asked.agent}: {len(found)} trials, validation, mean of {each} runs each",
        title_justify="left",
    )
    searched = list(trials[0].hyper)
    table.add_column("trial", justify="right")
    table.add_column("MAE" if regression else "accuracy %", justify="right")
    if not regression:
        table.add_column("p of true class", justify="right")
    for name in [*searched, "episodes scored", "seconds"]:
        table.add_column(name, justify="right")
    for score, trial in found:
        value = f"{-score.validation:.4f}" if regression else f"{100 * score.validation:.2f}"
        cells = [value] if regression else [value, f"{score.validation_p_c:.4f}"]
        cells += [str(trial.hyper[name]) for name in searched]
        cells += [str(score.episodes), f"{score.seconds:.1f}"]
        table.add_row(str(trial.number), *cells)
    console.print(table)
    if found:
        best = shlex.quote(trial_text(asked.agent, found[0][1]))
        console.print(f"best: --agent {best}", highlight=False, markup=False, soft_wrap=True)
    console.print(f"log: {asked.out}", highlight=False, markup=False, soft_wrap=True)
