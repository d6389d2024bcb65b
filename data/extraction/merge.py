"""Merging: from the shards of all videos to one cache."""

import dataclasses
from contextlib import suppress
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.markup import escape

from data.assigned_source import assigned_source
from data.extraction.extraction import Extraction
from data.extraction.settings import Settings
from data.extraction.shards import array_names, read_array
from data.fold_heads import check_training, crossfit_notes
from data.importing import import_source
from data.source import Frames, Source, check_videos


def merge(
    asked: Extraction,
    folder: Path,
    kept: list[int],
    provenance: dict[str, Any],
    console: Console | None,
) -> None:
    """Train the heads on the shards and write the cache.

    Args:
        asked: The extraction.
        folder: Its shards.
        kept: Numbers of the videos that have one, at least one.
        provenance: More to record in the cache.
        console: Where notes and progress are shown; None: nowhere.

    Raises:
        FrameSelectError: if heads cannot be trained, or the cache not be written.
    """
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
    """See that heads can be trained on the videos in `rows`, before there are any features.

    Where every network may turn out to make the predictions itself, that is not known yet.

    Raises:
        FrameSelectError: naming what is lacking.
    """
    settings = asked.settings
    if not settings.classes or not all(spec.may_classify() for spec in settings.streams):
        check_training(_without_frames(asked, rows), asked.crossfit)


def shards_source(asked: Extraction, folder: Path, kept: list[int]) -> Source:
    """The videos whose shards are there, to be read one at a time."""
    source, settings = _without_frames(asked, kept), asked.settings
    mine = source.ids.tolist()
    features: dict[str, Frames] = {}
    predictions: dict[str, Frames] = {}
    frames: dict[str, Frames] = {}
    for name in array_names(folder, mine[0]):
        reader = partial(_row, folder, mine, name)
        family, _, stream = name.partition(".")
        if stream:
            (features if family == "features" else predictions)[stream] = reader
        else:
            frames[name] = reader
    return check_videos(
        dataclasses.replace(
            source,
            lengths=np.array([len(read_array(folder, video, "time")) for video in mine], np.int64),
            # In the order the user gave them: the first is the one that agents take by default.
            features={spec.stream: features[spec.stream] for spec in settings.streams},
            predictions=predictions,
            frames=frames,
            axes={s.stream: axis for s in settings.streams if (axis := settings.axis(s.stream))},
        )
    )


def _without_frames(asked: Extraction, rows: list[int]) -> Source:
    """What is known of the videos in `rows` before they are read."""
    return assigned_source(asked.videos.folder, asked.assignment, list(asked.videos.files), rows)


def _row(folder: Path, ids: list[str], name: str, row: int) -> np.ndarray:
    return read_array(folder, ids[row], name)


def _predictors(settings: Settings, source: Source) -> list[str]:
    """Who predicts the streams whose network predicts, or comes from a file of the user's."""
    count = len(source.outputs)
    return [
        f"stream {spec.stream}: the predictions are the network's own"
        if spec.stream in source.predictions
        else f"stream {spec.stream}: the network does not classify into these {count} classes, or "
        "was not to: a linear head makes the predictions"
        for spec in settings.streams
        if spec.brings_classes() or spec.stream in source.predictions
    ]


def _provenance(settings: Settings) -> dict[str, Any]:
    """What a reader of the cache should know; no path of this machine goes into it."""
    fps, count = settings.sampling.fps, settings.sampling.num_frames
    return {
        "backbones": ", ".join(spec.without_paths().text() for spec in settings.streams),
        "frames": f"{fps:g} a second" if fps else f"{count} a video",
        "views": settings.views,
        "device": settings.device,
        **_versions("av", "torch", "torchvision"),
    }


def _versions(*names: str) -> dict[str, str]:
    """Of what is installed: sound or a function of the user's alone need no torchvision."""
    installed = {}
    for name in names:
        with suppress(PackageNotFoundError):
            installed[name] = version(name)
    return installed
