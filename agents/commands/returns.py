"""frame-select returns: reference returns of the environments, beside those of a trained agent."""

import csv
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import tyro

from agents.commands.options import fail_if_any, print_line
from agents.evaluation.files import write_csv
from agents.evaluation.text_tables import TextTable, print_text_table
from agents.reproduction.reference_returns import ReturnRow, ReturnsJob, make_jobs, return_rows
from baselines.reference_returns import PROCESSES
from data.commands.console import check_options
from data.engine import Engine, outcomes_bar, run_all
from frame_select_env import FrameSelectError, open_cache
from frame_select_env.command_line import program

FIGURES = ("random", "keep_all", "keep_none", "agent", "best_known")
COLUMNS = tuple(field.name for field in dataclasses.fields(ReturnRow))


@dataclass(frozen=True, kw_only=True)
class ReturnsArguments:
    """Play every id with every reward by reference policies, and write their mean returns.

    The policies act at random, keep every frame, keep none, select what trained agents select, and
    select the best that a search with the label finds. Rows that the file has already, of the same
    cache and budget, are kept. Glance's own reward, which has no name, is always among the rewards.
    """

    #: Names of bundled caches, or paths.
    data: tuple[str, ...] = ("cues", "digits")
    #: The CSV file to write; delete it to begin anew.
    out: Path
    #: Rewards by name. Default: every one of the library that fits.
    rewards: tuple[str, ...] = ()
    #: Number of episodes that an agent is trained for. Default: 25600, on Glance with its own
    #: reward 76800.
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
    if options.budget < 0:
        raise FrameSelectError(f"--budget {options.budget}: must be at least 1")
    engine = Engine("joblib", options.jobs)
    jobs = make_jobs(options.data, options.rewards, options.budget)
    before = read_returns(options.out)
    check_replaced(options.out, before, jobs)
    write_returns(options.out, before)  # now rather than after the first agents, if it cannot be
    found, failed = kept_returns(before, jobs), []
    left = [job for job in jobs if job not in found]
    if found:
        print_line(f"kept from {options.out}: {len(found)} of {len(jobs)} pairs of id and reward")
    for outcome in outcomes_bar(run_all(return_rows, left, engine), "rewards", len(left)):
        if outcome.error:
            failed.append(f"{outcome.task}: {outcome.error}")
        else:
            found[outcome.task] = outcome.result
            # Read again: another command may write rows of other rewards or caches.
            kept = {_key(row): row for row in [*read_returns(options.out), *outcome.result]}
            write_returns(options.out, sorted(kept.values(), key=_place))
    for data in options.data:
        rows = [row for job in jobs for row in found.get(job, ()) if row.data == data]
        print_text_table(table_of(rows), f"{data}: mean returns")
    print_line(f"returns: {options.out}")
    fail_if_any("returns", failed)


def read_returns(path: Path) -> list[ReturnRow]:
    """The rows of a file; none if there is no file.

    Raises:
        FrameSelectError: if it cannot be read, or is another table.
    """
    if not path.exists():
        return []
    try:
        with path.open(newline="", encoding="utf-8") as file:
            table = csv.DictReader(file)
            named = tuple(table.fieldnames or ()) == COLUMNS
            rows = [_read_row(cells) for cells in table] if named else []
            if named and all(row.environment in PROCESSES for row in rows):
                return rows
    except OSError as error:
        raise FrameSelectError(f"{path}: cannot be read: {error}") from None
    except (ValueError, TypeError):
        pass
    raise FrameSelectError(
        f"{path}: is not a table of returns, or is damaged; delete it, or choose another --out"
    )


def kept_returns(
    rows: Sequence[ReturnRow], jobs: Sequence[ReturnsJob]
) -> dict[ReturnsJob, list[ReturnRow]]:
    """The jobs whose rows are there."""
    kept = {_key(row): row for row in rows}
    found = {}
    for job in jobs:
        done = [kept[key] for key in _keys(job) if key in kept]
        if len(done) == len(job.splits):
            found[job] = done
    return found


def check_replaced(path: Path, rows: Sequence[ReturnRow], jobs: Sequence[ReturnsJob]) -> None:
    """Refuse to replace rows of another cache or budget.

    Raises:
        FrameSelectError: naming the file.
    """
    budgets = {key: job.budget for job in jobs for key in _keys(job)}
    digests = {job.data: open_cache(job.data).digest for job in jobs}
    for row in rows:
        asked = budgets.get(_key(row), row.episodes)
        if row.episodes != asked:
            wrong = f"{row.episodes} episodes, and --budget asks for {asked}"
        elif digests.get(row.data, row.cache) != row.cache:
            wrong = f"{row.data} as it was before"
        else:
            continue
        raise FrameSelectError(f"{path}: has rows of {wrong}; delete it, or choose another --out")


def _keys(job: ReturnsJob) -> list[tuple[str, str, str, str]]:
    return [(job.data, job.id, job.reward, split) for split in job.splits]


def _key(row: ReturnRow) -> tuple[str, str, str, str]:
    return row.data, row.environment, row.reward, row.split


def _place(row: ReturnRow) -> tuple[str, int, bool, str, str]:
    """Where a row stands: by cache and id, then rewards, those without a name first."""
    rewards = not row.reward.startswith("{"), row.reward
    return row.data, list(PROCESSES).index(row.environment), *rewards, row.split


def _read_row(cells: dict[str, str]) -> ReturnRow:
    figures = {name: float(cells[name]) if cells[name] else None for name in FIGURES}
    return ReturnRow(**{**cells, **figures, "episodes": int(cells["episodes"])})  # type: ignore[arg-type]


def write_returns(path: Path, rows: list[ReturnRow]) -> None:
    """Write the rows as CSV."""
    cells = []
    for row in rows:
        named = dataclasses.asdict(row)
        named |= {name: "" if (one := named[name]) is None else f"{one:.4f}" for name in FIGURES}
        cells.append(named)
    write_csv(path, COLUMNS, cells)


def table_of(rows: list[ReturnRow]) -> TextTable:
    """The rows for a terminal."""
    heading = ["id, reward, split", *(name.replace("_", " ") for name in FIGURES)]
    cells = [
        [f"{row.environment.partition('/')[2].removesuffix('-v0')}, {row.reward}, {row.split}"]
        + ["" if (one := getattr(row, name)) is None else f"{one:.2f}" for name in FIGURES]
        for row in rows
    ]
    return TextTable(heading, cells)
