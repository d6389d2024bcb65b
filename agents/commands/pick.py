"""frame-select pick: frames of new videos by a trained agent."""

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Annotated, Any

import tyro
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from agents.commands.options import fail_if_any, print_line, set_threads
from agents.picking.files import (
    CSV,
    JSON,
    VERSION,
    frame_rows,
    output_columns,
    read_finished,
    write_selection,
    write_tables,
)
from agents.picking.selector import Selector
from agents.training.run_folder import MODEL
from data.commands.console import metavar, parse
from data.engine import Outcome, outcomes_bar, run_apart
from data.extraction.shards import identity
from data.video.files import find_videos
from frame_select_env import FrameSelectError
from frame_select_env.cache import file_digest
from frame_select_env.storage import LOCK, exclusive, visible
from frame_select_env.wording import counted


@dataclass(frozen=True)
class PickArguments:
    """Pick frames of new videos by a trained agent, and write them as pictures and tables.

    Of a video OUT gets 000.png, 001.png, ... in the order of time and the video's resolution,
    frames.json and frames.csv; of a folder's videos, found recursively, each gets a folder of its
    own in OUT, and the tables there are of all videos. If the command was interrupted, rerun it:
    finished videos are skipped.
    """

    #: Run folder of an agent that was trained on a cache made by extract.
    run: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
    #: A video, or a folder of videos with any layout.
    videos: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="VIDEO_OR_FOLDER")]
    #: The folder to write.
    out: Annotated[Path, tyro.conf.arg(metavar="OUT")]
    #: m: number of frames to pick of each video. Default: the number the agent was trained for.
    frames: Annotated[int | None, metavar("M")] = None
    #: Pick again what is in OUT already.
    overwrite: bool = False
    #: Files of weights, and folders of Hugging Face models, that the backbones of the run need. By
    #: default they are looked for by their names in the run folder and the current folder.
    weights: Annotated[tuple[Path, ...], metavar("FILE ...")] = ()
    #: Device of the backbones: cpu, cuda, cuda:1. On a GPU they run in half precision.
    device: str = "cpu"
    #: Import the modules outside this project that the run names (backbones, agents of others).
    trust_code: bool = False
    #: Number of PyTorch threads. Default: one per CPU.
    threads: Annotated[int | None, metavar("N")] = None


@dataclass(frozen=True)
class Job:
    """A video to pick frames of."""

    name: str  # in the tables
    path: Path
    folder: Path  # to write
    asked: dict[str, Any]  # what decides the result, but for the content of the file


def pick(arguments: list[str]) -> None:
    """Run the command."""
    options = parse(PickArguments, "pick", arguments)
    selector = _selector(options)
    asked = {
        "frames": selector.check_frames(options.frames),
        "run": file_digest(selector.folder / MODEL),
    }
    several = options.videos.is_dir()
    jobs, unusable = _jobs(options.videos, options.out, asked)
    if not options.overwrite:
        _check_out(options.out, several)
    left = [job for job in jobs if options.overwrite or not _is_done(job)]
    with closing(_outcomes(options, left)) as outcomes, exclusive(options.out):
        try:
            failed = _failures(outcomes, len(left), len(jobs) - len(left))
            entries = [_placed(job, options.out) for job in jobs if job.path not in failed]
            if several:
                write_tables(options.out, {"version": VERSION, "videos": entries}, entries)
        except KeyboardInterrupt:
            raise KeyboardInterrupt("rerun the command; finished videos are skipped") from None
    if entries and not several:
        _print_frames(entries[0])
    if entries:
        frames = counted(sum(len(entry["files"]) for entry in entries), "frame")
        which = counted(len(entries), "video") if several else entries[0]["video"]
        print_line(f"{frames} of {which} in {options.out}: PNG files, {CSV}, {JSON}")
    fail_if_any("pick", [*failed.values(), *unusable])


@lru_cache(maxsize=1)
def _selector(options: PickArguments) -> Selector:
    """The trained agent, loaded once in each process."""
    if options.threads is not None:
        set_threads(options.threads)
    return Selector.load(options.run, options.weights, options.device, options.trust_code)


