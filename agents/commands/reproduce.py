"""frame-select reproduce: a table of a paper, or an ablation, on the caches at hand."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import torch
import tyro

from agents.commands.options import (
    SEEDS,
    ManyRunsOptions,
    SeedsOption,
    TrackOptions,
    fail_if_any,
    note_crossfit,
    print_line,
)
from agents.commands.train_grid import RESULTS, check_folder, trained_grid
from agents.comparison.grid import check_scoring, make_labels
from agents.comparison.results import gather
from agents.comparison.results_file import write_results
from agents.evaluation.choosing import FRAMES
from agents.evaluation.latex import write_latex
from agents.evaluation.text_tables import print_text_table
from agents.registry import parse_agent
from agents.reproduction.ablations import ABLATION, AGGRESSIVENESS, PROPOSAL
from agents.reproduction.attention_aware import TABLES
from agents.reproduction.dual_focus import TABLES as DUAL_FOCUS
from agents.reproduction.figures import Reproduced, figures
from agents.reproduction.glance import GLANCE
from agents.reproduction.heads import HEADS
from agents.reproduction.reaction import ERI
from agents.reproduction.rewards import REWARDS, RewardScale
from agents.reproduction.study import (
    LineChoices,
    Study,
    agents_of,
    made_of_runs,
    make_specs,
    measure,
    parse_sources,
)
from data.commands.console import check_options
from frame_select_env import FrameSelectError, open_cache
from frame_select_env.command_line import program
from frame_select_env.errors import known
from frame_select_env.storage import writing

STUDIES: dict[str, Study] = {
    one.name: one
    for one in (
        *(*TABLES, *DUAL_FOCUS, ERI, ABLATION, AGGRESSIVENESS, PROPOSAL),
        *(GLANCE, REWARDS, HEADS),
    )
}
LISTED = "\n".join(
    f"    {study.name}  {study.title}"
    + (f" ({', '.join(study.sources)})" if any(study.sources) else "")
    for study in STUDIES.values()
)


@dataclass(frozen=True, kw_only=True)
class ReproduceArguments(TrackOptions, ManyRunsOptions):
    """Train what a table needs, and write it: the paper's figures beside ours.

    The same command resumes an interrupted one. All folds beside the default are averaged where the
    paper averages splits; a cache with several streams is trained stream by stream and fused, one
    with views on a random view a visit.
    """

    #: The table: see above.
    table: Annotated[str, tyro.conf.Positional]
    #: Caches: CACHE for all rows, or ROW=CACHE. For proposal also a folder of videos; its cache is
    #: made beside --out. For heads those that are not named are made there, too. For rewards any
    #: number of caches, and glance=CACHE for the agents on Glance.
    data: tuple[str, ...]
    #: Output folder for runs, table.csv, table.md and figure.png.
    out: Path
    #: Agents instead of the table's own, where its rows do not name theirs: NAME or
    #: NAME@hyper=value,...
    agents: tuple[str, ...] = ()
    #: Number of seeds, 0, 1, 2, ...; several are the seeds themselves.
    seeds: Annotated[SeedsOption, SEEDS] = 5
    #: Numbers of frames m of which one is chosen on validation videos, besides the table's own.
    frames: tuple[int, ...] = FRAMES
    #: Number of bootstrap resamples.
    resamples: int = 2000
    #: Also write the table as LaTeX (booktabs), OUT/tables/TABLE.tex.
    latex: bool = False
    #: rewards: the designs to compare: names, module:function or JSON. Default: all registered.
    rewards: tuple[str, ...] = ()
    #: rewards: with designs as they are (raw), multiplied so that random selections of a video vary
    #: by as much as with sign_omega (unit), or both.
    reward_scale: RewardScale | None = None
    #: proposal with a folder of videos: the backbone.
    backbone: str = "swin3d_t"
    #: proposal with a folder of videos: its weights, a torchvision name, a FILE, or none.
    weights: str = "DEFAULT"
    #: proposal with a folder of videos: the split, as for extract.
    split_file: str = "random"


def reproduce(arguments: list[str]) -> None:
    """Run the command."""
    summary = f"{ReproduceArguments.__doc__}\n\nTables, with the names of their rows:\n\n{LISTED}\n"
    check_options(ReproduceArguments, "reproduce", arguments)
    options = tyro.cli(
        ReproduceArguments, prog=program("reproduce"), args=arguments, description=summary
    )
    torch.set_num_threads(1)
    if options.table not in STUDIES:
        raise FrameSelectError(known("table", options.table, STUDIES))
    study, engine = STUDIES[options.table], options.make_engine()
    check_folder(options.out)
    if study is not REWARDS and (options.rewards or options.reward_scale):
        wrong = "rewards" if options.rewards else "reward-scale"
        raise FrameSelectError(f"--{wrong}: is for the table {REWARDS.name} alone; leave it out")
    data = {
        source: _cache(study, options, path)
        for source, path in parse_sources(study, options.data).items()
    }
    if study.make_data:
        data = study.make_data(data, options.out)
    study, notes = _with_lines(study, data, options)
    if options.agents and all(line.agents for line in study.lines if agents_of(line, study.agents)):
        raise FrameSelectError(f"--agents: every row of {study.name} names its own; leave it out")
    agents = options.agents or study.agents
    for path in dict.fromkeys(data.values()):
        for agent in agents:
            note_crossfit(parse_agent(agent), path)
    specs = make_specs(study, data, agents, options.seeds, **options.task_keywords())
    if not specs:
        needed = {line.needs or line.stream for line in study.lines if line.source in data} - {""}
        raise FrameSelectError(
            f"--data: no cache has a stream for any row of {study.name}, which need "
            f"{' or '.join(sorted(needed))}; name one that has"
        )
    ms = {min(line.frames, options.num_frames) for line in study.lines}
    frames = sorted(ms | {m for m in options.frames if m <= options.num_frames})
    check_scoring(specs, frames, (), options.resamples)
    with trained_grid(
        *(options.out, specs, frames, engine, options.checkpoint_seconds), track=options.track
    ) as (finished, failed):
        from agents.reproduction.write import write_reproduced  # Matplotlib takes long to import

        labels = {
            (spec.agent, spec.reward, spec.target_frames): label
            for spec, label in make_labels(specs).items()
        }
        fuse = not all(line.stream for line in study.lines)
        made = made_of_runs(study, agents, labels)
        results = gather(specs, finished, frames, (), options.resamples, fuse=fuse, **made)
        write_results(options.out / RESULTS, specs, finished, results)
        measured = measure(study, data, agents, results, labels)
        notes += dict.fromkeys(line for one in results for line in one.evaluation.cautions)
        notes += [f"a run failed: {line}" for line in failed]
        shown = figures(measured)
        run = Reproduced(study, data, agents, measured, shown, options.num_frames, notes)
        table, written = (study.write or write_reproduced)(options.out, run)
        if options.latex:
            written += write_latex(options.out, {study.name: (study.title, table)})
    print_text_table(table, study.title)
    print_line(f"{', '.join(written[:-1])} and {written[-1]} are in {options.out}")
    fail_if_any("reproduce", failed)


def _with_lines(
    study: Study, data: Mapping[str, str], options: ReproduceArguments
) -> tuple[Study, list[str]]:
    """The study with the lines that depend on the caches, and what to note of them."""
    if not study.make_lines:
        return study, []
    choices = LineChoices(
        *(options.split, options.num_frames, options.rewards, options.reward_scale or "both")
    )
    lines, notes = study.make_lines(data, choices)
    return replace(study, lines=tuple(lines)), notes


def _cache(study: Study, options: ReproduceArguments, path: str) -> str:
    """The cache, made first from a folder of videos."""
    if not Path(path).is_dir():
        if (found := open_cache(path).task) != study.task:
            raise FrameSelectError(
                f"--data {path}: is a {found}; {study.name} is about a {study.task}"
            )
        return path
    if study is not PROPOSAL:
        raise FrameSelectError(f"--data {path}: is a folder; name a cache, made with extract")
    from data.commands.extract import extract

    made = options.out.with_name(f"{options.out.name}.h5")
    if made.is_file():
        print_line(f"{made} was made before; delete it to extract the videos again")
    else:
        with writing(made.parent):
            made.parent.mkdir(parents=True, exist_ok=True)
        command = [path, str(made), "--backbone", options.backbone, "--weights", options.weights]
        command += ["--split-file", options.split_file, "--num-frames", str(options.num_frames)]
        extract([*command, "--device", options.device, "--resume"])
    return _cache(study, options, str(made))
