"""frame-select search: hyper-parameters drawn by Optuna, scored on validation videos."""

import shlex
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import torch
import tyro

from agents.commands.options import (
    SEEDS,
    ManyRunsOptions,
    SeedsOption,
    StreamOptions,
    fail_if_any,
    print_line,
)
from agents.evaluation.text_tables import TextTable, print_text_table
from agents.registry import parse_agent, parse_reward
from agents.search.study import (
    ROUND,
    Key,
    Sampler,
    SearchTrial,
    TrialRun,
    TrialScore,
    TrialStudy,
    append_to_log,
    make_runs,
    mean_score,
    read_log,
    train_trial_run,
)
from agents.training.seeds import expand_seeds
from agents.training.trainer import Run
from data.commands.console import check_options
from data.engine import Engine, outcomes_bar, run_all
from frame_select_env import FrameSelectError, open_cache
from frame_select_env.command_line import program
from frame_select_env.rewards import Reward, RewardSpec
from frame_select_env.storage import writing
from frame_select_env.wording import counted

Finished = list[tuple[TrialScore, SearchTrial]]


@dataclass(frozen=True, kw_only=True)
class SearchArguments(StreamOptions, ManyRunsOptions):
    """Search hyper-parameters of an agent on every cache and seed; the test split is never read.

    The first trial is the agent as it is named. A trial's score is the mean over caches and seeds
    of the validation score of the weights that are kept, so there must be validation videos. The
    same command resumes an interrupted search, and one with more trials, seeds or caches trains
    only the new runs.
    """

    #: Names of bundled caches, or paths.
    data: tuple[str, ...]
    #: An agent: NAME, module:object, or NAME@hyper=value,hyper=value; values named here are fixed.
    agent: str
    #: The log, a CSV file; several searches may share it. The Optuna study is in OUT.journal.
    out: Path
    #: Number of trials.
    trials: int = 8
    #: Number of seeds per trial, 0, 1, 2, ...; several are the seeds themselves.
    seeds: Annotated[SeedsOption, SEEDS] = 2
    #: How trials are drawn: random (without repetition), or tpe (Optuna's tree-structured Parzen
    #: estimator, after 8 random trials).
    sampler: Sampler = "random"
    #: Number of frames m to train for. Default: that of the agent's preset, 8 or 12.
    target_frames: int | None = None
    #: A reward's name, module:function, or JSON. Default: as in train, by agent and cache.
    reward: str | None = None
    #: The fold.
    fold: str = "default"
    #: Seed of the sampler.
    seed: int = 0


def search(arguments: list[str]) -> None:
    """Run the command."""
    check_options(SearchArguments, "search", arguments)
    options = tyro.cli(SearchArguments, prog=program("search"), args=arguments)
    torch.set_num_threads(1)
    engine = options.make_engine()
    keywords = _check(options)
    log = read_log(options.out)
    with writing(options.out):
        options.out.parent.mkdir(parents=True, exist_ok=True)
    digests = [open_cache(data).digest for data in options.data]
    settings = [options.data, digests, options.seeds, keywords]
    journal = options.out.with_name(f"{options.out.name}.journal")
    study = TrialStudy(options.agent, options.sampler, options.seed, journal, settings)
    folders = options.out.with_name(f"{options.out.name}.runs")
    runs: dict[int, list[TrialRun]] = {}
    failed: list[str] = []
    finished: Finished = []
    # TPE draws a round after the scores of the one before, whatever the number of jobs.
    size = ROUND if options.sampler == "tpe" else options.trials
    for count in [*range(size, options.trials, size), options.trials]:
        new = study.trials(count)[len(runs) :]
        for trial in new:
            runs[trial.number] = make_runs(
                *(options.agent, trial, options.data, keywords, options.seeds),
                *(folders, options.checkpoint_seconds),
            )
        left = [run for trial in new for run in runs[trial.number] if run.key not in log]
        failed += _train(options.out, left, log, engine)
        for trial in new:
            if all(run.key in log for run in runs[trial.number]):
                score = mean_score(log[run.key] for run in runs[trial.number])
                study.tell(trial, score.validation)
                finished.append((score, trial))
    for own in runs.values():  # also what a killed search left
        for run in own:
            shutil.rmtree(run.folder, ignore_errors=True)
    if folders.is_dir() and not any(folders.iterdir()):  # else another search is running there
        folders.rmdir()
    _print_table(options, keywords["reward"], list(study.space), finished)
    fail_if_any("search", failed)


