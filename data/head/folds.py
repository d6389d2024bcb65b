"""The heads of a source: one set per fold and stream, and which head predicts which video."""

from dataclasses import dataclass
from functools import partial

import numpy as np
from rich.progress import Progress

from data.head.crossfit import Crossfit, FittedHeads, HeadKind, fit_heads
from data.head.linear import TrainingVideos, head_input, training_rows
from data.sources.source import Source, split_field, stream_field
from frame_select_env.cache import schema
from frame_select_env.wording import counted


@dataclass(frozen=True)
class FoldHeads:
    """The heads of one fold, and the videos they trained on."""

    heads: dict[str, FittedHeads]  # by stream, without streams with given predictions
    index: np.ndarray  # [N] int64, index of each video among the training videos; -1 otherwise

    def predict(self, inputs: dict[str, np.ndarray], row: int) -> dict[str, np.ndarray]:
        """The predictions of every stream for the video at `row`."""
        index, predictions = int(self.index[row]), {}
        for stream, values in inputs.items():
            heads = self.heads[stream]
            head = heads.final if index < 0 else heads.for_training_video(index)
            predictions[stream] = head.predict(values)
        return predictions

    @property
    def arrays(self) -> dict[str, tuple[np.ndarray, ...]]:
        """The final heads by stream, as a cache keeps them."""
        return {stream: heads.final.arrays for stream, heads in self.heads.items()}


def train_folds(
    source: Source,
    crossfit: Crossfit,
    head_frames: int,
    seed: int,
    progress: Progress,
    kind: HeadKind = "consensus",
) -> dict[str, FoldHeads]:
    """Train the heads of every fold, for every stream without given predictions.

    Folds with equal splits share heads; a fold equal to the default fold is omitted, because it
    uses the top level's predictions. Raises FrameSelectError before any training if a fold has too
    few training videos.
    """
    twins = {
        fold: next(f for f, s in source.splits.items() if np.array_equal(s, splits))
        for fold, splits in source.splits.items()
    }  # fold -> the first with the same splits
    rows = {
        fold: _training_videos(source, fold, crossfit) for fold in dict.fromkeys(twins.values())
    }
    folds = {}
    for fold, chosen in rows.items():
        heads = {}
        for stream in source.trained_streams:
            name = f"{fold} {stream_field('features', stream)}"
            videos = _read_videos(source, stream, chosen, head_frames, progress, f"reading {name}")
            task = progress.add_task(f"training heads of {name}", total=None)
            heads[stream] = fit_heads(
                videos,
                len(source.outputs),
                kind=kind,
                crossfit=crossfit,
                groups=None if source.groups is None else source.groups[chosen],
                seed=seed,
                on_fit=partial(progress.advance, task),
            )
            progress.remove_task(task)
        index = np.full(len(source), -1)
        index[chosen] = np.arange(len(chosen))
        folds[fold] = FoldHeads(heads, index)
    return folds | {f: folds[twin] for f, twin in twins.items() if twin != schema.DEFAULT_FOLD}


def check_training(source: Source, crossfit: Crossfit) -> None:
    """Check that heads can be trained for every fold; needs no features."""
    for fold in source.splits:
        _training_videos(source, fold, crossfit)


def crossfit_notes(source: Source, crossfit: Crossfit) -> list[str]:
    """A note for every fold with classes whose training videos are all left out together."""
    if source.task == "regression" or not source.trained_streams or crossfit == "none":
        return []
    unit, units = "video", source.ids
    if crossfit == "group" and source.groups is not None:
        unit, units = "group", source.groups
    notes = []
    for fold, splits in source.splits.items():
        training = splits == "train"
        single = [
            name
            for label, name in enumerate(source.outputs)
            if len(np.unique(units[training & (source.labels == label)])) == 1
        ]
        if single:
            notes.append(
                f"{split_field(fold)}: only one training {unit} of {', '.join(single)}: its "
                "predictions come from a head that has never seen its class"
            )
    return notes


def _training_videos(source: Source, fold: str, crossfit: Crossfit) -> np.ndarray:
    """The indices of the fold's labelled training videos, [V] int64; checks that they suffice."""
    name = split_field(fold)
    training = source.splits[fold] == "train"
    if source.task == "classification":
        training &= source.labels != schema.UNKNOWN_LABEL
        counts = np.bincount(source.labels[training], minlength=len(source.outputs))
        missing = [source.outputs[label] for label in np.flatnonzero(counts == 0)]
        if missing:
            more = f" (and {len(missing) - 1} more classes)" if missing[1:] else ""
            wrong = f"the class {missing[0]!r} has no training video{more}"
            source.fail(name, f"{wrong}; add one or remove the class")
    rows = np.flatnonzero(training)
    if len(rows) < 2:
        source.fail(name, f"has {counted(len(rows), 'labelled training video')}; a head needs 2")
    if crossfit == "group":
        if source.groups is None:
            source.fail("groups", "--crossfit group needs groups; add them or use --crossfit video")
        if len(np.unique(source.groups[rows])) < 2:
            source.fail("groups", "all training videos are in one group; use --crossfit video")
    return rows


def _read_videos(
    source: Source,
    stream: str,
    rows: np.ndarray,
    head_frames: int,
    progress: Progress,
    description: str,
) -> TrainingVideos:
    """Read the training rows of the videos into memory, [n, D] in their stored dtype."""
    name, axis = stream_field("features", stream), source.axes.get(stream, "")
    first = source.read_features(stream, int(rows[0]))
    views = first.shape[1] if axis == "view" else 1
    chosen = []
    for row in rows.tolist():
        shown = np.flatnonzero(source.trimmed(row)) if source.trimmed else None
        length = int(source.lengths[row]) if shown is None else len(shown)
        frame, view = training_rows(length, views, head_frames)
        chosen.append((frame if shown is None else shown[frame], view))
    lengths = np.array([len(frame) for frame, _ in chosen])
    frames = np.empty((lengths.sum(), head_input(first, axis).shape[-1]), first.dtype)
    pairs = list(zip(rows.tolist(), chosen, strict=True))
    end = 0
    for row, (frame, view) in progress.track(pairs, description=description):
        features = source.read_features(stream, row)
        if features.shape[1:] != first.shape[1:]:
            here, there = (" x ".join(map(str, array.shape[1:])) for array in (features, first))
            source.fail(name, f"{source.video(row)} has {here} columns, others have {there}")
        features = head_input(features, axis)
        part = slice(end, end + len(frame))
        with np.errstate(over="ignore"):  # values that overflow become infinite, and are refused
            frames[part] = features[(frame, view) if axis == "view" else frame]
        if not np.isfinite(frames[part]).all():
            large = "has values too large for float16, the dtype of other videos"
            source.fail(name, f"{source.video(row)} {large}; save all as float32")
        end = part.stop
    return TrainingVideos(frames, lengths, source.labels[rows])
