"""Merging: from the shards of all videos to one cache."""

from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.markup import escape

from data.extraction.extraction import Extraction
from data.extraction.settings import Settings
from data.extraction.shards import array_names, read_array
from data.importing import import_source
from data.source import Frames, Source, check_videos
from frame_select_env.errors import FrameSelectError


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
        FrameSelectError: saying, too, that the shards are kept.
    """
    source = shards_source(asked, folder, kept)
    if console:
        for note in _predictors(asked.settings, source):
            console.print(f"[yellow]note:[/] {escape(note)}")
    try:
        import_source(
            source,
            asked.out,
            crossfit=asked.crossfit,
            head_frames=asked.head_frames,
            seed=asked.settings.seed,
            provenance={**_provenance(asked.settings), **provenance},
            console=console,
        )
    except FrameSelectError as error:
        raise FrameSelectError(
            f"{error} (the features are kept in {folder}; the same command with --resume goes on)"
        ) from None


def shards_source(asked: Extraction, folder: Path, kept: list[int]) -> Source:
    """The videos whose shards are there, to be read one at a time."""
    settings, assignment = asked.settings, asked.assignment
    ids = list(asked.videos.files)
    mine = [ids[row] for row in kept]
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
    groups = assignment.groups
    return check_videos(
        Source(
            path=asked.videos.folder,
            task="classification" if assignment.targets is None else "regression",
            outputs=assignment.outputs,
            ids=np.array(mine),
            labels=assignment.numbered_labels()[kept],
            splits={fold: np.array(splits)[kept] for fold, splits in assignment.splits.items()},
            lengths=np.array([len(read_array(folder, video, "time")) for video in mine], np.int64),
            # In the order the user gave them: the first is the one that agents take by default.
            features={spec.stream: features[spec.stream] for spec in settings.streams},
            groups=None if groups is None else np.array(groups)[kept],
            predictions=predictions,
            frames=frames,
            axes={s.stream: axis for s in settings.streams if (axis := settings.axis(s.stream))},
        )
    )


def _row(folder: Path, ids: list[str], name: str, row: int) -> np.ndarray:
    return read_array(folder, ids[row], name)


def _predictors(settings: Settings, source: Source) -> list[str]:
    """Who predicts the streams whose network comes from a file of the user's."""
    count = len(source.outputs)
    return [
        f"stream {spec.stream}: the predictions are the network's own"
        if spec.stream in source.predictions
        else f"stream {spec.stream}: the network does not classify into these {count} classes, or "
        "was not to: a linear head makes the predictions"
        for spec in settings.streams
        if spec.brings_classes()
    ]


def _provenance(settings: Settings) -> dict[str, Any]:
    """What a reader of the cache should know; no path of this machine goes into it."""
    fps, count = settings.sampling.fps, settings.sampling.num_frames
    return {
        "backbones": ", ".join(spec.without_paths().text() for spec in settings.streams),
        "frames": f"{fps:g} a second" if fps else f"{count} a video",
        "views": settings.views,
        "device": settings.device,
        **{name: version(name) for name in ("av", "torch", "torchvision")},
    }
