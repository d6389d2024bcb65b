"""Extraction: every video to a shard, then all shards to one cache."""

import dataclasses
import errno
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import torch
from joblib import cpu_count
from rich.markup import escape

from data.backbones import LOG_MEL, Backbone
from data.engine import Engine, Outcome, WorkerKilledError, outcomes_bar, run_all, run_apart
from data.extraction import shards
from data.extraction.one_video import extract_video
from data.extraction.recorded import record_extraction
from data.extraction.settings import Extraction, Settings
from data.head.folds import check_training, crossfit_notes
from data.sources.importing import check_out, import_source
from data.sources.source import Source, assigned_source, check_videos
from data.video.sound import SILENCE
from frame_select_env.cache import FeatureCache
from frame_select_env.errors import FrameSelectError
from frame_select_env.storage import exclusive, remove_left_over
from frame_select_env.wording import counted

# Write errors that the next video would encounter too.
FATAL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES)
AUDIBLE = 0.05  # of log-mel above silence: more than rounding to float16
SILENT = "silent"  # the result for a video without sound, if sound is requested


@dataclass(frozen=True)
class Task:
    """One video to be made into a shard in `folder`."""

    video: str  # its id
    path: Path
    folder: Path
    settings: Settings
    threads: int = 0  # of the networks and of decoding; 0: one per CPU


@dataclass(frozen=True)
class Stop:
    """Why the whole extraction must stop, in one line."""

    reason: str


def extract(asked: Extraction) -> dict[str, str]:
    """Extract the features of a folder of videos, write a cache, and return why videos are skipped.

    Raises FrameSelectError if nothing can be extracted or written, or on an unusable video with
    `strict`, and KeyboardInterrupt with the number of finished shards, which are kept for `resume`.
    """
    folder = shards.shards_folder(asked.out)
    if asked.resume and asked.out.is_file() and not folder.is_dir():
        remove_left_over(asked.out.parent, asked.out.name)  # of shards that were being removed
        complete = "is complete; to extract it again, give --overwrite instead of --resume"
        raise FrameSelectError(f"{asked.out}: {complete}")
    check_out(asked.out, asked.overwrite or asked.resume)
    splits = asked.assignment.splits.values()
    rows = [row for row in range(len(asked.videos.files)) if any(split[row] for split in splits)]
    if not rows:
        raise FrameSelectError(f"{asked.videos.folder}: no video is in a split")
    # Unless every network might make the predictions itself, heads must be trained for labels.
    classify = asked.settings.classes and all(s.may_classify() for s in asked.settings.streams)
    if asked.assignment.outputs and not classify:
        check_training(_without_frames(asked, rows), asked.crossfit)
    ids = list(asked.videos.files)
    with exclusive(folder):
        shards.open_shards(folder, asked.settings.record(), asked.resume)
        try:
            skipped = _make_shards(asked, folder, [ids[row] for row in rows])
            kept = [row for row in rows if ids[row] not in skipped]
            if not kept:
                reason = next(iter(skipped.values()))
                raise FrameSelectError(f"{asked.videos.folder}: no video can be used: {reason}")
            _merge(asked, folder, kept, skipped)
        except FrameSelectError as error:
            if not (done := shards.count_shards(folder)):
                shutil.rmtree(folder, ignore_errors=True)
                raise
            saved = f"{counted(done, 'finished video')} kept in {folder}"
            rerun = f"{saved}; rerun with --resume to continue"
            raise FrameSelectError(f"{error} ({rerun})") from None
        except KeyboardInterrupt:
            done = shards.count_shards(folder)
            rerun = f"{counted(done, 'video')} done; rerun with --resume to continue"
            raise KeyboardInterrupt(rerun) from None
        if not asked.keep_shards:
            shards.remove_shards(folder)
    return skipped


