"""frame-select suite: tasks that each test one ability, under a plan, and a leaderboard."""

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any

import torch
import tyro

from agents.commands.options import SEEDS, SeedsOption, fail_if_any, print_line
from agents.commands.train_grid import RESULTS, trained_grid
from agents.comparison.grid import RunSpec, check_scoring, make_grid
from agents.evaluation.latex import write_latex
from agents.evaluation.text_tables import TextTable, markdown_table, print_text_table
from agents.suite.anchors import Anchors, find_anchors
from agents.suite.caches import Materials, make_materials
from agents.suite.leaderboard import (
    Leaderboard,
    leaderboard_markdown,
    make_leaderboard,
    score_table,
)
from agents.suite.pairs import (
    PlannedPair,
    Samples,
    pair_tables,
    pairs_markdown,
    planned_pairs,
    score_samples,
    write_pairs,
)
from agents.suite.plan import PLAN, Plan, keep_plan, read_plan
from agents.suite.results import ResultRow, read_results, result_rows, write_results
from agents.suite.tasks import TASKS, agents_for, suite_task
from agents.training.trainer import CHECKPOINT_SECONDS
from data.commands.console import check_options
from data.engine import Engine
from frame_select_env import FrameSelectError, open_cache
from frame_select_env.command_line import program
from frame_select_env.storage import exclusive, visible, write_whole, writing

CACHES, RUNS = "caches", "tasks"  # folders in --out
PICTURE, PAGE, SUMMARY = "leaderboard.png", "leaderboard.md", "summary.md"
PROFILES = "profiles.png"
PAIRS = "pairs.csv"


@dataclass(frozen=True, kw_only=True)
class SuiteArguments:
    """Train agents on the suite's tasks, and write results.csv and a leaderboard.

    Each task tests one ability. A score is 0 for keeping all frames and 1 for the true key frames.
    What is to be run is written to OUT/plan.json before the first run, with its sha256 beside every
    result; another plan in the same folder is refused. The same command resumes an interrupted
    suite, and so does --out alone. The tasks' videos are made on demand.
    """

    #: Output folder for the plan, caches, runs, results.csv and the leaderboard.
    out: Path
    #: Agents: NAME, module:object, or NAME@hyper=value,hyper=value. Where looks cost, reinforce,
    #: ppo and dqn are their variants for that, and others are left out.
    agents: tuple[str, ...] = ()
    #: Tasks; default: all.
    tasks: tuple[str, ...] = ()
    #: Number of seeds, 0, 1, 2, ...; several are the seeds themselves. Default: 3.
    seeds: Annotated[SeedsOption | None, SEEDS] = None
    #: A plan in place of the options, JSON or TOML: agents, tasks, seeds, corpus_seed, budget,
    #: updates and tests, the pairs of agents to be compared.
    plan: Path | None = None
    #: Seed of the videos; default: 0, the suite's own.
    corpus_seed: int | None = None
    #: Maximum number of episodes per run; default: those of each task.
    budget: int | None = None
    #: Number of updates (optimiser steps) per run, of every agent, also of those that score no
    #: episodes; instead of the tasks' episodes.
    updates: int | None = None
    #: Make and check the tasks' videos, and train nothing; print how to try formulas on them.
    only_caches: bool = False
    #: Make the leaderboard in OUT of these results.csv alone, and train nothing.
    from_results: Annotated[tuple[Path, ...], tyro.conf.arg(name="from")] = ()
    #: Also write every table as LaTeX (booktabs), OUT/tables/*.tex.
    latex: bool = False
    #: Number of parallel runs, one thread each. Default: the number of CPUs.
    jobs: int | None = None
    #: Device of the networks: cpu or cuda.
    device: str = "cpu"
    #: Minimum time between two checkpoints of a run, in seconds.
    checkpoint_seconds: float = CHECKPOINT_SECONDS


