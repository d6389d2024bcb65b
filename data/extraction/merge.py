"""Merging the shards of all videos into one cache."""

import dataclasses
from contextlib import suppress
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.markup import escape

from data.extraction.settings import Extraction, Settings
from data.extraction.shards import array_names, read_array
from data.head.folds import check_training, crossfit_notes
from data.sources.importing import import_source
from data.sources.source import Frames, Source, assigned_source, check_videos


def merge(
    asked: Extraction,
    folder: Path,
    kept: list[int],
    provenance: dict[str, Any],
    console: Console | None,
) -> None:
    """Train the heads on the shards of the videos at the indices `kept`, and write the cache."""
    source = shards_source(asked, folder, kept)
    if console:
        notes = [*_predictors(asked.settings, source), *crossfit_notes(source, asked.crossfit)]
        for note in notes:
            console.print(f"[yellow]note:[/] {escape(note)}")
    import_source(
        source,
        asked.out,
        crossfit=asked.crossfit,
        head_frames=asked.head_frames,
        seed=asked.settings.seed,
        provenance={**_provenance(asked.settings), **provenance},
        console=console,
    )


def check_before(asked: Extraction, rows: list[int]) -> None:
    """Check that heads can be trained on the videos in `rows`, before features are extracted.

    Skipped if every network might make the predictions itself, which is not known yet.
    """
    settings = asked.settings
    if not settings.classes or not all(spec.may_classify() for spec in settings.streams):
        check_training(_without_frames(asked, rows), asked.crossfit)


def shards_source(asked: Extraction, folder: Path, kept: list[int]) -> Source:
    """The videos with shards, to be read one at a time."""
    source, settings = _without_frames(asked, kept), asked.settings
    ids = source.ids.tolist()
    features: dict[str, Frames] = {}
    predictions: dict[str, Frames] = {}
    frames: dict[str, Frames] = {}
    for name in array_names(folder, ids[0]):
        reader = partial(_read, folder, ids, name)
        family, _, stream = name.partition(".")
        if stream:
            (features if family == "features" else predictions)[stream] = reader
        else:
            frames[name] = reader
    return check_videos(
        dataclasses.replace(
            source,
            lengths=np.array([len(read_array(folder, video, "time")) for video in ids], np.int64),
            # In the order of --backbone: agents use the first stream by default.
            features={spec.stream: features[spec.stream] for spec in settings.streams},
            predictions=predictions,
            frames=frames,
            axes={s.stream: axis for s in settings.streams if (axis := settings.axis(s.stream))},
        )
    )


def _without_frames(asked: Extraction, rows: list[int]) -> Source:
    return assigned_source(asked.videos.folder, asked.assignment, list(asked.videos.files), rows)


def _read(folder: Path, ids: list[str], name: str, row: int) -> np.ndarray:
    return read_array(folder, ids[row], name)


def _predictors(settings: Settings, source: Source) -> list[str]:
    """Notes on what predicts the streams whose network predicts or has the user's weights."""
    count = len(source.outputs)
    return [
        f"stream {spec.stream}: predictions by the network's own classifier"
        if spec.stream in source.predictions
        else f"stream {spec.stream}: predictions by a linear head: the network does not classify "
        f"into these {count} classes, or --predictions head was given"
        for spec in settings.streams
        if spec.brings_classes() or spec.stream in source.predictions
    ]


def _provenance(settings: Settings) -> dict[str, Any]:
    """What readers of the cache should know, without any path of this machine."""
    fps, count = settings.sampling.fps, settings.sampling.num_frames
    record = {
        "backbones": ", ".join(spec.without_paths().text() for spec in settings.streams),
        "frames": f"{fps:g} a second" if fps else f"{count} a video",
        "views": settings.views,
        "device": settings.device,
    }
    for package in ("av", "torch", "torchvision"):
        with suppress(PackageNotFoundError):  # sound or the user's own function need no torchvision
            record[package] = version(package)
    return record
