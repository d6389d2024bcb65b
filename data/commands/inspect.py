"""frame-select inspect: what a cache contains, its checks, and the results of all frames."""

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro
from rich.console import Console
from rich.markup import escape
from rich.progress import track
from rich.table import Table

from data.commands.console import parse, progress_console
from frame_select_env.cache import FeatureCache, open_cache, schema
from frame_select_env.consensus import consensus, is_correct
from frame_select_env.errors import FrameSelectError
from frame_select_env.validation import few_validation_warning
from frame_select_env.wording import counted

NAMES = 12  # classes to list
BATCH = 256
SPLITS = [split for split in schema.SPLITS if split]
# Training accuracy this far above test accuracy suggests that heads trained on the videos they
# predict.
SUSPICIOUS_GAP = 0.15
KINDS = {"classification": ("class", "classes"), "regression": ("target", "targets")}


@dataclass(frozen=True)
class InspectArguments:
    """Show a cache's videos, splits, classes and streams, and its accuracy with all frames.

    Warns if training videos are predicted suspiciously well: at least 15 points better than test
    videos.
    """

    #: Name of a bundled cache (cues, digits) or path of a cache file.
    cache: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="CACHE")]
    #: Also read and check every value in the file; exit with code 2 at the first invalid one.
    full: bool = False
    #: Number of frames per video used to compute the accuracy.
    num_frames: Annotated[int, tyro.conf.arg(metavar="T")] = 25


def inspect(arguments: list[str]) -> None:
    """Run the command."""
    parsed = parse(InspectArguments, "inspect", arguments)
    if parsed.num_frames < 1:
        raise FrameSelectError(f"--num-frames {parsed.num_frames}: must be at least 1")
    cache = open_cache(parsed.cache)
    console = Console()
    console.print(facts_table(cache), streams_table(cache), classes_table(cache), sep="\n")
    if parsed.full:
        checks, title = cache.check_values(), "checking every value"
        for _ in track(checks, title, len(cache), console=progress_console(), transient=True):
            pass
        console.print("all values are valid")
    print_results(cache, parsed.num_frames)


def print_written(path: Path) -> None:
    """Print what was written, with warnings, and its all-frames results."""
    cache = FeatureCache(path)
    names = ", ".join(cache.classes[:NAMES]) + (", ..." if len(cache.classes) > NAMES else "")
    frames = counted(int(cache.start[-1]), "frame")
    print(f"{path}: {counted(len(cache), 'video')}, {frames}")
    if cache.has_labels:
        print(f"{counted(len(cache.classes), *KINDS[cache.task])}: {names}")
    else:
        print(f"labels unknown; {', '.join(_split_counts(cache))}")
    warn = progress_console().print
    if cache.task == "classification" and cache.has_labels and len(cache.classes) == 1:
        warn("[yellow]warning:[/] only one class: are the class folders one level deeper?")
    for split in ("train", "test"):
        if not any((cache.splits(fold) == split).any() for fold in cache.folds):
            warn(f"[yellow]warning:[/] no video is in the {split} split")
    print_results(cache)


@dataclass(frozen=True)
class AllFrames:
    """Results of keeping all frames: accuracy in [0, 1], or for regression PCC and MAE."""

    videos: int  # with a label
    accuracy: float | None = None
    pcc: float | None = None  # mean over targets; NaN if predictions or labels are constant
    mae: float | None = None