def _check(options: SearchArguments) -> dict[str, Any]:
    """The keywords of the runs' task, checked on every cache before anything is written."""
    if not options.data:
        raise FrameSelectError("--data: give at least one value")
    expand_seeds(options.seeds)
    if options.trials < 1:
        raise FrameSelectError(f"trials={options.trials}: must be at least 1")
    if len({open_cache(data).task for data in options.data}) > 1:
        raise FrameSelectError(
            "--data: an accuracy and a mean absolute error cannot be averaged; search on caches of "
            "one task"
        )
    choice = parse_agent(options.agent)
    m = options.target_frames
    if m is None:
        m = choice.design.default_target_frames(choice.preset, options.num_frames)
    keywords = {**options.task_keywords(), "fold": options.fold, "target_frames": m}
    if options.reward is not None:
        keywords["reward"] = parse_reward(options.reward)
    rewards = []
    for data in options.data:
        task = Run(data, choice, {**keywords, "seed": 0}).task(open_cache(data))
        rewards.append(task.reward)
        if not len(task.validation_rows):
            raise FrameSelectError(
                f"holdout=False: a search scores on validation videos, but {data} has no labelled "
                "val split; use holdout=True"
            )
    if any(one != rewards[0] for one in rewards):
        different = ", ".join(str(one) for one in rewards)
        raise FrameSelectError(
            f"--data: the caches have different default rewards ({different}), whose scores cannot "
            "be averaged; give --reward"
        )
    return {**keywords, "reward": rewards[0]}


def _train(
    out: Path, left: Sequence[TrialRun], log: dict[Key, TrialScore], engine: Engine
) -> list[str]:
    """Train runs, add them to the log and delete their folders; returns a line per failed run."""
    failed = []
    for outcome in outcomes_bar(run_all(train_trial_run, left, engine), "runs", len(left)):
        run: TrialRun = outcome.task
        if outcome.error:
            failed.append(f"trial {run.trial.number} on {run.run.data}: {outcome.error}")
        else:
            log[run.key] = outcome.result
            append_to_log(out, run.key, outcome.result)
        shutil.rmtree(run.folder, ignore_errors=True)
    return failed


def _print_table(
    options: SearchArguments, reward: RewardSpec, searched: list[str], finished: Finished
) -> None:
    """Print the trials whose runs are all finished, best first."""
    finished.sort(key=lambda pair: (pair[0].validation, pair[0].validation_p_c), reverse=True)
    cache = open_cache(options.data[0])
    regression = cache.task == "regression"
    # See `Validation`.
    paid = cache.single_class and Reward(reward).label_free
    each = len(options.data) * len(expand_seeds(options.seeds))
    trials, runs = counted(len(finished), "trial"), counted(each, "run")
    title = f"{options.agent}: {trials}, validation, mean of {runs} each"
    pcc = parse_agent(options.agent).config.validation_metric == "pcc"
    headings = ["PCC" if pcc else "MAE"] if regression else ["accuracy %", "p of true class"]
    headings = ["reward"] if paid else headings
    rows = []
    for score, trial in finished:
        cells = [f"{100 * score.validation:.2f}", f"{score.validation_p_c:.4f}"]
        if regression:
            cells = [f"{score.validation if pcc else -score.validation:.4f}"]
        elif paid:
            cells = [f"{score.validation:.4f}"]
        cells += [str(trial.hyper[name]) for name in searched]
        cells += [str(score.episodes), f"{score.seconds:.1f}"]
        rows.append([str(trial.number), *cells])
    heading = ["trial", *headings, *searched, "episodes scored", "seconds"]
    print_text_table(TextTable(heading, rows), title)
    if finished:
        print_line(f"best: --agent {shlex.quote(finished[0][1].text(options.agent))}")
    told = f"; by hyper-parameter: {program('sensitivity')} {shlex.quote(str(options.out))}"
    print_line(f"log: {options.out}{told if len(finished) > 1 else ''}")
