"""frame-select extract: make a cache from videos."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import tyro
from rich.markup import escape
from rich.table import Column, Table

from data.backbones import parse_specification
from data.commands.console import metavar, parse, progress_console
from data.commands.inspect import print_written
from data.corpora.assignment import Assignment
from data.corpora.folder_layout import ClassFolders
from data.corpora.read import read_corpus, split_file_name
from data.engine import Engine
from data.extraction.pipeline import extract as run_extraction
from data.extraction.settings import Extraction, Settings
from data.head.crossfit import Crossfit
from data.video.files import find_videos, ignored_note
from data.video.timeline import Sampling
from frame_select_env.errors import FrameSelectError
from frame_select_env.wording import counted


@dataclass(frozen=True)
class ExtractArguments:
    """Make a cache from videos: decode, run backbones, train the head, write.

    A backbone has the form [STREAM=]NAME[@key=value,...]; several backbones make several streams in
    one pass over each video. NAME is a torchvision image model (resnet50, vit_b_16, ...: single
    frames), a torchvision video model (swin3d_t, r3d_18, mvit_v2_s, ...: a clip around each sampled
    frame), flow:IMAGE_MODEL (five stacked optical flows by RAFT), hf:MODEL (a Hugging Face video
    model), onnx:FILE (an exported model), log-mel (the sound), or module:function (your own, from
    frames [B, h, w, 3] uint8 to features [B, D]). Keys: weights, size, clip_frames, clip_fps;
    output (logits: the features are the scores of the network's classes); raft, raft_weights
    (flow); bands, seconds (log-mel).

    Weights are downloaded by their torchvision name, or read from a .safetensors FILE. The
    predictions come from the network itself if its weights are a FILE, it is hf:FOLDER, or it is a
    function or an ONNX model that gives logits, and if its outputs are your classes in the same
    order; otherwise a cross-fitted linear head makes them. Classes are in the order that inspect
    prints: alphabetical, for UCF101 as in classInd.txt, and numeric labels of a CSV by value.

    Finished videos are kept in OUT.h5.shards until the cache is written.
    """

    #: A folder of class folders of videos; with a CSV, a folder with any layout. Of a folder
    #: without class folders, or a single video, the labels are unknown.
    videos: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="VIDEOS")]
    #: The cache file to write.
    out: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="OUT.h5")]
    #: One or several backbones that compute the features.
    backbone: Annotated[tuple[str, ...], tyro.conf.arg(metavar="[STREAM=]NAME[@key=value,...] ...")]
    #: Weights of backbones without their own weights key: DEFAULT (torchvision's best), another
    #: torchvision name (KINETICS400_V1), a FILE.safetensors, or none (random).
    weights: Annotated[str | None, metavar("NAME|FILE|none")] = None
    #: Defines the split: a CSV with columns video (path below VIDEOS) and split, optionally label
    #: or target.NAME, group and split.FOLD; or official splits: hmdb51:DIR, ucf101:DIR,
    #: ekman6[:DIR], videoemotion8[:DIR], hume-reaction:FILE_OR_DIR; see import --help. Default:
    #: random, a third of each class for testing; of three groups or more, whole ones.
    split_file: Annotated[str | None, metavar("CSV|CORPUS[:DIR]|random")] = None
    #: Which folders are the classes: first (the top level), second (the first is then the group),
    #: or none (labels unknown). auto: first, unless the second-level folders repeat, as in
    #: spk1/golf and spk2/golf.
    class_folders: ClassFolders = "auto"
    #: Sample T evenly spaced frames from every video; all frames of shorter ones. Default: 25.
    num_frames: Annotated[int | None, metavar("T")] = None
    #: Sample frames at this rate per second instead.
    fps: Annotated[float | None, metavar("RATE")] = None
    #: Sample every N-th frame instead, from the first.
    every: Annotated[int | None, metavar("N")] = None
    #: 10: use four corners, the centre, and their mirror images, as the view axis.
    views: Literal[1, 10] = 1
    #: auto: as described above. head: always use the linear head.
    predictions: Literal["auto", "head"] = "auto"
    #: How the head predicts training videos; see import --help.
    crossfit: Annotated[Crossfit, tyro.conf.arg(metavar="video|group|none")] = "video"
    #: Train the head on at most this many frames per video; 0: all.
    head_frames: Annotated[int, tyro.conf.arg(metavar="N")] = 64
    #: Device of the networks: cpu, cuda, cuda:1. On a GPU they run in half precision.
    device: str = "cpu"
    #: Number of clips per forward pass.
    batch: int = 8
    #: Data type of the stored features.
    dtype: Literal["float16", "float32"] = "float16"
    #: Side of each frame's square thumbnail in the cache, in pixels; 0: no thumbnails.
    thumbnail: Annotated[int, tyro.conf.arg(metavar="PIXELS")] = 48
    #: Number of videos processed at once; they share the CPUs.
    workers: int = 1
    #: Where workers run: joblib (this machine) or ray.
    engine: Literal["joblib", "ray"] = "joblib"
    #: Address of a Ray cluster. Default: start Ray on this machine.
    ray_address: Annotated[str, metavar("HOST:PORT")] = ""
    #: Replace OUT.h5 if it exists.
    overwrite: bool = False
    #: Continue an interrupted extraction with the same arguments.
    resume: bool = False
    #: Keep OUT.h5.shards after writing the cache. If videos are added or repaired, the same command
    #: with --resume then extracts only these.
    keep_shards: bool = False
    #: Stop at the first missing or unusable video instead of skipping it.
    strict: bool = False
    #: Seed of random splits, random weights and cross-fitting.
    seed: int = 0


@np.errstate(over="ignore")  # what is too large for float32 becomes inf, which is refused
def extract(arguments: list[str]) -> None:
    """Run the command."""
    asked = parse(ExtractArguments, "extract", arguments)
    if not asked.backbone:
        raise FrameSelectError("--backbone is empty; give VIDEOS OUT.h5 before --backbone NAME")
    given = [asked.num_frames is not None, bool(asked.fps), asked.every is not None]
    if sum(given) > 1:
        options = ("--num-frames", "--fps", "--every")
        both = " and ".join(
            option for option, is_given in zip(options, given, strict=True) if is_given
        )
        raise FrameSelectError(f"{both} cannot be combined; give one of them")
    least = {
        "num-frames": 1,
        "fps": 0,
        "every": 1,
        "head-frames": 0,
        "batch": 1,
        "thumbnail": 0,
        "workers": 1,
    }
    least |= {"seed": 0}
    for flag, smallest in least.items():
        value = getattr(asked, flag.replace("-", "_"))
        if value is not None and not smallest <= value < math.inf:
            raise FrameSelectError(f"--{flag} {value}: must be a number of at least {smallest}")
    console = progress_console()
    split_file = Path(asked.split_file) if asked.split_file else None
    videos = find_videos(asked.videos, split_file)
    ids = list(videos.files)
    assignment = read_corpus(asked.split_file, asked.videos, ids, asked.seed, asked.class_folders)
    if assignment.missing and not any(map(any, assignment.splits.values())):
        raise FrameSelectError(
            f"{assignment.missing[0]}, and neither has any other listed video; use paths below the "
            "folder, CLASS/VIDEO"
        )
    absent = [*videos.unusable, *assignment.missing]
    if absent and asked.strict:
        more = f" (and {len(absent) - 1} more)" if len(absent) > 1 else ""
        raise FrameSelectError(f"{absent[0]}{more} (--strict)")
    for note in filter(None, [ignored_note(videos), *assignment.notes]):
        console.print(f"[yellow]note:[/] {escape(note)}")
    skipped = run_extraction(
        Extraction(
            videos,
            assignment,
            _settings(asked, assignment),
            asked.out,
            engine=Engine(asked.engine, asked.workers, asked.ray_address, asked.device != "cpu"),
            overwrite=asked.overwrite,
            resume=asked.resume,
            keep_shards=asked.keep_shards,
            strict=asked.strict,
            crossfit=asked.crossfit,
            head_frames=asked.head_frames,
            split_file=split_file_name(asked.split_file),
            console=console,
        )
    )
    if reasons := [*absent, *skipped.values()]:
        column = Column("not in the cache", overflow="fold")  # never truncate a path
        table = Table(column, title=counted(len(reasons), "video"), title_style="yellow")
        for reason in reasons:
            table.add_row(escape(reason))
        console.print(table)
    print_written(asked.out)


def _settings(asked: ExtractArguments, assignment: Assignment) -> Settings:
    only = len(asked.backbone) == 1
    streams = tuple(parse_specification(text, asked.weights, only) for text in asked.backbone)
    names = [specification.stream for specification in streams]
    for name in names:
        if names.count(name) > 1:
            duplicated = f"the stream name {name!r} is duplicated"
            raise FrameSelectError(f"--backbone: {duplicated}; name the streams: STREAM=BACKBONE")
    own_predictions = asked.predictions == "auto" and assignment.targets is None
    return Settings(
        streams,
        Sampling(asked.num_frames or 25, asked.fps or 0.0, asked.every or 0),
        views=asked.views,
        device=asked.device,
        batch=asked.batch,
        thumbnail=asked.thumbnail,
        dtype=asked.dtype,
        classes=len(assignment.outputs) if own_predictions else 0,
        seed=asked.seed,
    )
