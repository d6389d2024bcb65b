"""frame-select compare: many agents, rewards and seeds on the same videos, and a report."""

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
import tyro
from rich.console import Console

from agents.comparison.gather import gather
from agents.comparison.grid import RUNS, Cell, check_scoring, make_grid, parse_shard
from agents.comparison.record import Record
from agents.comparison.results import write_results
from agents.comparison.work import Work, do_work, done_before
from agents.evaluation.tables import PIPED_WIDTH, print_table
from agents.training import CHECKPOINT_SECONDS
from data.engines import Engine, run_all
from data.engines.progress import outcomes_bar
from frame_select_env import FrameSelectError
from frame_select_env.command_line import program

RESULTS = "results.csv"


@dataclass(frozen=True)
class CompareArguments:
    """Train every agent for every reward with every seed, and compare them on the test split.

    A comparison that was interrupted is taken up by the same command; runs that are finished are
    not trained again, and a wider grid in the same folder trains only what is new.
    """

    #: Bundled caches' names, or paths.
    data: tuple[str, ...]
    #: Agents: NAME, module:object, or NAME@hyper=value,hyper=value with preset=NAME among them.
    agents: tuple[str, ...]
    #: The folder for runs, results.csv and the report.
    out: Path
    #: Rewards: names, module:function, or JSON.
    rewards: tuple[str, ...] = ("sign_omega",)
    #: m: how many frames the agents are to keep, whatever their preset says.
    select: tuple[int, ...] = (8,)
    #: How many seeds: 0, 1, 2, ...
    seeds: int = 5
    #: Folds, of every cache.
    folds: tuple[str, ...] = ("default",)
    #: Episodes that the environment may score in a run; 0: train for the agent's epochs.
    budget: int = 0
    #: The split that is trained on.
    split: str = "train"
    #: Which stream of features; only needed where a cache has several.
    stream: str | None = None
    #: T: frames per video.
    num_frames: int = 25
    #: Weight of the frames not selected (AS Eq. 10).
    alpha: float = 0.0
    #: The m at which test scores are taken.
    frames: tuple[int, ...] = (4, 8, 12)
    #: References beside the usual ones: diversity, hill-climb, exact-oracle (of 16 frames at most).
    also: tuple[str, ...] = ()
    #: Of the bootstrap.
    resamples: int = 2000
    #: Where the networks live: cpu or cuda.
    device: str = "cpu"
    #: Runs at a time; by default as many as there are CPUs. Each has one thread.
    jobs: int | None = None
    #: What runs them: processes of this machine, or Ray.
    engine: Literal["joblib", "ray"] = "joblib"
    #: Of a Ray cluster, whose nodes share this folder; by default a Ray on this machine.
    ray_address: str = ""
    #: i/n trains every n-th run, from the i-th, for n machines that share the folder. The one that
    #: finds all runs finished, or the command without --shard, writes the report.
    shard: str = ""
    #: Time between two checkpoints of a run, at least.
    checkpoint_seconds: float = CHECKPOINT_SECONDS


def compare(arguments: list[str]) -> None:
    """The command."""
    asked = tyro.cli(
        CompareArguments, prog=program("compare"), args=arguments, use_underscores=False
    )
    torch.set_num_threads(1)
    engine = Engine(asked.engine, asked.jobs, asked.ray_address, asked.device != "cpu")
    cells, shard = _grid(asked), parse_shard(asked.shard)
    frames = tuple(sorted(set(asked.frames)))
    work = [Work(cell, cell.folder(asked.out), frames, asked.checkpoint_seconds) for cell in cells]
    records = _finished(work)
    left = [one for one in work[shard] if one.cell not in records]
    outcomes = run_all(do_work, left, engine)
    asked.out.mkdir(parents=True, exist_ok=True)
    write_results(asked.out / RESULTS, cells, records)
    failed = []
    for outcome in outcomes_bar(outcomes, "runs", len(left)):
        if outcome.error:
            failed.append(f"{outcome.task.cell}: {outcome.error}")
        else:
            records[outcome.task.cell] = outcome.result
            write_results(asked.out / RESULTS, cells, records)
    if asked.shard:
        records = _finished(work)  # the other shards may have ended meanwhile
    if asked.shard and len(records) < len(cells):
        write_results(asked.out / RESULTS, cells, records)
        _say(f"{asked.out}: {len(records)} of {len(cells)} runs are finished; shard {asked.shard}")
    elif records:
        command = f"{program('compare')} {shlex.join(arguments)}"
        _report(asked, cells, records, command, failed)
    for line in failed:
        print(f"{program('compare')}: {line}", file=sys.stderr)
    if failed:
        raise SystemExit(2)


def _grid(asked: CompareArguments) -> list[Cell]:
    if asked.out.exists() and not asked.out.is_dir():
        raise FrameSelectError(f"{asked.out}: is not a folder; choose another --out")
    if asked.out.exists() and any(asked.out.iterdir()) and not (asked.out / RUNS).is_dir():
        raise FrameSelectError(
            f"{asked.out}: is neither empty nor a comparison's folder; choose another --out"
        )
    cells = make_grid(
        asked.data,
        asked.folds,
        asked.agents,
        asked.rewards,
        asked.select,
        asked.seeds,
        split=asked.split,
        stream=asked.stream,
        num_frames=asked.num_frames,
        alpha=asked.alpha,
        budget=asked.budget,
        device=asked.device,
    )
    check_scoring(cells, asked.frames, asked.also, asked.resamples)
    return cells


def _finished(work: Sequence[Work]) -> dict[Cell, Record]:
    """The records of what is trained and scored.

    Raises:
        FrameSelectError: if a run folder holds something else.
    """
    return {one.cell: found for one in work if (found := done_before(one))}


def _report(
    asked: CompareArguments,
    cells: Sequence[Cell],
    records: dict[Cell, Record],
    command: str,
    failed: Sequence[str],
) -> None:
    """Evaluate all runs together, write everything that tells about it and print the tables."""
    # Matplotlib and TensorBoard take long to import.
    from agents.comparison.pictures import draw_pictures
    from agents.comparison.report import write_report
    from agents.comparison.statistics import write_statistics
    from agents.comparison.summary import write_summary
    from agents.comparison.tensorboard import write_hparams

    out = asked.out
    boards = gather(out, cells, records, asked.frames, asked.also, asked.resamples)
    write_results(out / RESULTS, cells, records, boards)
    notes = [f"a run failed: {line}" for line in failed]
    (out / "pictures").mkdir(exist_ok=True)
    write_statistics(out, boards)
    pictures = draw_pictures(out / "pictures", boards)
    write_hparams(out / "hparams", boards)
    write_summary(out / "summary.md", boards, command, notes)
    write_report(out / "report.html", boards, command, notes, pictures)
    # Piped into a file, a table is as wide as its names make it.
    longest = max(len(row.ranking) for board in boards for row in board.evaluation.table)
    width = None if sys.stdout.isatty() else PIPED_WIDTH + longest
    for board in boards:
        print_table(board.evaluation, Console(width=width))
    _say(f"{RESULTS}, aggregate.csv, pairs.csv, summary.md, pictures and hparams are in {out}")
    _say(f"report: {out / 'report.html'}")


def _say(text: str) -> None:
    Console().print(text, highlight=False, soft_wrap=True, markup=False)
