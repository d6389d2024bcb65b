"""frame-select train: one agent, one cache, one seed, one run folder."""

import argparse
import dataclasses
import inspect
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from agents.commands.config_file import ConfigOptions, find_config, read_config_file, with_defaults
from agents.commands.options import OneRunOptions, note_crossfit, print_line, set_threads
from agents.registry import AgentChoice, agent_design, parse_reward
from agents.training.run_folder import Epoch
from agents.training.task import LIMITS
from agents.training.tracking import check_tracking
from agents.training.trainer import Run, Trained, run_config, train_run
from agents.training.validation import Validation
from data.commands.console import check_options
from data.extraction.provenance import extraction_of
from data.progress import LoggedProgress
from frame_select_env import FrameSelectError, Ranking, open_cache
from frame_select_env.command_line import program
from frame_select_env.errors import known
from frame_select_env.wording import counted

CHOICE = ("agent", "preset")  # what decides which hyper-parameters there are


@dataclass(frozen=True, kw_only=True)
class TrainArguments(ConfigOptions):
    """Train an agent on a cache and save it as a run folder.

    If a run was interrupted, rerun the command to resume it; the result is exactly the same.
    """

    #: Name of a bundled cache, or path of a cache.
    data: str
    #: Run folder to write; it must not hold a finished run.
    out: Path
    #: Name of an agent, or module:object.
    agent: str = "reinforce"
    #: Preset of the hyper-parameters below; "paper" has those of attention-aware sampling, and
    #: keeps the weights of the last epoch, trained on the whole split.
    preset: str = "tuned"
    #: Name of a reward, module:function, or JSON: {"sign_omega": 1.0, "budget": 0.1}. Default:
    #: sign_omega where there are labels, diversity_representativeness where there are none; for the
    #: agents on Glance {"correct": 0.5, "confidence": 0.5, "looks": -0.01}.
    reward: str | None = None
    #: m: number of frames to train for (AS Eq. 9); by default the preset's, 8 or 12.
    target_frames: int | None = None
    #: Random seed.
    seed: int = 0
    #: Fold that defines splits and predictions.
    fold: str = "default"
    #: Number of torch threads; for networks this small, more than one is usually slower.
    threads: int = 1


def train(arguments: list[str]) -> None:
    """Run the command."""
    args, options, choice = parse(arguments)
    set_threads(args.threads)
    check_tracking(options.track)
    settings = {name: getattr(args, name) for name in ("target_frames", "seed", "fold")}
    settings |= options.task_keywords()
    if args.reward is not None:
        settings["reward"] = parse_reward(args.reward)
    run = Run(args.data, choice, settings)
    note_crossfit(choice, args.data)
    _warn_of_nothing_to_select(run)
    if args.config:
        note_changes(args.config, run)
    try:
        trained = _train_with_progress(args.out, run, options)
    except KeyboardInterrupt:
        raise KeyboardInterrupt("rerun the command to resume from the last checkpoint") from None
    _print_result(args, trained)


def parse(arguments: list[str]) -> tuple[TrainArguments, OneRunOptions, AgentChoice]:
    """The arguments, and the agent with the preset's hyper-parameters, overridden by flags."""
    config = find_config(arguments)
    named = {name: config.text(name, getattr(TrainArguments, name)) for name in CHOICE}
    early = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for name in CHOICE:
        early.add_argument(f"--{name}", default=named[name])
    chosen, _ = early.parse_known_args(arguments)
    design = agent_design(named["agent"])
    values = config.typed(TrainArguments, OneRunOptions, design.config)
    hyper = {one.name for one in dataclasses.fields(design.config)}
    if vars(chosen) != named and hyper & values.keys():
        print_line(
            f"note: the hyper-parameters in {config.path} are those of {named['agent']}, preset "
            f"{named['preset']}, and are left out"
        )
        values = {name: value for name, value in values.items() if name not in hyper}
    design = agent_design(chosen.agent)
    if chosen.preset not in design.presets:
        raise FrameSelectError(
            f"--preset: agent {chosen.agent!r}: {known('preset', chosen.preset, design.presets)}"
        )
    changed = {name: value for name, value in values.items() if name in hyper}
    preset = dataclasses.replace(design.presets[chosen.preset], **changed)
    flat = tyro.conf.arg(name="")
    every = dataclasses.make_dataclass(
        "Train",
        [
            ("run", Annotated[TrainArguments, flat], with_defaults(TrainArguments, values)),
            ("options", Annotated[OneRunOptions, flat], with_defaults(OneRunOptions, values)),
            ("hyper", Annotated[design.config, flat], preset),
        ],
    )
    check_options(every, "train", arguments)
    parsed: Any = tyro.cli(
        every,
        prog=program("train"),
        description=inspect.getdoc(TrainArguments),
        args=arguments,
        config=(tyro.conf.OmitArgPrefixes,),
    )
    return parsed.run, parsed.options, AgentChoice(chosen.agent, chosen.preset, parsed.hyper)


