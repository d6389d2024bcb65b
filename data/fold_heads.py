"""The heads of a source: one per fold and stream, and which of them predicts which video."""

from dataclasses import dataclass

import numpy as np
from rich.progress import Progress

from data.head import Crossfit, FittedHeads, LinearHead, TrainingVideos, fit_heads
from data.source import Source, split_field, stream_field
from frame_select_env.cache import frame_index, schema


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


def train_folds(
    source: Source, crossfit: Crossfit, head_frames: int, seed: int, progress: Progress
) -> dict[str, FoldHeads]:
    """Train the heads of every fold and stream.

    Args:
        source: The videos.
        crossfit: How training videos are to be predicted.
        head_frames: Train on at most this many evenly spaced frames of a video; 0: on all.
        seed: Draws the parts of cross-fitting.
        progress: Shows the work.

    Returns:
        Fold -> its heads. A fold that parts the videos like an earlier one is left out.

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
