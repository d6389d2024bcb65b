"""python -m agents train: one agent, one cache, one seed, one run folder."""

import argparse
import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
import tyro
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from agents.registry import AgentDesign, agent_design
from agents.runs import Epoch, RunWriter, as_json, cache_facts
from agents.task import Task, make_task
from agents.validation import Validation
from frame_select_env import FeatureCache, FrameSelectError, Ranking, open_cache
from frame_select_env.errors import known


@dataclass(frozen=True)
class TrainArguments:
    """Train an agent on a cache and save it as a run folder."""

    #: A bundled cache's name or a path.
    data: str
    #: The run folder to write; it must not hold a run yet.
    out: Path
    #: An agent's name, or module:object.
    agent: str = "reinforce"
    #: Where the hyper-parameters below take their defaults from; "paper" are attention-aware
    #: sampling's own.
    preset: Literal["tuned", "paper"] = "tuned"
    #: A reward's name, module:function, or JSON: {"sign_omega": 1.0, "budget": 0.1}.
    reward: str = "sign_omega"
    #: m: how many frames the agent is to keep (AS Eq. 9). By default the preset's, 8 or 12.
    select: int | None = None
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


def parse_reward(text: str) -> Any:
    """A reward as the command line takes it: a name or JSON.

    Raises:
        FrameSelectError: if it begins like JSON and is not.
    """
    if not text.lstrip().startswith(("{", "[")):
        return text
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise FrameSelectError(f"--reward {text}: is not JSON: {error}") from None


def parse(arguments: list[str]) -> tuple[TrainArguments, AgentDesign, Any]:
    """The arguments, the agent, and its hyper-parameters: its preset's unless a flag says else."""
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
        prog="python -m agents train",
        description=TrainArguments.__doc__,
        args=arguments,
        config=(tyro.conf.OmitArgPrefixes,),
    )
    return parsed.run, design, parsed.hyper


def train(arguments: list[str]) -> None:
    """The command."""
    run, design, hyper = parse(arguments)
    torch.set_num_threads(run.threads)
    design.check(hyper)
    cache = open_cache(run.data)
    task = make_task(
        cache,
        run.data,
        fold=run.fold,
        split=run.split,
        stream=run.stream,
        num_frames=run.num_frames,
        reward=parse_reward(run.reward),
        alpha=run.alpha,
        select=min(design.select[run.preset], run.num_frames) if run.select is None else run.select,
        seed=run.seed,
        device=run.device,
    )
    writer = RunWriter(run.out, run_config(run, design, hyper, cache, task))
    try:
        agent, last = _train_with_progress(design, hyper, cache, task, writer)
        writer.finish(agent.network)  # type: ignore[attr-defined]
    finally:
        writer.close()
    _print_result(run, cache, task, agent, last, hyper.epochs)


def run_config(
    run: TrainArguments, design: AgentDesign, hyper: Any, cache: FeatureCache, task: Task
) -> dict[str, Any]:
    """What config.json says of a run: enough to rebuild the agent and its validation videos."""
    return {
        "agent": run.agent,
        "preset": run.preset,
        "data": run.data,
        "cache": cache_facts(cache),
        "task": {
            "fold": task.fold,
            "split": task.split,
            "stream": task.stream,
            "num_frames": task.num_frames,
            "reward": task.reward,
            "alpha": task.alpha,
            "select": task.select,
            "seed": task.seed,
        },
        "hyper": as_json(hyper),
    }


def _train_with_progress(
    design: AgentDesign, hyper: Any, cache: FeatureCache, task: Task, writer: RunWriter
) -> tuple[Ranking, Epoch]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[figures]}"),
    )
    seen: list[Epoch] = []
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bar = progress.add_task(f"{design.name} epochs", total=hyper.epochs, figures="")

        def on_epoch(epoch: Epoch) -> None:
            seen.append(epoch)
            writer.epoch(epoch)
            name = "reward" if "reward" in epoch.figures else "loss"
            progress.update(
                bar,
                completed=epoch.number,
                figures=f"{name} {epoch.figures.get(name, 0):+.2f}  "
                f"validation {epoch.validation[0]:.3f} (best at {epoch.best_epoch})",
            )

        agent = design.train(cache, task, hyper, on_epoch)
    return agent, seen[-1]


def _print_result(
    run: TrainArguments,
    cache: FeatureCache,
    task: Task,
    agent: Ranking,
    last: Epoch,
    epochs: int,
) -> None:
    validation = Validation(cache, task)
    regression = cache.task == "regression"
    table = Table(title=f"{run.agent} on {cache.path.name}, seed {run.seed}", title_justify="left")
    table.add_column("validation videos: " + str(len(task.validation_rows)))
    table.add_column("mean absolute error" if regression else "accuracy", justify="right")
    for name, (value, _) in (
        ("all frames", validation.all_frames),
        (f"{run.agent}, top {task.select}", validation(agent)),
    ):
        table.add_row(name, f"{-value:.3f}" if regression else f"{100 * value:.1f} %")
    console = Console()
    console.print(table)
    console.print(
        f"{last.number} of {epochs} epochs, {last.episodes} episodes, {last.updates} updates, "
        f"{last.seconds:.0f} s; kept epoch {last.best_epoch}",
        highlight=False,
    )
    console.print(
        f"saved in {run.out}; next: python -m agents evaluate {run.out} --data {run.data}",
        highlight=False,
        soft_wrap=True,
    )
