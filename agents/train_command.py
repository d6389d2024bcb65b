"""frame-select train: one agent, one cache, one seed, one run folder."""

import argparse
import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import torch
import tyro
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from agents.agent_text import AgentChoice
from agents.registry import agent_design
from agents.reward_text import parse_reward
from agents.run_training import Run, train_run
from agents.runs import Epoch
from agents.training import CHECKPOINT_SECONDS, Trained
from agents.validation import Validation
from frame_select_env import FrameSelectError, open_cache
from frame_select_env.command_line import program
from frame_select_env.errors import known


@dataclass(frozen=True)
class TrainArguments:
    """Train an agent on a cache and save it as a run folder.

    A run that was interrupted is resumed by the same command, exactly.
    """

    #: A bundled cache's name or a path.
    data: str
    #: The run folder to write; it must not hold a finished run.
    out: Path
    #: An agent's name, or module:object.
    agent: str = "reinforce"
    #: Where the hyper-parameters below take their defaults from; "paper" are attention-aware
    #: sampling's own.
    preset: str = "tuned"
    #: A reward's name, module:function, or JSON: {"sign_omega": 1.0, "budget": 0.1}.
    reward: str = "sign_omega"
    #: m: how many frames the agent is to keep (AS Eq. 9). By default the preset's, 8 or 12.
    select: int | None = None
    #: Episodes that the environment may score; 0: train for the agent's epochs.
    budget: int = 0
    #: Of every random draw.
    seed: int = 0
    #: The fold whose split and predictions are used.
    fold: str = "default"
    #: The split that is trained on. Choices are made on the fold's val split, or where it has none
    #: on a fifth of this one.
    split: str = "train"
    #: Which stream of features; only needed where the cache has several.
    stream: str | None = None
    #: T: frames per video.
    num_frames: int = 25
    #: Weight of the frames not selected (AS Eq. 10).
    alpha: float = 0.0
    #: Where the network lives: cpu or cuda.
    device: str = "cpu"
    #: Threads of torch; on these small networks more than one is usually slower.
    threads: int = 1
    #: Time between two checkpoints, at least.
    checkpoint_seconds: float = CHECKPOINT_SECONDS


def parse(arguments: list[str]) -> tuple[TrainArguments, AgentChoice]:
    """The arguments, and the agent: its hyper-parameters are its preset's unless a flag says else.

    Raises:
        FrameSelectError: for an unknown agent or preset.
    """
    early = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    early.add_argument("--agent", default=TrainArguments.agent)
    early.add_argument("--preset", default=TrainArguments.preset)
    chosen, _ = early.parse_known_args(arguments)
    design = agent_design(chosen.agent)
    if chosen.preset not in design.presets:
        raise FrameSelectError(
            f"--preset: agent {chosen.agent!r}: {known('preset', chosen.preset, design.presets)}"
        )
    both = dataclasses.make_dataclass(
        "Train",
        [
            ("run", Annotated[TrainArguments, tyro.conf.arg(name="")]),
            (
                "hyper",
                Annotated[design.config, tyro.conf.arg(name="")],
                design.presets[chosen.preset],
            ),
        ],
    )
    parsed: Any = tyro.cli(
        both,
        prog=program("train"),
        description=TrainArguments.__doc__,
        args=arguments,
        config=(tyro.conf.OmitArgPrefixes,),
    )
    return parsed.run, AgentChoice(chosen.agent, chosen.preset, parsed.hyper)


def train(arguments: list[str]) -> None:
    """The command."""
    asked, choice = parse(arguments)
    if asked.threads < 1:
        raise FrameSelectError(f"threads={asked.threads}: must be at least 1")
    torch.set_num_threads(asked.threads)
    keywords = {
        "fold": asked.fold,
        "split": asked.split,
        "stream": asked.stream,
        "num_frames": asked.num_frames,
        "reward": parse_reward(asked.reward),
        "alpha": asked.alpha,
        "select": asked.select,
        "budget": asked.budget,
        "seed": asked.seed,
        "device": asked.device,
    }
    run = Run(asked.data, choice, keywords)
    try:
        trained = _train_with_progress(asked, run)
    except KeyboardInterrupt:
        raise KeyboardInterrupt("the same command goes on from the last checkpoint") from None
    _print_result(asked, run, trained)


def _train_with_progress(asked: TrainArguments, run: Run) -> Trained:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[figures]}"),
    )
    unit, total = "epochs", run.choice.config.epochs
    if asked.budget:
        unit, total = "episodes", asked.budget
    progress = Progress(*columns, console=Console(stderr=True))
    bar = progress.add_task(f"{run.choice.design.name} {unit}", total=total, figures="")

    def on_epoch(epoch: Epoch) -> None:
        progress.start()  # not before: bad input is to say one line and nothing else
        name = "reward" if "reward" in epoch.figures else "loss"
        progress.update(
            bar,
            completed=epoch.episodes if asked.budget else epoch.number,
            figures=f"{name} {epoch.figures.get(name, 0):+.2f}  "
            f"validation {epoch.validation[0]:.3f} (best at {epoch.best_epoch})",
        )

    try:
        return train_run(asked.out, run, on_epoch, asked.checkpoint_seconds)
    finally:
        progress.stop()


def _print_result(asked: TrainArguments, run: Run, trained: Trained) -> None:
    cache, last = open_cache(asked.data), trained.last
    task = run.task(cache)
    validation = Validation(cache, task)
    regression = cache.task == "regression"
    table = Table(
        title=f"{asked.agent} on {cache.path.name}, seed {asked.seed}", title_justify="left"
    )
    table.add_column("validation videos: " + str(len(task.validation_rows)))
    table.add_column("mean absolute error" if regression else "accuracy", justify="right")
    for name, (value, _) in (
        ("all frames", validation.all_frames),
        (f"{asked.agent}, top {task.select}", validation(trained.agent)),
    ):
        table.add_row(name, f"{-value:.3f}" if regression else f"{100 * value:.1f} %")
    console = Console()
    console.print(table)
    console.print(
        f"{last.number} epochs, {last.episodes} episodes, {last.updates} updates, "
        f"{last.seconds:.0f} s; kept epoch {last.best_epoch}",
        highlight=False,
    )
    console.print(
        f"saved in {asked.out}; next: {program('evaluate')} {asked.out} --data {asked.data}",
        highlight=False,
        soft_wrap=True,
    )
