"""frame-select judge: train the network that predicts videos from chosen frames."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro
from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from agents.commands.options import print_line, set_threads
from baselines.judge import JudgeConfig, train_judge
from baselines.splits import row_batches
from data.commands.console import check_options
from data.progress import LoggedProgress
from frame_select_env import FeatureCache, FrameSelectError, open_cache, top_frames
from frame_select_env.aggregators import judge_clips
from frame_select_env.cache import View
from frame_select_env.command_line import program
from frame_select_env.consensus import consensus, is_correct
from frame_select_env.judge import JudgeFile, NetworkJudge, write_judge
from frame_select_env.splits import labelled_rows

FEW = 8  # frames, drawn at random, at which the judge is shown beside all frames


@dataclass(frozen=True)
class JudgeArguments:
    """Train a judge: a small network that predicts a video from chosen frames in time order.

    Environments with `aggregator=OUT.safetensors` then pay for what the judge says of a selection,
    not for the mean of its predictions. It is trained on random subsets of the frames of labelled
    videos; of those, each is judged by a network that was not trained on it.
    """

    #: Name of a bundled cache, or path of a cache.
    cache: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="CACHE")]
    #: The file to write.
    out: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="OUT.safetensors")]
    #: Seed of every random draw.
    seed: int = 0
    #: The split to train on.
    split: str = "train"
    #: Fold that defines the splits.
    fold: str = "default"
    #: The stream of features, or several, "a+b"; required only if a cache has several.
    stream: str | None = None
    #: View of a stream that has several of each frame: a number, or random for all, each as a clip
    #: of its own. By default the views' features are side by side.
    view: View = None
    #: Frames per video, T. The judge takes any number.
    num_frames: int = 25
    #: Number of torch threads.
    threads: int = 1
    hyper: Annotated[JudgeConfig, tyro.conf.arg(name="")] = field(default_factory=JudgeConfig)


def judge(arguments: list[str]) -> None:
    """Run the command."""
    check_options(JudgeArguments, "judge", arguments)
    args = tyro.cli(JudgeArguments, prog=program("judge"), args=arguments)
    set_threads(args.threads)
    if args.out.suffix != ".safetensors":
        raise FrameSelectError(f"{args.out}: must end in .safetensors")
    if not args.out.parent.is_dir():  # said before training, not after
        raise FrameSelectError(f"{args.out}: cannot be written: {args.out.parent} is no folder")
    cache = open_cache(args.cache)
    file = _train_with_progress(cache, args)
    write_judge(args.out, file)
    _print_result(cache, args, file)


def _train_with_progress(cache: FeatureCache, args: JudgeArguments) -> JudgeFile:
    columns = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    progress = LoggedProgress(*columns, console=Console(stderr=True), transient=True)
    total = args.hyper.epochs * (args.hyper.parts + 1)  # the last network stops earlier
    bar = progress.add_task("judge", total=total)

    def on_epoch(network: int, epoch: int) -> None:
        progress.start()  # not earlier, so that bad input prints one line and nothing else
        progress.update(bar, completed=network * args.hyper.epochs + epoch + 1)

    try:
        return train_judge(
            cache,
            args.hyper,
            **{name: getattr(args, name) for name in ("fold", "split", "stream", "view")},
            num_frames=args.num_frames,
            seed=args.seed,
            on_epoch=on_epoch,
        )
    finally:
        if progress.live.is_started:
            progress.stop()


def _print_result(cache: FeatureCache, args: JudgeArguments, file: JudgeFile) -> None:
    rows, regression = labelled_rows(cache, args.split, args.fold), cache.task == "regression"
    table = Table(title=f"judge of {cache.path.name}, seed {args.seed}", title_justify="left")
    table.add_column(f"{len(rows)} videos of {args.split}, held out in turn")
    for name in ("judge", "mean"):
        table.add_column(f"{name}, {'mean absolute error' if regression else 'accuracy'}")
    for label, errors in _errors(cache, args, file, rows).items():
        cells = [f"{e:.3f}" if regression else f"{100 * (1 - e):.1f} %" for e in errors]
        table.add_row(label, *cells)
    Console().print(table)
    print_line(f"{len(file.embed_weight)} networks, {file.facts['stopped_at']} epochs each")
    after = f"{program('train')} --data {args.cache} --aggregator {args.out} --out RUN"
    print_line(f"saved in {args.out}; next: {after}")


def _errors(
    cache: FeatureCache, args: JudgeArguments, file: JudgeFile, rows: np.ndarray
) -> dict[str, tuple[float, float]]:
    """The mean errors of judge and mean, by how many frames they see."""
    runner = NetworkJudge(file, cache, args.fold, args.stream, args.view)
    largest = cache.predictions_extent(args.stream, args.fold).largest
    rng, found = np.random.default_rng(args.seed), dict[str, list[list[np.ndarray]]]()
    for some in row_batches(rows):
        video, view = cache.clips_of(some, args.stream, args.view)
        clips = cache.read(video, args.num_frames, args.fold, args.stream, view)
        few = top_frames(rng.random(clips.valid.shape), clips.valid, FEW)
        for name, chosen in (("all frames", clips.valid), (f"{FEW} random frames", few)):
            errors = found.setdefault(name, [[], []])
            for place, answer in enumerate(
                (
                    judge_clips(runner, clips, chosen),
                    consensus(clips.predictions, chosen, clips.valid, largest=largest),
                )
            ):
                errors[place].append(_error(answer, cache.labels[video]))
    return {
        name: (float(np.concatenate(own).mean()), float(np.concatenate(mean).mean()))
        for name, (own, mean) in found.items()
    }


def _error(answer: np.ndarray, label: np.ndarray) -> np.ndarray:
    """1 - accuracy, or the mean absolute error, of each clip, [n] float64."""
    if label.ndim == 2:
        return np.abs(answer - label).mean(axis=1)
    return 1.0 - is_correct(answer, label)
