"""frame-select evaluate: score runs on the test split together with the references."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from agents.commands.options import print_line, set_threads
from agents.evaluation import Evaluation
from agents.evaluation.choosing import ChoiceRule, check_rule
from agents.evaluation.files import write_evaluation, write_predictions
from agents.evaluation.latex import write_latex
from agents.evaluation.policies import parse_policies
from agents.evaluation.references import reference_names
from agents.evaluation.run_groups import fuse_runs, group_runs
from agents.evaluation.run_scores import evaluate_runs
from agents.evaluation.scoring import ViewScheme
from agents.evaluation.tables import (
    evaluation_markdown,
    evaluation_title,
    full_tables,
    print_table,
)
from agents.zoo import writable_folder
from data.commands.console import check_options
from frame_select_env import FrameSelectError, open_cache
from frame_select_env.command_line import program
from frame_select_env.storage import exclusive, write_whole


@dataclass(frozen=True)
class EvaluateArguments:
    """Score runs, and policies from elsewhere, on the test split together with the references.

    Runs of one agent with different seeds share a row, whose intervals resample the runs too. Runs
    of one agent with different hyper-parameters, rewards, m or limits get a row each.
    """

    #: Run folders, or names of runs that ship, such as zoo:cues/reinforce, which are first copied
    #: to runs/zoo.
    runs: Annotated[tuple[Path, ...], tyro.conf.Positional]
    #: Name of a bundled cache, or a path.
    data: str
    #: Policies that were trained elsewhere: module:policy, a PolicyRanking or a function that makes
    #: one of the cache; or sb3:ALGORITHM=FILE.zip, with the environment's keywords behind an @.
    agents: tuple[str, ...] = ()
    #: Numbers of frames m to score at. Default: those of 1, 2, 4, 8 and 12 that are at most T.
    frames: tuple[int, ...] | None = None
    #: Additional references: diversity, diversity-dpp, adaptive-split, inverse-transform,
    #: hill-climb, exact-oracle (of at most 16 frames).
    also: tuple[str, ...] = ()
    #: Fuse runs on several streams: each selects its own frames, and their predictions are averaged
    #: 1 : 1. Runs of the same agent, reward, m and seed belong together.
    fuse: bool = False
    #: How frames are selected after training with --view random: region ranks the frames of each
    #: view by themselves, frame by their scores averaged over views.
    view_scheme: ViewScheme = "region"
    #: How m is chosen on validation videos, in the row chosen: best, the lowest error; one-se, the
    #: most frames within one standard error of it; pcc, the highest correlation (regression only).
    #: The other of best and one-se stands beside it, as a row of its own.
    choose: ChoiceRule = "best"
    #: Also rank frames by the mean of the scores of an agent's runs: NAME ensemble.
    ensemble: bool = False
    #: Also select frames and then pool their features: the rows NAME, then pooled and NAME, best of
    #: four (all frames, pooled, selected, selected and pooled), chosen on validation videos.
    pool: bool = False
    #: Where importance is graded, the top share of a video's frames that truly matter, for the
    #: average precision. Default: those above the video's median.
    key_share: float | None = None
    #: The split to score.
    split: str = "test"
    #: Output folder. Default: the run folder; for several runs the folder that contains them.
    #: Without runs it must be named.
    out: Path | None = None
    #: Number of bootstrap resamples.
    resamples: int = 2000
    #: Print every row and every note; without it the verdict and the rows that it is about. The
    #: files have all of it anyway.
    full: bool = False
    #: Also write every table as LaTeX (booktabs), OUT/tables/*.tex.
    latex: bool = False
    #: Seed of the bootstrap and of the random ranking.
    seed: int = 0
    #: Import the modules outside this project that the runs name (agents and rewards of others),
    #: and read models of Stable-Baselines3, which are pickles.
    trust_code: bool = False
    #: Number of PyTorch threads.
    threads: int = 1


def evaluate(arguments: list[str]) -> None:
    """Run the command."""
    check_options(EvaluateArguments, "evaluate", arguments)
    options = tyro.cli(EvaluateArguments, prog=program("evaluate"), args=arguments)
    set_threads(options.threads)
    if not options.runs and not options.agents:
        raise FrameSelectError("name at least one run folder, or --agents")
    if not options.runs and options.out is None:
        raise FrameSelectError("--out: name a folder for the results; there is no run folder")
    if options.out and options.out.exists() and not options.out.is_dir():
        raise FrameSelectError(f"{options.out}: is not a folder; choose another --out")
    policies = parse_policies(options.agents, options.trust_code)
    cache, runs = open_cache(options.data), [writable_folder(run) for run in options.runs]
    check_rule(options.choose, cache.task)
    if all(options.split not in cache.splits(fold) for fold in cache.folds):
        raise FrameSelectError(
            f"{cache.path}: has no {options.split} videos to score; --split train scores the "
            "training videos, and frame-select pick picks frames of a video"
        )
    evaluation = evaluate_runs(
        cache,
        (fuse_runs if options.fuse else group_runs)(runs, options.trust_code),
        policies=policies,
        split=options.split,
        view_scheme=options.view_scheme,
        choose_by=options.choose,
        ensemble=options.ensemble,
        pool=options.pool,
        trust_code=options.trust_code,
        frames=options.frames,
        references=[*reference_names(True, cache.task), *options.also],
        key_share=options.key_share,
        resamples=options.resamples,
        seed=options.seed,
        progress=True,
    )
    out = options.out or runs[0]
    if not options.out and len(runs) > 1:
        out = Path(os.path.commonpath([run.resolve().parent for run in runs]))
    with exclusive(out):
        written = write_files(out, evaluation)
        if options.latex:
            title = evaluation_title(evaluation)
            tables = {name: (title, table) for name, table in full_tables(evaluation).items()}
            written += write_latex(out, tables)
    print_table(evaluation, full=options.full)
    print_line(f"written to {out}: {', '.join(written)}")


def write_files(out: Path, evaluation: Evaluation) -> list[str]:
    """Write the tables and pictures of an evaluation into a folder; returns the file names."""
    from agents.evaluation.page import write_page  # Jinja and Matplotlib take long to import
    from agents.pictures.curves import plot_curves
    from agents.pictures.strips import default_frames, plot_strips

    write_evaluation(out / "evaluation.csv", evaluation)
    write_predictions(out / "predictions.csv", evaluation)
    write_whole(out / "evaluation.md", evaluation_markdown(evaluation))
    written = ["evaluation.csv", "predictions.csv", "evaluation.md"]
    if not evaluation.settings.cache.single_class:
        plot_curves(out / "accuracy.png", evaluation)
        written.append("accuracy.png")
    if evaluation.verdict:
        write_page(out / "evaluation.html", evaluation)
        written.append("evaluation.html")
    if "thumbnail" in evaluation.settings.cache.frame_datasets:
        agent = evaluation.agents[-1]
        frames = default_frames(evaluation, agent)
        plot_strips(out / "strips.png", evaluation, [agent], frames, broken=1, fill=True)
        written.append("strips.png")
    return written