def all_frames(
    cache: FeatureCache,
    split: str,
    fold: str = schema.DEFAULT_FOLD,
    streams: tuple[str, ...] | None = None,
    num_frames: int = 25,
) -> AllFrames:
    """Evaluate the consensus of all T frames on one split; several streams are averaged 1 : 1."""
    rows = cache.labelled(cache.rows(split, fold))
    if not len(rows):
        return AllFrames(0)
    batches = []
    for batch in np.array_split(rows, -(-len(rows) // BATCH)):
        _, valid = cache.sample(batch, num_frames)
        judged = []
        for stream in streams or cache.streams:
            predictions = cache.read_predictions(batch, num_frames, fold, stream)
            largest = cache.predictions_extent(stream, fold).largest
            judged.append(consensus(predictions, valid, valid, largest=largest))
        batches.append(np.mean(judged, axis=0))
    predicted, labels = np.concatenate(batches), cache.labels[rows]
    if cache.task == "classification":
        return AllFrames(len(rows), accuracy=float(is_correct(predicted, labels).mean()))
    pairs = zip(predicted.T, labels.T, strict=True)
    return AllFrames(
        len(rows),
        pcc=float(np.mean([_correlation(a, b) for a, b in pairs])),
        mae=float(np.abs(predicted - labels).mean()),
    )


def print_results(cache: FeatureCache, num_frames: int = 25) -> None:
    """Print the results of keeping all frames by fold, stream and split; warn of large gaps.

    Where no label is known there are none.
    """
    if not cache.has_labels:
        return
    measures = ["accuracy %"] if cache.task == "classification" else ["PCC", "MAE"]
    if few := few_validation_warning(cache):
        progress_console().print(f"[yellow]warning:[/] {escape(few)}")
    title = f"with all frames, up to {num_frames} per video"
    table = Table("fold", "stream", "split", "videos", *measures, title=title)
    for column in table.columns[3:]:
        column.justify = "right"
    if cache.provenance.get("crossfit") in ("video", "group"):
        why = "the test videos differ (other people, other class frequencies), or are few"
    else:
        why = (
            "the test videos differ (other people), or the training videos were predicted by a "
            "model that trained on them, which leaves little to learn"
        )
    sets: dict[str, tuple[str, ...]] = {stream: (stream,) for stream in cache.streams}
    if len(cache.streams) > 1:
        sets["averaged"] = cache.streams
    for fold, (name, streams) in itertools.product(cache.folds, sets.items()):
        accuracy: dict[str, float | None] = {}
        for split in SPLITS:
            if not (cache.splits(fold) == split).any():
                continue
            result = all_frames(cache, split, fold, streams, num_frames)
            accuracy[split] = result.accuracy
            if not result.videos:
                cells = ["-"]
            elif result.accuracy is not None:
                cells = [f"{100 * result.accuracy:.1f}"]
            else:
                cells = [f"{result.pcc:.3f}", f"{result.mae:.3f}"]
            table.add_row(fold, name, split, str(result.videos), *cells)
        train, test = accuracy.get("train"), accuracy.get("test")
        if train is not None and test is not None and train - test >= SUSPICIOUS_GAP:
            gap = f"training accuracy is {100 * (train - test):.0f} points above test accuracy"
            warning = escape(f"fold {fold}, stream {name}: {gap}: {why}")
            progress_console().print(f"[yellow]warning:[/] {warning}")
    Console().print(table)


def facts_table(cache: FeatureCache) -> Table:
    """Path, size, task, numbers of videos and frames, lengths, folds, and provenance."""
    table = Table.grid(padding=(0, 2))
    table.add_column()
    table.add_column(overflow="fold")  # never truncate a path
    lengths = cache.lengths
    rows = {
        "cache": str(cache.path),
        "size": f"{cache.path.stat().st_size / 1e6:.1f} MB",
        "task": f"{cache.task}, {counted(len(cache.classes), *KINDS[cache.task])}",
        "videos": f"{len(cache)} in all, {', '.join(_split_counts(cache))}",
        "frames": f"{cache.start[-1]} in all; {lengths.min()} to {lengths.max()} per video, "
        f"median {np.median(lengths):g}",
        "groups": "none" if cache.groups is None else str(len(np.unique(cache.groups))),
        "folds": ", ".join(cache.folds),
        "per frame": ", ".join(cache.frame_datasets) or "only features and predictions",
    }
    if cache.raters:
        rows["raters"] = f"{cache.raters} per video, or fewer"
        rows["raters"] += ", with summaries over shots" if cache.has_summaries else ""
    for name, value in rows.items():
        table.add_row(name, escape(value))
    for key, value in cache.provenance.items():
        lines = [f"{key} {', '.join(value) if isinstance(value, list) else value}"]
        if isinstance(value, dict) and any(isinstance(inner, dict) for inner in value.values()):
            brackets = str.maketrans("", "", "{}'")
            lines = [f"{key} {name}: {inner}".translate(brackets) for name, inner in value.items()]
        elif isinstance(value, dict):
            lines = [f"{key} " + ", ".join(f"{name}: {inner}" for name, inner in value.items())]
        for line in lines:
            table.add_row("made from" if line.startswith("source ") else "", escape(line))
    return table


def _split_counts(cache: FeatureCache) -> list[str]:
    """The number of videos of each split, "8 train"."""
    splits = cache.splits()
    return [f"{(splits == s).sum()} {s or 'unused'}" for s in schema.SPLITS if s in splits]


def streams_table(cache: FeatureCache) -> Table:
    """Every stream's features: shape, dtype, middle axis, minimum and maximum."""
    table = Table("stream", "features", "dtype", "axes", "min", "max")
    for stream in cache.streams:
        extent = cache.features_extent(stream)
        shape = " x ".join(map(str, extent.shape))
        limits = f"{extent.min:.4g}", f"{extent.max:.4g}"
        table.add_row(stream, shape, extent.dtype.name, extent.axes or "-", *limits)
    return table


def classes_table(cache: FeatureCache) -> Table:
    """Videos per class and split; for regression, the targets' ranges."""
    if cache.task == "regression":
        table = Table("target", "min", "mean", "max")
        for name, values in zip(cache.classes, cache.labels.T, strict=True):
            numbers = values.min(), values.mean(), values.max()
            table.add_row(escape(name), *(f"{number:.4g}" for number in numbers))
        return table
    table = Table("class", *SPLITS, "unused", "videos")
    for column in table.columns[1:]:
        column.justify = "right"
    splits = cache.splits()
    for label, name in [*enumerate(cache.classes), (schema.UNKNOWN_LABEL, "(unknown)")]:
        mine = splits[cache.labels == label]
        if label >= 0 or len(mine):
            counts = [int((mine == split).sum()) for split in (*SPLITS, "")]
            table.add_row(escape(name), *map(str, counts), str(len(mine)))
    return table


def _correlation(predicted: np.ndarray, label: np.ndarray) -> float:
    if len(label) < 2 or predicted.std() == 0 or label.std() == 0:
        return float("nan")
    return float(np.corrcoef(predicted, label)[0, 1])
