"""frame-select compare: many agents, rewards and seeds on the same videos, and a report."""

import itertools
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import torch
import tyro

from agents.commands.config_file import ConfigOptions, find_config, with_defaults
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
from agents.comparison.finished import FinishedRun
from agents.comparison.grid import RunSpec, check_scoring, make_grid, parse_shard
from agents.comparison.results import gather
from agents.comparison.results_file import write_results
from agents.evaluation.choosing import ChoiceRule, frames_to_score
from agents.evaluation.latex import FOLDER, write_latex
from agents.evaluation.scoring import ViewScheme
from agents.evaluation.tables import print_table
from agents.registry import parse_agent
from data.commands.console import check_options
from frame_select_env import FrameSelectError
from frame_select_env.command_line import program
from frame_select_env.consensus import MEAN
from frame_select_env.storage import writing


@dataclass(frozen=True, kw_only=True)
class CompareArguments(ConfigOptions, TrackOptions, ManyRunsOptions):
    """Train every agent for every reward with every seed, and compare them on the test split.

    The same command resumes an interrupted comparison. Finished runs are not trained again, and a
    larger grid in the same folder trains only the new runs.
    """

    #: Names of bundled caches, or paths.
    data: tuple[str, ...]
    #: Agents: NAME, module:object, sb3:ALGORITHM, or NAME@hyper=value,hyper=value (preset=NAME is
    #: allowed there). Also policies that are scored and not trained, as for evaluate.
    agents: tuple[str, ...]
    #: Output folder for runs, results.csv and the report.
    out: Path
    #: Rewards: names, module:function, or JSON. Default: sign_omega where there are labels,
    #: diversity_representativeness where there are none.
    rewards: tuple[str, ...] = ()
    #: Numbers of frames m to train for. Default: that of each agent's preset, 8 or 12.
    target_frames: tuple[int, ...] = ()
    #: Number of seeds, 0, 1, 2, ...; several are the seeds themselves.
    seeds: Annotated[SeedsOption, SEEDS] = 5
    #: Folds, of every cache.
    folds: tuple[str, ...] = ("default",)
    #: Streams of features, of every cache; required only if a cache has several.
    streams: Annotated[tuple[str, ...], tyro.conf.arg(aliases=["--stream"])] = ()
    #: Also score the streams together: each selects its own frames, predictions are averaged 1 : 1.
    fuse: bool = False
    #: Views to train on, of streams with several of each frame: numbers, or random for another one
    #: at every visit of a video. Default: features side by side, predictions averaged.
    views: Annotated[tuple[int | Literal["random"], ...], tyro.conf.arg(aliases=["--view"])] = ()
    #: How frames are selected with random views: region ranks the frames of each view by
    #: themselves, frame by their scores averaged over views.
    view_schemes: tuple[ViewScheme, ...] = ("region",)
    #: Weights of the frames not selected (AS Eq. 10).
    alphas: Annotated[tuple[float, ...], tyro.conf.arg(aliases=["--alpha"])] = (0.0,)
    #: What predicts a video from the frames: mean, max, and judges' files or bundled names.
    aggregators: Annotated[tuple[str, ...], tyro.conf.arg(aliases=["--aggregator"])] = (MEAN,)
    #: Numbers of frames m to score at. Default: those of 1, 2, 4, 8 and 12 that are at most T.
    frames: tuple[int, ...] | None = None
    #: Additional references: diversity, diversity-dpp, adaptive-split, inverse-transform,
    #: hill-climb, exact-oracle (of at most 16 frames).
    also: tuple[str, ...] = ()
    #: How m is chosen on validation videos, in the row chosen: best, the lowest error; one-se, the
    #: most frames within one standard error of it; pcc, the highest correlation (regression only).
    #: The other of best and one-se stands beside it, as a row of its own.
    choose: ChoiceRule = "best"
    #: Also rank frames by the mean of the scores of an agent's seeds: NAME ensemble.
    ensemble: bool = False
    #: Also select frames and then pool their features: the rows NAME, then pooled and NAME, best of
    #: four (all frames, pooled, selected, selected and pooled), chosen on validation videos.
    pool: bool = False
    #: Number of bootstrap resamples.
    resamples: int = 2000
    #: Print every row and every note; without it the verdict and the rows that it is about. The
    #: files have all of it anyway.
    full: bool = False
    #: Also write every table as LaTeX (booktabs), OUT/tables/*.tex.
    latex: bool = False
    #: Read models of Stable-Baselines3 (sb3:ALGORITHM=FILE.zip), which are pickles.
    trust_code: bool = False
    #: i/n trains every n-th run, from the i-th, to spread a grid over n machines that share the
    #: folder. The shard that ends last, or the command without --shard, writes the report.
    shard: str = ""