def suite(arguments: list[str]) -> None:
    """Run the command."""
    check_options(SuiteArguments, "suite", arguments)
    options = tyro.cli(SuiteArguments, prog=program("suite"), args=arguments)
    torch.set_num_threads(1)
    if options.from_results:
        if planned(options) or options.plan or options.only_caches:
            raise FrameSelectError("--from: goes with --out alone, as it trains nothing")
        rows = [row for path in options.from_results for row in read_results(path)]
        board = make_leaderboard(rows)
        with writing(options.out):
            options.out.mkdir(parents=True, exist_ok=True)
        write_leaderboard(options.out, board)
        if options.latex:
            write_latex(options.out, latex_tables(board))
        show(board, options.out)
        return
    check_folder(options.out)
    if options.only_caches:
        with exclusive(options.out):
            only_caches(options)
        return
    plan = chosen_plan(options)
    engine = Engine("joblib", options.jobs, "", options.device != "cpu")
    with exclusive(options.out):
        keep_plan(plan, options.out)
        print_line(f"plan: sha256 {plan.digest}, {options.out / PLAN}")
        # Absolute: a run belongs to the path of its cache, whatever folder it is resumed from.
        caches = (options.out / CACHES).resolve()
        made = {name: make_materials(TASKS[name], caches, plan.corpus_seed) for name in plan.tasks}
        command = f"{program('suite')} {shlex.join(arguments)}"
        failed = run_tasks(options, plan, made, engine, command)
    fail_if_any("suite", failed)


def only_caches(options: SuiteArguments) -> None:
    """Make the tasks' caches and judges, and print how formulas are tried on them."""
    for name in options.tasks or TASKS:
        task = suite_task(name)
        materials = make_materials(task, options.out / CACHES, options.corpus_seed or 0)
        judge = f" --aggregator {materials.aggregator}" if task.judged else ""
        print_line(f"{name}: {task.ability}")
        try_formulas = f"{program('shortcuts')} {materials.data} --num-frames {task.num_frames}"
        print_line(f"  {try_formulas}{judge}")


def chosen_plan(options: SuiteArguments) -> Plan:
    """The plan that the options give: by themselves, in a file, or that of the folder."""
    given = planned(options)
    if options.plan:
        if given:
            flag = next(iter(given)).replace("_", "-")
            raise FrameSelectError(f"--{flag}: is in the plan; leave it out, or --plan")
        return read_plan(options.plan)
    if not given and (options.out / PLAN).is_file():
        return read_plan(options.out / PLAN)
    if not options.agents:
        raise FrameSelectError("--agents: give at least one, or a --plan")
    return Plan(**given)


def planned(options: SuiteArguments) -> dict[str, Any]:
    """The fields of a plan that the options name."""
    named = {field.name: getattr(options, field.name, None) for field in fields(Plan)}
    return {name: value for name, value in named.items() if value not in (None, ())}


def check_folder(out: Path) -> None:
    """Refuse a folder that holds anything but a suite."""
    if out.exists() and not out.is_dir():
        raise FrameSelectError(f"{out}: is not a folder; choose another --out")
    others = [one for one in visible(out) if one.name != CACHES] if out.exists() else []
    if others and not (out / PLAN).is_file():
        raise FrameSelectError(
            f"{out}: is neither empty nor the folder of a suite; choose another --out"
        )


def run_tasks(
    options: SuiteArguments,
    plan: Plan,
    made: dict[str, Materials],
    engine: Engine,
    command: str,
) -> list[str]:
    """Train and score task by task; results and leaderboard are written after each.

    Returns:
        A line for each run that failed.
    """
    # All of them before the first run: bad input is said at once.
    grids = {name: task_grid(name, plan, made[name], options.device) for name in plan.tasks}
    anchors = {
        name: find_anchors(TASKS[name], open_cache(made[name].data), made[name].aggregator)
        for name in plan.tasks
    }
    rows: list[ResultRow] = []
    samples: dict[str, dict[tuple[str, str], Samples]] = {}
    failed: list[str] = []
    for name, specs in grids.items():
        if not specs:
            continue
        task, folder = TASKS[name], options.out / RUNS / name
        print_line(f"{name}: {task.ability}")
        with trained_grid(folder, specs, task.frames, engine, options.checkpoint_seconds) as (
            finished,
            errors,
        ):
            failed += [f"{name}: {line}" for line in errors]
            agents = agents_for(task, plan.agents)
            facts = anchors[name], plan.digest, plan.corpus_seed
            rows += result_rows(name, task, agents, finished.values(), *facts)
            tested = agents, plan.tests, anchors[name]
            samples[name] = score_samples(
                name, open_cache(made[name].data), finished.values(), *tested
            )
        write_results(options.out / RESULTS, rows)
        if any(row.headline for row in rows):
            board = make_leaderboard(rows)
            write_leaderboard(options.out, board)
            pairs = planned_pairs(samples, plan.tests)
            write_pairs(options.out / PAIRS, pairs)
            text = summary(plan, board, pairs, anchors, rows, command, failed)
            write_whole(options.out / SUMMARY, text)
    if rows:
        if options.latex:
            write_latex(options.out, latex_tables(board, pairs))
        show(board, options.out)
        for title, table in pair_tables(pairs).items():
            print_text_table(table, title)
    print_line(f"plan: sha256 {plan.digest}")
    return failed


