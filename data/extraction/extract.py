"""Extraction: every video to a shard, then all shards to one cache."""

import os
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from data.corpora import Assignment
from data.engines import Engine, run_all
from data.engines.progress import outcomes_bar
from data.extraction.merge import shards_source
from data.extraction.settings import Settings
from data.extraction.shards import count_shards, is_done, open_shards, remove_shards, shards_folder
from data.extraction.work import SILENT, Stop, Task, work
from data.head import Crossfit
from data.importing import check_out, import_source
from data.source import Source
from data.video.files import VideoFiles
from frame_select_env.errors import FrameSelectError


@dataclass(frozen=True)
class Extraction:
    """What is to be extracted, and how.

    Attributes:
        videos: The files.
        assignment: Their labels and splits, in the order of the files. Those in no split are left
            out.
        settings: What is made of every video.
        out: The cache file. Shards lie beside it, in OUT.h5.shards, until it is whole.
        engine: Where videos are worked on, and how many at a time.
        resume: Whether to go on with shards that are there.
        strict: Whether to stop at the first video that cannot be used, which is skipped otherwise.
        crossfit: How training videos are predicted.
        head_frames: The head trains on at most so many frames of a video; 0: on all.
    """

    videos: VideoFiles
    assignment: Assignment
    settings: Settings
    out: Path
    engine: Engine = Engine(jobs=1)
    resume: bool = False
    strict: bool = False
    crossfit: Crossfit = "video"
    head_frames: int = 64


def extract(
    asked: Extraction, provenance: dict[str, Any] | None = None, console: Console | None = None
) -> dict[str, str]:
    """Extract the features of a folder of videos and write a cache.

    Args:
        asked: What, and how.
        provenance: More to record in the cache.
        console: Where notes and the progress of the heads are shown; None: nowhere.

    Returns:
        Id -> why the video is not in the cache, for those that were skipped.

    Raises:
        FrameSelectError: if nothing can be extracted or written, or a video under `strict`. Shards
            that are done are kept, and `resume` goes on with them.
        KeyboardInterrupt: saying how many shards are kept.
    """
    check_out(asked.out)
    ids = list(asked.videos.files)
    folder = shards_folder(asked.out)
    listed = [row for row in range(len(ids)) if _in_a_split(asked.assignment, row)]
    open_shards(folder, asked.settings.record(), asked.resume)
    try:
        skipped = _make_shards(asked, folder, [ids[row] for row in listed], console)
    except KeyboardInterrupt:
        done = f"{count_shards(folder)} of {len(listed)} videos are done"
        raise KeyboardInterrupt(f"{done}; the same command with --resume goes on") from None
    kept = [row for row in listed if ids[row] not in skipped]
    if not kept:
        reason = next(iter(skipped.values()), "none stands in a split")
        raise FrameSelectError(f"{asked.videos.folder}: no video can be used: {reason}")
    source = shards_source(asked.videos.folder, folder, asked.settings, asked.assignment, ids, kept)
    if console:
        for note in _predictors(asked.settings, source):
            console.print(f"[yellow]note:[/] {escape(note)}")
    import_source(
        source,
        asked.out,
        crossfit=asked.crossfit,
        head_frames=asked.head_frames,
        seed=asked.settings.seed,
        provenance={
            **_provenance(asked.settings),
            **(provenance or {}),
            **({"skipped": sorted(skipped)} if skipped else {}),
        },
        console=console,
    )
    remove_shards(folder)
    return skipped


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


def _in_a_split(assignment: Assignment, row: int) -> bool:
    return any(splits[row] for splits in assignment.splits.values())


def _make_shards(
    asked: Extraction, folder: Path, ids: list[str], console: Console | None
) -> dict[str, str]:
    """Work on the videos that have no shard yet; those that cannot be used, and why."""
    alone = asked.engine.jobs == 1 and asked.engine.name != "ray"
    threads = 0 if alone else max(1, (os.cpu_count() or 1) // (asked.engine.jobs or 1))
    files = asked.videos.files
    tasks = [
        Task(video, files[video], folder, asked.settings, threads)
        for video in ids
        if not is_done(folder, video, files[video])
    ]
    skipped: dict[str, str] = {}
    silent = 0
    outcomes = run_all(work, tasks, asked.engine)
    for outcome in outcomes_bar(outcomes, "extracting videos", len(tasks)):
        if isinstance(outcome.result, Stop):
            raise FrameSelectError(outcome.result.reason)
        if outcome.error and asked.strict:
            raise FrameSelectError(f"{outcome.error} (--strict)")
        if outcome.error:
            skipped[outcome.task.video] = outcome.error
        silent += outcome.result == SILENT
    if silent and console:
        console.print(f"[yellow]note:[/] {silent} videos have no sound track: theirs is silence")
    return skipped


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
