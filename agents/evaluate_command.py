"""frame-select evaluate: runs on the test split, beside the reference rankings."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import torch
import tyro
from rich.console import Console

from agents.evaluation import Evaluation
from agents.evaluation.curves import plot_curves
from agents.evaluation.entries import reference_names
from agents.evaluation.predictions import write_predictions
from agents.evaluation.strips import plot_strips
from agents.evaluation.tables import print_table, write_evaluation, write_markdown
from agents.loading import LoadedRun, load_run
from agents.run_evaluation import evaluate_runs
from frame_select_env import FrameSelectError, open_cache
from frame_select_env.command_line import program


@dataclass(frozen=True)
class EvaluateArguments:
    """Score one or several runs on the test split, beside the reference rankings.

    Several runs of one agent (seeds) become one row, whose intervals resample the runs too. Runs of
    one agent with different hyper-parameters become rows of their own.
    """

    #: Run folders.
    runs: Annotated[tuple[Path, ...], tyro.conf.Positional]
    #: A bundled cache's name or a path.
    data: str
    #: m: the numbers of frames to keep.
    select: tuple[int, ...] = (4, 8, 12)
    #: References beside the usual ones: diversity, hill-climb, exact-oracle (of 16 frames at most).
    also: tuple[str, ...] = ()
    #: The split to score.
    split: str = "test"
    #: Where the files go: by default the run folder, for several runs the folder they share.
    out: Path | None = None
    #: Of the bootstrap.
    resamples: int = 2000
    #: Of the bootstrap and of the random ranking.
    seed: int = 0
    #: Threads of torch.
    threads: int = 1


def evaluate(arguments: list[str]) -> None:
    """The command."""
    asked = tyro.cli(
        EvaluateArguments, prog=program("evaluate"), args=arguments, use_underscores=False
    )
    if asked.threads < 1:
        raise FrameSelectError(f"threads={asked.threads}: must be at least 1")
    torch.set_num_threads(asked.threads)
    if not asked.runs:
        raise FrameSelectError("name at least one run folder")
    cache = open_cache(asked.data)
    evaluation = evaluate_runs(
        cache,
        _by_row([load_run(folder, cache) for folder in asked.runs]),
        split=asked.split,
        select=asked.select,
        references=[*reference_names(True, cache.task), *asked.also],
        resamples=asked.resamples,
        seed=asked.seed,
        progress=True,
    )
    out = asked.out or _shared_folder(asked.runs)
    out.mkdir(parents=True, exist_ok=True)
    written = write_files(out, evaluation)
    print_table(evaluation)
    Console().print(f"written to {out}: {', '.join(written)}", highlight=False, soft_wrap=True)


def _by_row(runs: Sequence[LoadedRun]) -> dict[str, list[LoadedRun]]:
    """Runs by their row: the agent's name, or its text where its hyper-parameters differ."""
    texts: dict[str, set[str]] = {}
    for run in runs:
        texts.setdefault(run.name, set()).add(run.text)
    rows: dict[str, list[LoadedRun]] = {}
    for run in runs:
        rows.setdefault(run.name if len(texts[run.name]) == 1 else run.text, []).append(run)
    return rows


def write_files(out: Path, evaluation: Evaluation) -> list[str]:
    """Write tables and pictures of an evaluation into a folder; returns the files' names."""
    agent = evaluation.agents[-1]
    write_evaluation(out / "evaluation.csv", evaluation)
    write_predictions(out / "predictions.csv", evaluation)
    write_markdown(out / "evaluation.md", evaluation)
    plot_curves(out / "accuracy.png", evaluation)
    written = ["evaluation.csv", "predictions.csv", "evaluation.md", "accuracy.png"]
    if "thumbnail" in evaluation.setting.cache.frame_datasets:
        plot_strips(out / "strips.png", evaluation, agent)
        written.append("strips.png")
    return written


def _shared_folder(runs: Sequence[Path]) -> Path:
    if len(runs) == 1:
        return runs[0]
    return Path(os.path.commonpath([run.resolve().parent for run in runs]))
