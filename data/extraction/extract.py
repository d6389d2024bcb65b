"""Extraction: every video to a shard, then all shards to one cache."""

import os
from pathlib import Path
from typing import Any

from rich.console import Console

from data.corpora import Assignment
from data.engines import run_all
from data.engines.progress import outcomes_bar
from data.extraction.extraction import Extraction
from data.extraction.merge import check_before, merge
from data.extraction.shards import (
    alone_in,
    count_shards,
    is_done,
    open_shards,
    remove_shards,
    shards_folder,
)
from data.extraction.work import SILENT, Stop, Task, work
from data.importing import check_out
from frame_select_env.errors import FrameSelectError


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
    if not listed:
        raise FrameSelectError(f"{asked.videos.folder}: no video stands in a split")
    check_before(asked, listed)
    if asked.resume and asked.out.is_file() and not count_shards(folder):
        raise FrameSelectError(
            f"{asked.out}: is complete and has no shards to resume; leave --resume away to make it "
            "anew"
        )
    with alone_in(folder):
        open_shards(folder, asked.settings.record(), asked.resume)
        try:
            skipped = _to_cache(asked, folder, listed, provenance or {}, console)
        except FrameSelectError as error:
            if not (done := count_shards(folder)):
                remove_shards(folder)
                raise
            raise FrameSelectError(
                f"{error} ({done} videos are done and kept in {folder}; --resume goes on with them)"
            ) from None
        except KeyboardInterrupt:
            so_far = f"{count_shards(folder)} videos are done"
            raise KeyboardInterrupt(f"{so_far}; the same command with --resume goes on") from None
        if not asked.keep_shards:
            remove_shards(folder)
    return skipped


def _to_cache(
    asked: Extraction,
    folder: Path,
    listed: list[int],
    provenance: dict[str, Any],
    console: Console | None,
) -> dict[str, str]:
    """Make all shards, then the cache; the videos that were skipped, and why."""
    ids = list(asked.videos.files)
    skipped = _make_shards(asked, folder, [ids[row] for row in listed], console)
    kept = [row for row in listed if ids[row] not in skipped]
    if not kept:
        reason = next(iter(skipped.values()))
        raise FrameSelectError(f"{asked.videos.folder}: no video can be used: {reason}")
    told = {**provenance, **({"skipped": sorted(skipped)} if skipped else {})}
    merge(asked, folder, kept, told, console)
    return skipped


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
        if outcome.error:
            file = str(outcome.task.path)
            # What is raised by a function of the user's does not name the video.
            reason = outcome.error if file in outcome.error else f"{file}: {outcome.error}"
            if asked.strict:
                raise FrameSelectError(f"{reason} (--strict)")
            skipped[outcome.task.video] = reason
        silent += outcome.result == SILENT
    if silent and console:
        which = f"{silent} of {len(tasks)} videos"
        console.print(f"[yellow]note:[/] {which} have no sound track: theirs is silence")
    return skipped