def compare(arguments: list[str]) -> None:
    """Run the command."""
    check_options(CompareArguments, "compare", arguments)
    values = find_config(arguments).typed(CompareArguments)
    options = tyro.cli(
        CompareArguments,
        prog=program("compare"),
        args=arguments,
        default=with_defaults(CompareArguments, values),
    )
    torch.set_num_threads(1)
    engine = options.make_engine()
    frames = sorted(set(frames_to_score(options.frames, options.num_frames)))
    specs, shard = _grid(options, frames), parse_shard(options.shard)
    for data, text in itertools.product(options.data, options.agents):
        note_crossfit(parse_agent(text), data)
    with trained_grid(
        *(options.out, specs, frames, engine, options.checkpoint_seconds),
        part=shard,
        shared=bool(options.shard),
        choose_by=options.choose,
        track=options.track,
    ) as (finished, failed):
        if options.shard and len(finished) < len(specs):
            write_results(options.out / RESULTS, specs, finished)
            done = f"{len(finished)} of {len(specs)} runs are finished"
            print_line(f"{options.out}: {done}; shard {options.shard}")
        elif finished:
            command = f"{program('compare')} {shlex.join(arguments)}"
            _report(options, frames, specs, finished, command, failed)
    fail_if_any("compare", failed)


def _grid(options: CompareArguments, frames: Sequence[int]) -> list[RunSpec]:
    check_folder(options.out)
    specs = make_grid(
        *(options.data, options.folds, options.agents, options.rewards),
        *(options.target_frames, options.seeds),
        streams=options.streams or (None,),
        views=options.views or (None,),
        view_schemes=options.view_schemes,
        alphas=options.alphas,
        aggregators=options.aggregators,
        trust_code=options.trust_code,
        **options.task_keywords(),
    )
    if options.fuse and len(options.streams) < 2:
        raise FrameSelectError("--fuse: name at least two --streams")
    check_scoring(specs, frames, options.also, options.resamples, options.choose, pool=options.pool)
    return specs


def _report(
    options: CompareArguments,
    frames: Sequence[int],
    specs: Sequence[RunSpec],
    finished: dict[RunSpec, FinishedRun],
    command: str,
    failed: Sequence[str],
) -> None:
    """Evaluate all runs together, write all tables and pictures, and print the tables."""
    # Matplotlib and TensorBoard take long to import.
    from agents.comparison.gallery import draw_pictures, write_hparams
    from agents.comparison.latex_tables import latex_tables
    from agents.comparison.report import write_report, write_summary
    from agents.comparison.statistics import compare_data_sets, write_statistics

    out = options.out
    data_sets = gather(
        *(specs, finished, frames, options.also, options.resamples, options.fuse),
        choose_by=options.choose,
        ensemble=options.ensemble,
        pool=options.pool,
    )
    write_results(out / RESULTS, specs, finished, data_sets)
    comparison = compare_data_sets(data_sets)
    notes = [f"a run failed: {line}" for line in failed]
    with writing(out):
        (out / "pictures").mkdir(exist_ok=True)
    write_statistics(out, comparison)
    pictures = draw_pictures(out / "pictures", comparison)
    write_hparams(out / "hparams", data_sets)
    write_summary(out / "summary.md", comparison, command, notes)
    write_report(out / "report.html", comparison, command, notes, pictures)
    for one in data_sets:
        print_table(one.evaluation, full=options.full)
    written = f"{RESULTS}, aggregate.csv, pairs.csv, summary.md, pictures and hparams"
    if options.latex:
        write_latex(out, latex_tables(comparison))
        written = f"{FOLDER}, {written}"
    print_line(f"{written} are in {out}")
    print_line(f"report: {out / 'report.html'}")
