"""The import: from a source to a cache with cross-fitted predictions."""

from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from scipy.special import softmax

from data.head.crossfit import Crossfit, HeadKind
from data.head.folds import FoldHeads, train_folds
from data.head.linear import head_input
from data.progress import LoggedProgress
from data.sources.source import Source, stream_field
from frame_select_env.cache import schema, write_cache
from frame_select_env.errors import FrameSelectError

# What a cache's provenance calls predictions by heads.
HEADS: dict[HeadKind, str] = {
    "consensus": "linear head",
    "logistic": "frame-wise logistic head",
    "mlp": "frame-wise network head",
}


def import_source(
    source: Source,
    out: Path,
    *,
    kind: HeadKind = "consensus",
    crossfit: Crossfit = "video",
    logits: bool = False,
    head_frames: int = 64,
    seed: int = 0,
    provenance: dict[str, Any] | None = None,
    console: Console | None = None,
) -> Path:
    """Train heads for the streams without given predictions, and write the cache.

    Args:
        source: The videos.
        out: The cache file to write.
        kind: What the heads are; all but "consensus" are for classes.
        crossfit: How training videos are predicted; see `data.head.crossfit.fit_heads`.
        logits: Whether the given predictions are logits: the softmax is applied.
        head_frames: Train on at most this many evenly spaced frames per video (with views: pairs
            of frame and view); 0: all.
        seed: Seed of the cross-fitting parts.
        provenance: Additional entries for the file's provenance.
        console: Shows progress; None: no output.

    Returns:
        The path of the cache.

    Raises:
        FrameSelectError: naming the source, the field and the remedy; nothing is written then.
    """
    check_out(out)
    if logits and not source.predictions:
        source.fail("predictions", "--logits needs given predictions; there are none")
    if logits and source.task == "regression":
        source.fail("predictions", "--logits is for classification; these videos have targets")
    if kind != "consensus" and source.task == "regression":
        source.fail("--head", f"{kind} is for classes, and these videos have targets")
    if head_frames < 0:
        source.fail("--head-frames", f"{head_frames} is negative; 0 trains on all frames")
    if seed < 0:
        source.fail("--seed", f"{seed} is negative; give a number of at least 0")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    progress = LoggedProgress(
        *columns, TimeElapsedColumn(), console=console, disable=console is None, transient=True
    )
    with progress:
        trained = source.trained_streams
        folds = {}
        if trained:
            folds = train_folds(source, crossfit, head_frames, seed, progress, kind)
        made_by = {s: HEADS[kind] if s in trained else "ready-made" for s in source.features}
        distinct = set(made_by.values())
        record = {
            "source": source.path.resolve().name,
            "crossfit": crossfit if trained else "unknown",
            # One name, or a name per stream where streams differ.
            "predictions": distinct.pop() if len(distinct) == 1 else made_by,
            "seed": seed,
            "version": version("frame-select-env"),
            **source.record,
            **(provenance or {}),
        }
        if folds:
            score = "cv_accuracy" if source.task == "classification" else "cv_mean_squared_error"
            record["head"] = {
                fold: {
                    stream: {"penalty": heads.penalty, score: round(heads.score, 4)}
                    for stream, heads in trained_heads.heads.items()
                }
                for fold, trained_heads in folds.items()
            }
            record["head_frames"] = head_frames
        videos = progress.track(
            _videos(source, folds, logits), total=len(source), description="writing videos"
        )
        names = {"classes" if source.task == "classification" else "targets": source.outputs}
        heads = {fold: trained_heads.arrays for fold, trained_heads in folds.items()}
        return write_cache(out, videos, axes=source.axes, provenance=record, heads=heads, **names)


def check_out(out: Path, overwrite: bool = True, read: Path | None = None) -> None:
    """Check that a cache can be written to `out`, before any long work starts.

    Commands replace a cache with `overwrite` only, their flag, and never the one they `read`.
    """
    if read is not None and out.exists() and out.resolve() == read.resolve():
        raise FrameSelectError(f"{out}: is the cache that is read; choose another name")
    if out.is_dir():
        raise FrameSelectError(f"{out}: is a folder; give the name of a file to write")
    if not out.parent.is_dir():
        raise FrameSelectError(f"{out}: the folder {out.parent} does not exist; create it first")
    if out.is_file() and not h5py.is_hdf5(out):
        raise FrameSelectError(f"{out}: exists and is not a cache; choose another name")
    if out.is_file() and not overwrite:
        raise FrameSelectError(f"{out}: exists; add --overwrite, or choose another name")


def _videos(source: Source, folds: dict[str, FoldHeads], logits: bool) -> Iterator[dict[str, Any]]:
    """The videos in the form that `write_cache` takes."""
    extra_folds = [fold for fold in source.splits if fold != schema.DEFAULT_FOLD]
    for row in range(len(source)):
        features = {stream: source.read_features(stream, row) for stream in source.features}
        given, inputs = {}, {}
        for stream, values in features.items():
            if stream in source.predictions:
                given[stream] = _given_predictions(source, stream, row, values, logits)
            else:
                inputs[stream] = head_input(values, source.axes.get(stream, ""))
        made = folds[schema.DEFAULT_FOLD].predict(inputs, row) if inputs else {}
        video: dict[str, Any] = {
            "id": str(source.ids[row]),
            "label": source.labels[row],
            "split": str(source.splits[schema.DEFAULT_FOLD][row]),
            "features": features,
            "predictions": given | made,
            **{name: read(row) for name, read in source.frames.items()},
        }
        if source.summaries is not None:
            video["summaries"] = source.summaries(row)
        if source.groups is not None:
            video["group"] = str(source.groups[row])
        if extra_folds:
            video["folds"] = {f: {"split": str(source.splits[f][row])} for f in extra_folds}
        for fold in extra_folds:
            if fold in folds:
                video["folds"][fold]["predictions"] = folds[fold].predict(inputs, row)
        yield video


def _given_predictions(
    source: Source, stream: str, row: int, features: np.ndarray, logits: bool
) -> np.ndarray:
    name, video = stream_field("predictions", stream), source.video(row)
    values = source.read_predictions(stream, row).astype(np.float32)
    if values.ndim == 3 and values.shape[1] != (views := features.shape[1]):
        source.fail(name, f"{video} has {values.shape[1]} views; its features have {views}")
    if logits:
        return softmax(values, axis=-1)
    if wrong := schema.check_predictions(values, source.task):
        source.fail(name, f"{video}: {wrong}, or use --logits")
    return values
