"""The work on one video, as engines hand it to a process of this machine or of another."""

import errno
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch

from data.backbones import LOG_MEL, Backbone, build_backbone
from data.backbones.runtime import Runtime
from data.extraction.one_video import extract_video
from data.extraction.settings import Settings
from data.extraction.shards import identity, write_shard
from frame_select_env.errors import FrameSelectError

# Errors of writing that the next video would meet too.
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES)


@dataclass(frozen=True)
class Task:
    """One video to be made into a shard.

    Attributes:
        video: Its id.
        path: Its file.
        folder: Where shards go.
        settings: What is made of it.
        threads: Of the networks and of decoding; 0: as many as there are CPUs.
    """

    video: str
    path: Path
    folder: Path
    settings: Settings
    threads: int = 0


@dataclass(frozen=True)
class Stop:
    """Why no other video needs to be tried, in one line."""

    reason: str


SILENT = "silent"  # the result for a video without a sound track, where sound is asked for


def work(task: Task) -> Stop | str:
    """Make one video's shard.

    Returns:
        `SILENT` or nothing; or why the whole extraction cannot go on.

    Raises:
        VideoError: if this video cannot be used; others may.
    """
    if task.threads:
        torch.set_num_threads(task.threads)
    try:
        backbones = _backbones(task.settings)
    except FrameSelectError as error:
        return Stop(str(error))
    made_from = identity(task.path)  # a file that changes while it is read is read again
    try:
        arrays, silent = extract_video(task.path, task.settings, backbones, task.threads)
    except torch.cuda.OutOfMemoryError:
        return Stop(f"--batch {task.settings.batch}: the GPU's memory is too small; give less")
    except torch.AcceleratorError as error:
        # This process can use the GPU no more: all videos that follow would be skipped.
        return Stop(f"--device {task.settings.device}: {str(error).splitlines()[0]}")
    try:
        write_shard(task.folder, task.video, made_from, arrays)
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        return Stop(f"{task.folder}: cannot be written: {error.strerror}; make room and --resume")
    return SILENT if silent else ""


@lru_cache(maxsize=1)
def _backbones(settings: Settings) -> dict[str, Backbone]:
    """The networks, built once a process."""
    runtime = Runtime(settings.device, settings.views, settings.seed)
    runtime.check()
    return {
        specification.stream: build_backbone(specification, runtime)
        for specification in settings.streams
        if specification.backbone != LOG_MEL
    }
