"""frame-select returns: reference returns of the environments, beside those of a trained agent."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import torch
import tyro

from agents.commands.options import fail_if_any, print_line
from agents.evaluation.files import write_csv
from agents.evaluation.text_tables import TextTable, print_text_table
from agents.reference_agents import ReturnRow, make_jobs, return_rows
from data.commands.console import check_options
from data.engine import Engine, outcomes_bar, run_all
from frame_select_env import FrameSelectError
from frame_select_env.command_line import program

FIGURES = ("random", "keep_all", "keep_none", "agent", "best_known")


@dataclass(frozen=True, kw_only=True)
class ReturnsArguments:
    """Play every id with every reward by reference policies, and write their mean returns.

    The policies act at random, keep every frame, keep none, select what a trained agent selects,
    and select the best that a search with the label finds.
    """

    #: Names of bundled caches, or paths.
    data: tuple[str, ...] = ("cues", "digits")
    #: The CSV file to write.
    out: Path
    #: Rewards by name. Default: every one of the library that fits.
    rewards: tuple[str, ...] = ()
    #: Maximum number of episodes that an agent is trained for. Default: 25600, on Glance 76800.
    budget: int = 0
    #: Number of parallel jobs, one thread each. Default: the number of CPUs.
    jobs: int | None = None


def returns(arguments: list[str]) -> None:
    """Run the command."""
    check_options(ReturnsArguments, "returns", arguments)
    options = tyro.cli(ReturnsArguments, prog=program("returns"), args=arguments)
    torch.set_num_threads(1)
    if options.out.suffix != ".csv":
        raise FrameSelectError(f"{options.out}: must end in .csv")
    engine = Engine("joblib", options.jobs)
    jobs = make_jobs(options.data, options.rewards, options.budget)
    found, failed = {}, []
    for outcome in outcomes_bar(run_all(return_rows, jobs, engine), "rewards", len(jobs)):
        if outcome.error:
            failed.append(f"{outcome.task}: {outcome.error}")
        else:
            found[outcome.task] = outcome.result
            write_returns(options.out, [row for job in jobs for row in found.get(job, ())])
    for data in options.data:
        rows = [row for job in jobs for row in found.get(job, ()) if row.data == data]
        print_text_table(table_of(rows), f"{data}: mean returns")
    print_line(f"returns: {options.out}")
    fail_if_any("returns", failed)


def write_returns(path: Path, rows: list[ReturnRow]) -> None:
    """Write the rows as CSV, ids in order."""
    columns = [field.name for field in dataclasses.fields(ReturnRow)]
    cells = []
    for row in rows:
        named = dataclasses.asdict(row)
        named |= {name: "" if (one := named[name]) is None else f"{one:.4f}" for name in FIGURES}
        cells.append(named)
    write_csv(path, columns, cells)


def table_of(rows: list[ReturnRow]) -> TextTable:
    """The rows for a terminal."""
    heading = ["id", "reward", "split", *(name.replace("_", " ") for name in FIGURES)]
    cells = [
        [row.environment.partition("/")[2], row.reward, row.split]
        + ["" if (one := getattr(row, name)) is None else f"{one:.2f}" for name in FIGURES]
        for row in rows
    ]
    return TextTable(heading, cells)
