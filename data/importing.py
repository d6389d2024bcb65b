"""Import: from a source of features to a cache with cross-fitted predictions."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from scipy.special import softmax

from data.head import Crossfit, FittedHeads, LinearHead, TrainingVideos, fit_heads
from data.source import Source, split_field, stream_field
from frame_select_env.cache import check, frame_index, schema, write_cache
from frame_select_env.errors import FrameSelectError


@dataclass(frozen=True)
class FoldHeads:
    """The heads of one fold, and which of its videos they trained on.

    Attributes:
        heads: Stream -> its heads.
        place: [N] int64, the number of each video among the training videos; -1 for the others.
    """

    heads: dict[str, FittedHeads]
    place: np.ndarray

    def head(self, stream: str, row: int) -> LinearHead:
        """The head that predicts the video in `row`."""
        place = int(self.place[row])
        heads = self.heads[stream]
        return heads.final if place < 0 else heads.for_training_video(place)


def import_source(
    source: Source,
    out: Path,
    *,
    crossfit: Crossfit = "video",
    logits: bool = False,
    head_frames: int = 64,
    seed: int = 0,
    provenance: dict[str, Any] | None = None,
    console: Console | None = None,
) -> Path:
    """Train the heads unless predictions are ready-made, and write the cache.

    Args:
        source: The videos.
        out: The cache file to write.
        crossfit: How training videos are predicted; see `data.head.fit_heads`.
        logits: Whether the ready-made predictions are logits: the softmax is applied.
        head_frames: Train on at most this many evenly spaced frames of a video; 0: on all.
        seed: Draws the parts of cross-fitting.
        provenance: More to record in the file.
        console: Where progress is shown; None: nowhere.

    Returns:
        The path written.

    Raises:
        FrameSelectError: naming the source, the field and the remedy; nothing is written then.
    """
    if not out.parent.is_dir() or out.is_dir():
        # Told before the heads are trained, not minutes later.
        raise FrameSelectError(f"{out}: is a folder or lies in none; name a file to write")
    _check_options(source, crossfit, logits, head_frames, seed)
    with _progress(console) as progress:
        folds = (
            {}
            if source.predictions
            else _train_folds(source, crossfit, head_frames, seed, progress)
        )
        record = {
            "source": source.path.name,
            "crossfit": "unknown" if source.predictions else crossfit,
            "predictions": "ready-made" if source.predictions else "linear head",
            "seed": seed,
            "version": version("frame-select-env"),
            **(provenance or {}),
        }
        if folds:
            record["head"] = {fold: _record(source, fitted) for fold, fitted in folds.items()}
            record["head_frames"] = head_frames
        videos = progress.track(
            _videos(source, folds, logits), total=len(source), description="writing videos"
        )
        names = {"classes" if source.task == "classification" else "targets": source.outputs}
        try:
            return write_cache(out, videos, provenance=record, **names)  # type: ignore[arg-type]
        except OSError as error:
            raise FrameSelectError(f"{out}: cannot be written: {error.strerror}") from error


def crossfit_notes(source: Source, crossfit: Crossfit) -> list[str]:
    """A line for every fold with classes that cross-fitting cannot predict.

    Where all training videos of a class are left out together, the heads that predict them never
    saw the class.
    """
    if source.task == "regression" or source.predictions or crossfit == "none":
        return []
    unit, units = "video", source.ids
    if crossfit == "group" and source.groups is not None:
        unit, units = "group", source.groups
    notes = []
    for fold, splits in source.splits.items():
        training = splits == "train"
        lone = [
            name
            for label, name in enumerate(source.outputs)
            if len(np.unique(units[training & (source.labels == label)])) == 1
        ]
        if lone:
            notes.append(
                f"{split_field(fold)}: classes with a single training {unit}, which is predicted "
                f"by heads that do not know the class: {', '.join(lone)}"
            )
    return notes


def _progress(console: Console | None) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        disable=console is None,
        transient=True,
    )


def _check_options(
    source: Source, crossfit: str, logits: bool, head_frames: int, seed: int
) -> None:
    if logits and not source.predictions:
        source.fail("predictions", "there are none that --logits could apply to")
    if logits and source.task == "regression":
        source.fail("predictions", "--logits is for classification; these videos have targets")
    if head_frames < 0:
        source.fail("--head-frames", f"{head_frames} is negative; 0 trains on all frames")
    if seed < 0:
        source.fail("--seed", f"{seed} is negative")
    if source.predictions or crossfit != "group":
        return
    if source.groups is None:
        source.fail("groups", "are needed for --crossfit group; add them or use --crossfit video")


def _train_folds(
    source: Source, crossfit: Crossfit, head_frames: int, seed: int, progress: Progress
) -> dict[str, FoldHeads]:
    """Fold -> its heads; a fold that parts the videos like an earlier one needs no new heads."""
    distinct: dict[str, np.ndarray] = {}
    for fold, splits in source.splits.items():
        if not any(np.array_equal(splits, earlier) for earlier in distinct.values()):
            distinct[fold] = splits
    rows = {fold: _training_rows(source, fold, crossfit) for fold in distinct}
    folds = {}
    for fold, chosen in rows.items():
        heads = {}
        for stream in source.features:
            name = f"{fold} {stream_field('features', stream)}"
            videos = _training_videos(
                source, stream, chosen, head_frames, progress, f"reading {name}"
            )
            task = progress.add_task(f"training heads of {name}", total=None)
            heads[stream] = fit_heads(
                videos,
                len(source.outputs),
                crossfit=crossfit,
                groups=None if source.groups is None else source.groups[chosen],
                seed=seed,
                on_fit=lambda task=task: progress.advance(task),  # type: ignore[misc]
            )
            progress.remove_task(task)
        place = np.full(len(source), -1)
        place[chosen] = np.arange(len(chosen))
        folds[fold] = FoldHeads(heads, place)
    return folds


def _training_rows(source: Source, fold: str, crossfit: str) -> np.ndarray:
    """The rows of the fold's labelled training videos, [V] int64; checks that they suffice."""
    name = split_field(fold)
    training = source.splits[fold] == "train"
    if source.task == "classification":
        training &= source.labels != schema.UNKNOWN_LABEL
        counts = np.bincount(source.labels[training], minlength=len(source.outputs))
        missing = [source.outputs[label] for label in np.flatnonzero(counts == 0)]
        if missing:
            source.fail(
                name,
                f"the class {missing[0]!r} has no training video"
                + (f" (nor have {len(missing) - 1} others)" if missing[1:] else "")
                + "; give it one or remove the class",
            )
    rows = np.flatnonzero(training)
    if len(rows) < 2:
        source.fail(name, f"has {len(rows)} labelled training videos; a head needs at least 2")
    if crossfit == "group":
        assert source.groups is not None
        if len(np.unique(source.groups[rows])) < 2:
            source.fail("groups", "all training videos are of one group; use --crossfit video")
    return rows