def task_grid(name: str, plan: Plan, materials: Materials, device: str) -> list[RunSpec]:
    """The runs of a task, checked; none where no agent fits it."""
    task = TASKS[name]
    agents = list(dict.fromkeys(agents_for(task, plan.agents).values()))
    if not agents:
        return []
    specs = make_grid(
        *([materials.data], ["default"], agents, [], [task.target_frames], plan.seeds),
        aggregators=[materials.aggregator],
        num_frames=task.num_frames,
        budget=plan.budget or (0 if plan.updates else task.budget),
        updates=plan.updates,
        device=device,
    )
    check_scoring(specs, task.frames, (), 1)
    return specs


def write_leaderboard(out: Path, board: Leaderboard) -> None:
    """Write the page and its pictures; without shared tasks there are no profiles."""
    # Matplotlib takes long to import.
    from agents.suite.picture import plot_leaderboard, plot_leaderboard_profiles

    plot_leaderboard(out / PICTURE, board)
    if board.shared:
        plot_leaderboard_profiles(out / PROFILES, board)
    profiles = Path(PROFILES) if board.shared else None
    write_whole(out / PAGE, leaderboard_markdown(board, Path(PICTURE), profiles))


def latex_tables(
    board: Leaderboard, pairs: Sequence[PlannedPair] = ()
) -> dict[str, tuple[str, TextTable]]:
    """The tables by the names of their LaTeX files, with titles."""
    found = {"leaderboard": ("Leaderboard", score_table(board))}
    for number, (title, table) in enumerate(pair_tables(pairs).items(), start=1):
        found[f"pairs-{number}"] = title, table
    return found


def show(board: Leaderboard, out: Path) -> None:
    """Print the leaderboard."""
    table = score_table(board, intervals=False)
    print_text_table(table, "leaderboard")
    print_line(f"leaderboard: {out / PAGE} and {PICTURE}")


def summary(
    plan: Plan,
    board: Leaderboard,
    pairs: Sequence[PlannedPair],
    anchors: dict[str, Anchors],
    rows: Sequence[ResultRow],
    command: str,
    failed: Iterable[str],
) -> str:
    """What was planned and found, as Markdown."""
    percent: Any = "{:.1f}".format
    parts = ["# Suite", f"Plan: sha256 `{plan.digest}`, the file `{PLAN}` beside this one."]
    parts += ["## Scores", markdown_table(score_table(board))]
    parts += ["## Planned tests", *pairs_markdown(pairs)] if pairs else []
    ends = [
        [name, percent(100 * one.floor), percent(100 * one.ceiling)]
        for name, one in anchors.items()
    ]
    heading = ["task", "all frames or best gate, %", "key frames, %"]
    parts += ["## The ends of the scale", markdown_table(TextTable(heading, ends))]
    runs = [row for row in rows if row.headline]
    cost = [
        [row.task, row.agent, str(row.seed), percent(100 * row.accuracy), percent(row.mean_frames)]
        + [f"{row.score:z.2f}", str(row.episodes), str(row.updates), percent(row.cpu_seconds)]
        for row in runs
    ]
    heading = ["task", "agent", "seed", "accuracy %", "frames", "score", "episodes", "updates"]
    parts += ["## Runs", markdown_table(TextTable([*heading, "CPU s"], cost))]
    notes = [f"- a run failed: {line}" for line in failed]
    parts += ["## Notes", "\n".join(notes)] if notes else []
    parts += ["## How to reproduce", f"    {command}"]
    return "\n\n".join(parts) + "\n"