def _jobs(videos: Path, out: Path, asked: dict[str, Any]) -> tuple[list[Job], list[str]]:
    """A job for each video, and a line for each that cannot have one."""
    if videos.is_dir():
        found = find_videos(videos)
        jobs = [
            Job(path.relative_to(videos).as_posix(), path, out / name, asked)
            for name, path in found.files.items()
        ]
        return jobs, found.unusable
    if not videos.exists():
        raise FrameSelectError(f"{videos}: no such file or folder")
    return [Job(videos.name, videos, out, asked)], []


def _outcomes(options: PickArguments, jobs: list[Job]) -> Generator[Outcome]:
    """Pick the frames of the videos in another process: a decoder that crashes costs one video.

    Raises:
        FrameSelectError: if the networks cannot be built; nothing is written yet.
    """
    outcomes = run_apart(partial(_work, options), [None, *jobs] if jobs else [])
    if jobs and (ready := next(outcomes)).error:
        outcomes.close()
        raise FrameSelectError(ready.error)
    return outcomes


def _work(options: PickArguments, job: Job | None) -> None:
    """Pick the frames of one video; without one only build the networks."""
    selector = _selector(options)
    if job is None:
        _ = selector.extraction
        return
    asked = _asked(job)  # taken first: if the file changes meanwhile, it is read again
    selection = selector.pick(job.path, job.asked["frames"])
    outputs = output_columns(selection.predictions, selector.classes, selector.kind)
    write_selection(job.folder, job.name, selection, outputs, asked)


def _failures(outcomes: Generator[Outcome], videos: int, before: int) -> dict[Path, str]:
    """Wait for all videos while showing progress; returns why some failed, by file."""
    if before:
        print_line(f"{counted(before, 'finished video')} skipped")
    failed = {}
    for outcome in outcomes_bar(outcomes, "picking frames", videos):
        if outcome.error:
            # Errors from a function of the user's own do not name the video.
            path, reason = outcome.task.path, outcome.error
            failed[path] = reason if str(path) in reason else f"{path}: {reason}"
    return failed


def _asked(job: Job) -> dict[str, Any]:
    """What decides a video's result."""
    return {**job.asked, "file": identity(job.path)}


def _is_done(job: Job) -> bool:
    """Whether the video's frames are there, picked from the file as it is now.

    Raises:
        FrameSelectError: if others are there, picked by another run or another number of them.
    """
    entry = read_finished(job.folder)
    if entry is None:
        return False
    if {name: entry["asked"].get(name) for name in job.asked} != job.asked:
        raise FrameSelectError(
            f"{job.folder}: holds {counted(entry['asked'].get('frames', 0), 'frame')} of "
            f"{entry['video']}, or those picked by another run; add --overwrite or choose another "
            "--out"
        )
    return entry["asked"] == _asked(job)


def _placed(job: Job, out: Path) -> dict[str, Any]:
    """The content of a video's frames.json, its files named from the folder `out`."""
    entry = read_finished(job.folder)
    assert entry is not None
    below = job.folder.relative_to(out)
    return {**entry, "files": [(below / name).as_posix() for name in entry["files"]]}


def _print_frames(entry: dict[str, Any]) -> None:
    """Print the frames of a video, and when they are shown, as players count: minutes:seconds."""
    table = Table(title=escape(entry["video"]), title_justify="left")
    for row in frame_rows(entry):
        minutes, seconds = divmod(row.pop("seconds"), 60)
        shown = {"file": row.pop("file"), "time": f"{int(minutes)}:{seconds:06.3f}", **row}
        del shown["video"]
        if not table.columns:
            for name in shown:
                table.add_column(escape(name), justify="right")
        cells = [f"{one:.3f}" if isinstance(one, float) else str(one) for one in shown.values()]
        table.add_row(*map(escape, cells))
    Console().print(table)


def _check_out(out: Path, several: bool) -> None:
    """Refuse a folder of other things, whose pictures might be replaced.

    Raises:
        FrameSelectError: naming it.
    """
    if not out.exists():
        return
    remedy = "choose another --out, or add --overwrite"
    if not out.is_dir() or (visible(out) and not any((out / one).exists() for one in (JSON, LOCK))):
        raise FrameSelectError(f"{out}: is not an empty folder; {remedy}")
    found = read_finished(out)
    if found is not None and ("videos" in found) != several:
        holds = "a folder of videos" if "videos" in found else "a single video"
        raise FrameSelectError(f"{out}: holds frames of {holds}; {remedy}")
