"""The heads of a source: one per fold and stream, and which of them predicts which video."""

from dataclasses import dataclass

import numpy as np
from rich.progress import Progress

from data.head import (
    Crossfit,
    FittedHeads,
    LinearHead,
    TrainingVideos,
    fit_heads,
    head_input,
    training_rows,
)
from data.source import Source, split_field, stream_field
from frame_select_env.cache import schema


@dataclass(frozen=True)
class FoldHeads:
    """The heads of one fold, and which of its videos they trained on.

    Attributes:
        heads: Stream -> its heads; streams with ready-made predictions have none.
        place: [N] int64, the number of each video among the training videos; -1 for the others.
    """

    heads: dict[str, FittedHeads]
    place: np.ndarray

    def head(self, stream: str, row: int) -> LinearHead:
        """The head of `stream` that predicts the video in `row`."""
        place = int(self.place[row])
        heads = self.heads[stream]
        return heads.final if place < 0 else heads.for_training_video(place)


def train_folds(
    source: Source, crossfit: Crossfit, head_frames: int, seed: int, progress: Progress
) -> dict[str, FoldHeads]:
    """Train the heads of every fold and of every stream that brings no predictions.

    Args:
        source: The videos.
        crossfit: How training videos are to be predicted.
        head_frames: Train on at most this many rows of a video; see `data.head.training_rows`.
        seed: Draws the parts of cross-fitting.
        progress: Shows the work.

    Returns:
        Fold -> its heads. Folds that part the videos alike share them; a fold that parts them like
        the default one is left out, as its predictions are the top level's.

    Raises:
        FrameSelectError: if a fold's training videos do not suffice; before any training.
    """
    distinct: dict[str, np.ndarray] = {}
    for fold, splits in source.splits.items():
        if not any(np.array_equal(splits, earlier) for earlier in distinct.values()):
            distinct[fold] = splits
    rows = {fold: _training_rows(source, fold, crossfit) for fold in distinct}
    folds = {}
    for fold, chosen in rows.items():
        heads = {}
        for stream in source.trained_streams:
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
    for fold, splits in source.splits.items():
        twin = next(f for f, earlier in distinct.items() if np.array_equal(splits, earlier))
        if twin != schema.DEFAULT_FOLD:
            folds[fold] = folds[twin]
    return folds


def check_training(source: Source, crossfit: Crossfit) -> None:
    """See that heads can be trained for every fold; needs no features.

    Raises:
        FrameSelectError: naming the fold and what it lacks.
    """
    for fold in source.splits:
        _training_rows(source, fold, crossfit)


def _training_rows(source: Source, fold: str, crossfit: Crossfit) -> np.ndarray:
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
        if source.groups is None:
            source.fail(
                "groups", "are needed for --crossfit group; add them or use --crossfit video"
            )
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
    """Read the training rows into memory, [n, D] in the dtype they are stored in."""
    axis = source.axes.get(stream, "")
    first = source.read_features(stream, int(rows[0]))
    views = first.shape[1] if axis == "view" else 1
    chosen = [training_rows(int(source.lengths[row]), views, head_frames) for row in rows]
    lengths = np.array([len(frame) for frame, _ in chosen])
    width = head_input(first, axis).shape[-1]
    frames = np.empty((lengths.sum(), width), first.dtype)
    end = 0
    for row, (frame, view) in progress.track(
        list(zip(rows.tolist(), chosen, strict=True)), description=description
    ):
        features = source.read_features(stream, row)
        _check_width(source, stream, row, features, first)
        features = head_input(features, axis)
        last = end + len(frame)
        with np.errstate(over="ignore"):  # what is too large becomes infinite, and is refused
            frames[end:last] = features[(frame, view) if axis == "view" else frame]
        if not np.isfinite(frames[end:last]).all():
            source.fail(
                stream_field("features", stream),
                f"video {str(source.ids[row])!r} holds numbers too large for float16, which others "
                "are stored in; save all as float32",
            )
        end = last
    return TrainingVideos(frames, lengths, source.labels[rows])


def _check_width(
    source: Source, stream: str, row: int, features: np.ndarray, first: np.ndarray
) -> None:
    if features.shape[1:] != first.shape[1:]:
        here, there = (" x ".join(map(str, shape.shape[1:])) for shape in (features, first))
        source.fail(
            stream_field("features", stream),
            f"video {str(source.ids[row])!r} has {here} columns, others have {there}",
        )


def crossfit_notes(source: Source, crossfit: Crossfit) -> list[str]:
    """A line for every fold with classes that cross-fitting cannot predict.

    Where all training videos of a class are left out together, the heads that predict them never
    saw the class.
    """
    if source.task == "regression" or not source.trained_streams or crossfit == "none":
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