def _make_shards(asked: Extraction, folder: Path, ids: list[str]) -> dict[str, str]:
    """Process the videos without a shard; return the unusable ones and why."""
    threads = 0 if _is_alone(asked.engine) else max(1, cpu_count() // (asked.engine.jobs or 1))
    files = asked.videos.files
    tasks = [
        Task(video, files[video], folder, asked.settings, threads)
        for video in ids
        if not shards.is_done(folder, video, files[video])
    ]
    skipped: dict[str, str] = {}
    silent = 0
    outcomes = _outcomes(tasks, asked.engine)
    for outcome in outcomes_bar(outcomes, "extracting videos", len(tasks)):
        if isinstance(outcome.result, Stop):
            raise FrameSelectError(outcome.result.reason)
        if outcome.error:
            file = str(outcome.task.path)
            # Errors from the user's own function do not name the video.
            reason = outcome.error if file in outcome.error else f"{file}: {outcome.error}"
            if asked.strict:
                raise FrameSelectError(f"{reason} (--strict)")
            skipped[outcome.task.video] = reason
        silent += outcome.result == SILENT
    if 0 < silent < len(tasks) and asked.console:
        count = f"{silent} of {len(tasks)} videos"
        asked.console.print(f"[yellow]note:[/] {count} have no sound track; silence is used")
    return skipped


def _outcomes(tasks: list[Task], engine: Engine) -> Iterator[Outcome]:
    """Build the networks, then make all shards one by one; a decoder that crashes costs one video.

    Raises:
        FrameSelectError: if the networks cannot be built; no video was touched.
    """
    if not tasks:
        return iter(())
    settings, alone = tasks[0].settings, _is_alone(engine)
    if engine.name == "ray":  # whose nodes may have GPUs that this machine has not
        settings = dataclasses.replace(settings, device="cpu")
    outcomes = run_apart(build_or_work, [settings, *(tasks if alone else [])])
    if error := next(outcomes).error:
        outcomes.close()
        raise FrameSelectError(error)
    if alone:
        return outcomes
    outcomes.close()
    return _outcomes_of_workers(tasks, engine)


def _is_alone(engine: Engine) -> bool:
    """Whether videos are worked on one at a time."""
    return engine.jobs == 1 and engine.name != "ray"


def _outcomes_of_workers(tasks: list[Task], engine: Engine) -> Iterator[Outcome]:
    """Make all shards, several at a time.

    Videos that were in work when a process died are tried again, one at a time in another process,
    and given up if that dies too.
    """
    left = {task.video: task for task in tasks}
    while left:
        marked = [one for one in left.values() if shards.was_in_work(one.folder, one.video)]
        for outcome in run_apart(work, marked):
            del left[outcome.task.video]
            yield outcome
        try:
            for outcome in run_all(work, list(left.values()), engine):
                del left[outcome.task.video]
                yield outcome
        except WorkerKilledError:
            if not any(shards.was_in_work(task.folder, task.video) for task in left.values()):
                raise


def build_or_work(item: Settings | Task) -> Stop | str:
    """Build the networks of the settings, or work on a video, in a process that keeps them."""
    if isinstance(item, Settings):
        _backbones(item)
        return ""
    return work(item)


def work(task: Task) -> Stop | str:
    """Make one video's shard, in a process of this or another machine; return `SILENT` or "".

    Raises VideoError if this video cannot be used; others may be.
    """
    if task.threads:
        torch.set_num_threads(task.threads)
    try:
        backbones = _backbones(task.settings)
    except FrameSelectError as error:
        return Stop(str(error))
    with shards.in_work(task.folder, task.video):
        # Taken first: if the file changes meanwhile, it is read again.
        made_from = shards.identity(task.path)
        try:
            arrays, silent = extract_video(task.path, task.settings, backbones, task.threads)
        except torch.cuda.OutOfMemoryError:
            batch = f"--batch {task.settings.batch}"
            return Stop(f"{batch}: the GPU ran out of memory; use a smaller one")
        except torch.AcceleratorError as error:
            # This process can no longer use the GPU: it would skip all following videos.
            return Stop(f"--device {task.settings.device}: {str(error).splitlines()[0]}")
        try:
            weights = {stream: backbone.digest for stream, backbone in backbones.items()}
            shards.write_shard(task.folder, task.video, made_from, arrays, weights)
        except OSError as error:
            if error.errno not in FATAL:
                raise
            remedy = "free some space and rerun with --resume"
            return Stop(f"{task.folder}: cannot be written: {error.strerror}; {remedy}")
    return SILENT if silent else ""


@lru_cache(maxsize=1)
def _backbones(settings: Settings) -> dict[str, Backbone]:
    """The networks by stream, built once per process."""
    return settings.build()


def _merge(asked: Extraction, folder: Path, kept: list[int], skipped: dict[str, str]) -> None:
    """Train the heads on the shards of the videos at the indices `kept`, and write the cache."""
    source, settings = shards_source(asked, folder, kept), asked.settings
    if asked.console:
        notes = _prediction_notes(asked, source) if asked.assignment.outputs else []
        for note in [*notes, *crossfit_notes(source, asked.crossfit)]:
            asked.console.print(f"[yellow]note:[/] {escape(note)}")
    # What readers of the cache should know, without any path of this machine.
    provenance = record_extraction(settings, shards.read_weights(folder, str(source.ids[0])))
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
    if asked.console:
        for stream in _silent_streams(asked):
            asked.console.print(
                f"[yellow]warning:[/] stream {stream}: no video has any sound: its features are "
                "the same everywhere"
            )


def _prediction_notes(asked: Extraction, source: Source) -> list[str]:
    """Who predicts the frames of a stream whose network might, in a line each."""
    return [
        f"stream {spec.stream}: predictions by the network's own classifier"
        if spec.stream in source.predictions
        else f"stream {spec.stream}: predictions by a linear head: the network does not classify "
        f"into these {len(source.outputs)} classes, or --predictions head was given"
        for spec in asked.settings.streams
        if spec.brings_classes() or spec.stream in source.predictions
    ]


def _silent_streams(asked: Extraction) -> list[str]:
    """The streams of sound in the written cache that hold nothing but silence."""
    cache = FeatureCache(asked.out)
    sound = [spec.stream for spec in asked.settings.streams if spec.backbone == LOG_MEL]
    return [one for one in sound if cache.features_extent(one).max < SILENCE + AUDIBLE]


def shards_source(asked: Extraction, folder: Path, kept: list[int]) -> Source:
    """The videos with shards, to be read one at a time."""
    source, settings = _without_frames(asked, kept), asked.settings
    ids = source.ids.tolist()

    def read(name: str, row: int) -> np.ndarray:
        return shards.read_array(folder, ids[row], name)

    readers = {name: partial(read, name) for name in shards.array_names(folder, ids[0])}
    # In the order of --backbone: agents use the first stream by default.
    streams = [spec.stream for spec in settings.streams]
    return check_videos(
        dataclasses.replace(
            source,
            lengths=np.array([len(readers["time"](row)) for row in range(len(ids))], np.int64),
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