def note_changes(path: Path, run: Run) -> None:
    """Print a line for what has changed since the run whose config.json the options are from."""
    recorded = read_config_file(path).recorded
    cache = open_cache(run.data)
    now = run_config(run, cache, run.task(cache))
    before = recorded.get("cache", {})
    if before.get("name") == cache.path.name and before.get("digest") != cache.digest:
        print_line(f"note: {cache.path.name} has changed since the run of {path}")
    for name, digest in now["code"].items():
        if recorded.get("code", {}).get(name, digest) != digest:
            print_line(f"note: the code of {name} has changed since the run of {path}")


def _train_with_progress(out: Path, run: Run, options: OneRunOptions) -> Trained:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[figures]}"),
    )
    limits = {unit: run.settings.get(name) for name, unit in LIMITS.items()}
    unit = next((unit for unit, limit in limits.items() if limit), "epochs")
    total = limits.get(unit, run.choice.config.epochs)
    progress = LoggedProgress(*columns, console=Console(stderr=True))
    bar = progress.add_task(f"{run.choice.design.name} {unit}", total=total, figures="")

    def on_epoch(epoch: Epoch) -> None:
        progress.start()  # not earlier, so that bad input prints one line and nothing else
        name = "reward" if "reward" in epoch.figures else "loss"
        figures = f"{name} {epoch.figures.get(name, 0):+.2f}"
        if epoch.validation is not None:
            score = f"validation {epoch.validation[0]:.3f}"
            figures += f"  {score} (best at {epoch.best_epoch})"
        done = {"episodes": epoch.episodes, "updates": epoch.updates, "epochs": epoch.number}
        completed = done.get(unit, round(epoch.cpu_seconds))
        progress.update(bar, completed=completed, figures=figures)

    try:
        return train_run(out, run, on_epoch, options.checkpoint_seconds, options.track)
    finally:
        if progress.live.is_started:  # stopping a display that never started prints a line
            progress.stop()


def _print_result(args: TrainArguments, trained: Trained) -> None:
    last = trained.last
    if trained.validation:
        _print_validation(args, trained.agent, trained.validation)
    else:
        print_line("no validation videos were held out (holdout=False)")
    counts = (last.number, "epoch"), (last.episodes, "episode"), (last.updates, "update")
    print_line(
        f"{', '.join(counted(*one) for one in counts)}, {last.seconds:.0f} s "
        f"({last.cpu_seconds:.0f} CPU s); kept epoch {trained.kept_epoch}"
    )
    if not last.updates:
        print_line(
            f"warning: no update was made in {counted(last.episodes, 'episode')}: the network is "
            "untrained; give a larger --budget"
        )
    print_line(f"saved in {args.out}; next: {_next_command(args)}")


def _next_command(args: TrainArguments) -> str:
    """What to do with the run: `evaluate`, or without test videos `pick`, if it can pick."""
    cache = open_cache(args.data)
    evaluate = f"{program('evaluate')} {args.out} --data {args.data}"
    if len(cache.judged(np.flatnonzero(cache.splits(args.fold) == "test"))):
        return evaluate
    try:
        extraction_of(cache.provenance)
    except LookupError:  # nobody knows how the features of other videos are made
        return f"{evaluate} --split train"
    return f"{program('pick')} {args.out} VIDEO_OR_FOLDER --out picked"


def _warn_of_nothing_to_select(run: Run) -> None:
    """Print a line if every video's best m frames are all of its frames."""
    cache = open_cache(run.data)
    task = run.task(cache)
    most = min(task.num_frames, int(cache.lengths.max()))
    if task.target_frames >= most > 1 and run.choice.config.validate == "selection":
        print_line(
            f"warning: --target-frames {task.target_frames}, but videos have at most {most} "
            f"frames: all are kept, nothing is selected; --target-frames {most // 2} selects half"
        )


def _print_validation(args: TrainArguments, agent: Ranking, validation: Validation) -> None:
    measure = validation.measure
    answer = validation.validated == "answer"
    ours = "its own answer" if answer else f"top {validation.task.target_frames}"
    name = open_cache(args.data).path.name
    table = Table(title=f"{args.agent} on {name}, seed {args.seed}", title_justify="left")
    table.add_column(counted(len(validation.labels), "validation video"))
    table.add_column(measure, justify="right")
    sign = -1 if measure == "mean absolute error" else 1
    for row, (value, _) in (
        ("all frames", validation.all_frames),
        (f"{args.agent}, {ours}", validation(agent)),
    ):
        accuracy = measure == "accuracy"
        table.add_row(row, f"{100 * value:.1f} %" if accuracy else f"{sign * value:.3f}")
    Console().print(table)
