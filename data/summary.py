"""The tables that tell what a cache holds."""

from collections.abc import Iterator

import numpy as np
from rich.markup import escape
from rich.table import Table

from data.measure import AllFrames, all_frames
from frame_select_env.cache import FeatureCache, schema

SPLITS = [split for split in schema.SPLITS if split]
# Training accuracy this far above test accuracy means that heads saw the videos they predict.
SUSPICIOUS_GAP = 0.15


def facts_table(cache: FeatureCache) -> Table:
    """Path, size, task, numbers of videos and frames, lengths, folds, and how it was made."""
    table = Table.grid(padding=(0, 2))
    table.add_column()
    table.add_column(overflow="fold")  # a path is to be read to its end
    lengths = cache.lengths
    rows = {
        "cache": str(cache.path),
        "size": f"{cache.path.stat().st_size / 1e6:.1f} MB",
        "task": f"{cache.task}, {len(cache.classes)} "
        + ("classes" if cache.task == "classification" else "targets"),
        "videos": f"{len(cache)} in all, {_split_counts(cache.splits())}",
        "frames": f"{cache.start[-1]} in all; a video has {lengths.min()} to {lengths.max()}, "
        f"median {np.median(lengths):g}",
        "groups": "none" if cache.groups is None else str(len(np.unique(cache.groups))),
        "folds": ", ".join(cache.folds),
        "per frame": ", ".join(cache.frame_datasets) or "nothing but features and predictions",
    }
    for name, value in rows.items():
        table.add_row(name, escape(value))
    for line in _provenance_lines(cache.provenance):
        table.add_row("made from" if line.startswith("source ") else "", escape(line))
    return table


def streams_table(cache: FeatureCache) -> Table:
    """Every stream's features: shape, dtype, middle axis, smallest and largest value."""
    table = Table("stream", "features", "dtype", "axes", "min", "max")
    for stream in cache.streams:
        extent = cache.features_extent(stream)
        shape = " x ".join(str(size) for size in extent.shape)
        axes = extent.axes or "-"
        table.add_row(
            stream, shape, extent.dtype.name, axes, f"{extent.min:.4g}", f"{extent.max:.4g}"
        )
    return table


def classes_table(cache: FeatureCache) -> Table:
    """Videos per class and split; for regression, the targets' ranges."""
    if cache.task == "regression":
        table = Table("target", "min", "mean", "max")
        for name, values in zip(cache.classes, cache.labels.T, strict=True):
            table.add_row(
                escape(name), *(f"{v:.4g}" for v in (values.min(), values.mean(), values.max()))
            )
        return table
    table = Table("class", *SPLITS, "unused", "videos")
    for column in table.columns[1:]:
        column.justify = "right"
    splits = cache.splits()
    names = [*enumerate(cache.classes), (schema.UNKNOWN_LABEL, "(unknown)")]
    for label, name in names:
        mine = splits[cache.labels == label]
        if label >= 0 or len(mine):
            counts = [int((mine == split).sum()) for split in (*SPLITS, "")]
            table.add_row(escape(name), *map(str, counts), str(len(mine)))
    return table


def results_table(cache: FeatureCache, num_frames: int = 25) -> tuple[Table, list[str]]:
    """Accuracy (regression: PCC and MAE) of keeping all frames, per fold, stream and split.

    Returns:
        The table, and a warning for every fold and stream whose training accuracy is 15 points or
        more above its test accuracy.
    """
    classification = cache.task == "classification"
    measures = ["accuracy %"] if classification else ["PCC", "MAE"]
    table = Table(
        "fold",
        "stream",
        "split",
        "videos",
        *measures,
        title=f"all frames kept, T = {num_frames} (fewer where a video has fewer)",
    )
    for column in table.columns[3:]:
        column.justify = "right"
    warnings = []
    for fold in cache.folds:
        for name, streams in _stream_sets(cache):
            results: dict[str, AllFrames] = {}
            for split in SPLITS:
                if (cache.splits(fold) == split).any():
                    result = all_frames(cache, split, fold, streams, num_frames)
                    results[split] = result
                    table.add_row(fold, name, split, str(result.videos), *_cells(result))
            crossfitted = cache.provenance.get("crossfit") in ("video", "group")
            warnings += _gap_warning(fold, name, results, crossfitted)
    return table, warnings


def _split_counts(splits: np.ndarray) -> str:
    parts = [f"{(splits == split).sum()} {split or 'unused'}" for split in schema.SPLITS]
    return ", ".join(part for part in parts if not part.startswith("0 "))


def _stream_sets(cache: FeatureCache) -> Iterator[tuple[str, tuple[str, ...]]]:
    for stream in cache.streams:
        yield stream, (stream,)
    if len(cache.streams) > 1:
        yield "averaged", cache.streams


def _cells(result: AllFrames) -> list[str]:
    if not result.videos:
        return ["-"]
    if result.accuracy is not None:
        return [f"{100 * result.accuracy:.1f}"]
    return [f"{result.pcc:.3f}", f"{result.mae:.3f}"]


def _gap_warning(
    fold: str, stream: str, results: dict[str, AllFrames], crossfitted: bool
) -> list[str]:
    train, test = (results.get(name, AllFrames(0)).accuracy for name in ("train", "test"))
    if train is None or test is None or train - test < SUSPICIOUS_GAP:
        return []
    gap = f"training accuracy is {100 * (train - test):.0f} points above test accuracy"
    if crossfitted:
        why = "the test videos are of another kind (other people, other classes' shares), or few"
    else:
        why = (
            "the test videos are of another kind (other people), or the training videos were "
            "predicted by a model that trained on them, and leave little to learn"
        )
    return [f"fold {fold}, stream {stream}: {gap}: {why}"]


def _provenance_lines(provenance: dict[str, object]) -> Iterator[str]:
    for key, value in provenance.items():
        if isinstance(value, dict) and any(isinstance(inner, dict) for inner in value.values()):
            for name, inner in value.items():
                yield f"{key} {name}: {inner}".replace("{", "").replace("}", "").replace("'", "")
        elif isinstance(value, dict):
            yield f"{key} " + ", ".join(f"{name}: {inner}" for name, inner in value.items())
        else:
            yield f"{key} {value}"