def _training_videos(
    source: Source,
    stream: str,
    rows: np.ndarray,
    head_frames: int,
    progress: Progress,
    description: str,
) -> TrainingVideos:
    """Read the training frames into memory, [n, D] in the dtype they are stored in."""
    most = int(source.lengths[rows].max())
    cap = min(head_frames or most, most)
    lengths = np.minimum(source.lengths[rows], cap)
    first = source.read_features(stream, int(rows[0]))
    frames = np.empty((lengths.sum(), first.shape[1]), first.dtype)
    end = 0
    for row, length in progress.track(
        list(zip(rows.tolist(), lengths.tolist(), strict=True)), description=description
    ):
        features = source.read_features(stream, row)
        _check_width(source, stream, row, features, first)
        index, valid = frame_index(np.array([len(features)]), cap)
        frames[end : end + length] = features[index[valid]]
        end += length
    return TrainingVideos(frames, lengths, source.labels[rows])


def _check_width(
    source: Source, stream: str, row: int, features: np.ndarray, first: np.ndarray
) -> None:
    if features.shape[1] != first.shape[1]:
        source.fail(
            stream_field("features", stream),
            f"video {str(source.ids[row])!r} has {features.shape[1]} columns, "
            f"others have {first.shape[1]}",
        )


def _videos(source: Source, folds: dict[str, FoldHeads], logits: bool) -> Iterator[dict[str, Any]]:
    """The videos as `write_cache` takes them."""
    extra_folds = [fold for fold in source.splits if fold != schema.DEFAULT_FOLD]
    for row in range(len(source)):
        features = {stream: source.read_features(stream, row) for stream in source.features}
        if source.predictions:
            predictions = {
                stream: _ready_made(source, stream, row, logits) for stream in source.features
            }
        else:
            predictions = _predict(folds[schema.DEFAULT_FOLD], features, row)
        video: dict[str, Any] = {
            "id": str(source.ids[row]),
            "label": source.labels[row],
            "split": str(source.splits[schema.DEFAULT_FOLD][row]),
            "features": features,
            "predictions": predictions,
            **{name: read(row) for name, read in source.frames.items()},
        }
        if source.groups is not None:
            video["group"] = str(source.groups[row])
        if extra_folds:
            video["folds"] = {
                fold: {"split": str(source.splits[fold][row])}
                | ({"predictions": _predict(folds[fold], features, row)} if fold in folds else {})
                for fold in extra_folds
            }
        yield video


def _predict(fold: FoldHeads, features: dict[str, np.ndarray], row: int) -> dict[str, np.ndarray]:
    return {stream: fold.head(stream, row).predict(values) for stream, values in features.items()}


def _ready_made(source: Source, stream: str, row: int, logits: bool) -> np.ndarray:
    values = source.read_predictions(stream, row).astype(np.float32)
    if logits:
        return softmax(values, axis=1)
    wrong = check.predictions(values, source.task)
    if wrong:
        source.fail(
            stream_field("predictions", stream),
            f"video {str(source.ids[row])!r}: {wrong} (--logits does)",
        )
    return values


def _record(source: Source, fold: FoldHeads) -> dict[str, dict[str, float]]:
    score = "cv_accuracy" if source.task == "classification" else "cv_mean_squared_error"
    return {
        stream: {"penalty": heads.penalty, score: round(heads.score, 4)}
        for stream, heads in fold.heads.items()
    }
