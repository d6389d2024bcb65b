"""Merging the shards of all videos into one cache."""

import dataclasses
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from rich.markup import escape

from data.extraction.settings import Extraction, Settings
from data.extraction.shards import array_names, read_array
from data.head.folds import check_training, crossfit_notes
from data.sources.importing import import_source
from data.sources.source import Source, assigned_source, check_videos


def merge(asked: Extraction, folder: Path, kept: list[int], skipped: Iterable[str]) -> None:
    """Train the heads on the shards of the videos at the indices `kept`, and write the cache."""
    source, settings = shards_source(asked, folder, kept), asked.settings
    if asked.console:
        for note in [*_predictors(settings, source), *crossfit_notes(source, asked.crossfit)]:
            asked.console.print(f"[yellow]note:[/] {escape(note)}")
    # What readers of the cache should know, without any path of this machine.
    fps, count = settings.sampling.fps, settings.sampling.num_frames
    provenance: dict[str, Any] = {
        "backbones": ", ".join(spec.without_paths().text() for spec in settings.streams),
        "frames": f"{fps:g} a second" if fps else f"{count} a video",
        "views": settings.views,
        "device": settings.device,
    }
    for package in ("av", "torch", "torchvision"):
        with suppress(PackageNotFoundError):  # sound or the user's own function need no torchvision
            provenance[package] = version(package)
    provenance["split_file"] = asked.split_file
    if skipped:
        provenance["skipped"] = sorted(skipped)
    import_source(
        source,
        asked.out,
        crossfit=asked.crossfit,
        head_frames=asked.head_frames,
        seed=settings.seed,
        provenance=provenance,
        console=asked.console,
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

    def read(name: str, row: int) -> np.ndarray:
        return read_array(folder, ids[row], name)

    readers = {name: partial(read, name) for name in array_names(folder, ids[0])}
    # In the order of --backbone: agents use the first stream by default.
    streams = [spec.stream for spec in settings.streams]
    return check_videos(
        dataclasses.replace(
            source,
            lengths=np.array([len(read_array(folder, video, "time")) for video in ids], np.int64),
            features={stream: readers[f"features.{stream}"] for stream in streams},
            predictions={
                s: readers[name] for s in streams if (name := f"predictions.{s}") in readers
            },
            frames={name: reader for name, reader in readers.items() if "." not in name},
            axes={stream: axis for stream in streams if (axis := settings.axis(stream))},
        )
    )


def _without_frames(asked: Extraction, rows: list[int]) -> Source:
    return assigned_source(asked.videos.folder, asked.assignment, list(asked.videos.files), rows)


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
