"""frame-select extract: from a folder of videos to a cache."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro
from rich.markup import escape
from rich.table import Column, Table

from data.backbones import Specification, parse_specification
from data.console import parse, print_written, progress_console
from data.corpora import FORMS, Assignment, read_corpus, split_file_name
from data.engines import Engine
from data.extraction import Extraction, Settings, extract
from data.head import Crossfit
from data.video.files import find_videos
from data.video.sampling import Sampling
from frame_select_env.errors import FrameSelectError


@dataclass(frozen=True)
class ExtractArguments:
    """Make a cache of videos: decode, run backbones, train the head, write.

    A backbone is written [STREAM=]NAME[@key=value,...]; several make several streams, in one pass
    over each video. NAME is a torchvision image model (resnet50, vit_b_16, ...: one frame), a
    torchvision video model (swin3d_t, r3d_18, mvit_v2_s, ...: a clip around each sampled frame),
    flow:IMAGE_MODEL (five stacked optical flows by RAFT), hf:MODEL (a video model of Hugging Face),
    log-mel (the sound), or module:function (your own, from frames [B, h, w, 3] uint8 to features
    [B, D]). Keys: weights, size, clip_frames, clip_fps; raft, raft_weights (flow); bands, seconds
    (log-mel).

    Weights are fetched by torchvision's name, or read from a .safetensors FILE. A network from a
    FILE or of hf:FOLDER, or a function that gives logits, with as many outputs as there are classes
    and in their order, makes the predictions itself; for all others a cross-fitted linear head
    does. The order is the one that inspect prints: of the alphabet; of UCF101's classInd.txt;
    labels of a CSV that are numbers by their value.

    Every video is kept in OUT.h5.shards as soon as it is done, until the cache is written.
    """

    #: A folder of class folders of videos; with a CSV, of any layout.
    videos: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="VIDEOS")]
    #: The cache file to write.
    out: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="OUT.h5")]
    #: What makes the features, one or several.
    backbone: Annotated[tuple[str, ...], tyro.conf.arg(metavar="[STREAM=]NAME[@key=value,...] ...")]
    #: Of backbones that name none of their own: DEFAULT (torchvision's best), another of
    #: torchvision's names (KINETICS400_V1), a FILE.safetensors, or none (random).
    weights: Annotated[
        str | None, tyro.conf.arg(metavar="NAME|FILE|none", help_behavior_hint="")
    ] = None
    #: Who trains and who tests: a CSV with the columns video (path below VIDEOS) and split,
    #: optionally label or target.NAME, group and split.FOLD; or the official splits of a corpus.
    #: Without it, a random third of each class tests.
    split_file: Annotated[str | None, tyro.conf.arg(metavar=FORMS, help_behavior_hint="")] = None
    #: T frames of every video, evenly spaced, all where it has fewer; 25 without --fps.
    num_frames: Annotated[int | None, tyro.conf.arg(metavar="T", help_behavior_hint="")] = None
    #: Instead: all frames at this rate a second.
    fps: Annotated[float, tyro.conf.arg(metavar="RATE")] = 0.0
    #: 10: four corners, the centre, and their mirror images, as the view axis.
    views: Literal[1, 10] = 1
    #: auto: as said above. head: always by the linear head.
    predictions: Literal["auto", "head"] = "auto"
    #: How the head predicts training videos; see import --help.
    crossfit: Annotated[Crossfit, tyro.conf.arg(metavar="video|group|none")] = "video"
    #: Train the head on at most this many frames of a video; 0: on all.
    head_frames: Annotated[int, tyro.conf.arg(metavar="N")] = 64
    #: Where networks run: cpu, cuda, cuda:1. On a GPU they run in half precision.
    device: str = "cpu"
    #: Clips a network sees at a time.
    batch: int = 8
    #: How features are stored.
    dtype: Literal["float16", "float32"] = "float16"
    #: Pixels of the side of each frame's small square picture in the cache; 0: none.
    thumbnail: Annotated[int, tyro.conf.arg(metavar="PIXELS")] = 48
    #: Videos worked on at a time, each with its share of the CPUs.
    workers: int = 1
    #: Where: joblib (this machine) or ray.
    engine: Literal["joblib", "ray"] = "joblib"
    #: Of a Ray cluster; without it, Ray on this machine.
    ray_address: Annotated[str, tyro.conf.arg(metavar="HOST:PORT", help_behavior_hint="")] = ""
    #: Go on where an extraction with the same arguments was interrupted.
    resume: bool = False
    #: Keep OUT.h5.shards when the cache is written: after videos were added or repaired, the same
    #: command with --resume extracts these alone.
    keep_shards: bool = False
    #: Stop at the first video that is absent or cannot be used, instead of skipping it.
    strict: bool = False
    #: Draws random splits, random weights and the parts of cross-fitting.
    seed: int = 0


def extract_features(arguments: list[str]) -> None:
    """The command."""
    asked = parse(ExtractArguments, "extract", arguments)
    _check(asked)
    console = progress_console()
    videos = find_videos(asked.videos)
    assignment = read_corpus(asked.split_file, asked.videos, list(videos.files), asked.seed)
    if assignment.missing and not any(map(any, assignment.splits.values())):
        raise FrameSelectError(
            f"{assignment.missing[0]}, nor has any other video that is listed; give paths below "
            "the folder, CLASS/VIDEO"
        )
    absent = [*videos.unusable, *assignment.missing]
    if absent and asked.strict:
        more = f" (and {len(absent) - 1} more)" if len(absent) > 1 else ""
        raise FrameSelectError(f"{absent[0]}{more} (--strict)")
    for note in assignment.notes:
        console.print(f"[yellow]note:[/] {escape(note)}")
    skipped = extract(
        Extraction(
            videos,
            assignment,
            _settings(asked, assignment),
            asked.out,
            engine=Engine(asked.engine, asked.workers, asked.ray_address, asked.device != "cpu"),
            resume=asked.resume,
            keep_shards=asked.keep_shards,
            strict=asked.strict,
            crossfit=asked.crossfit,
            head_frames=asked.head_frames,
        ),
        provenance={"split_file": split_file_name(asked.split_file)},
        console=console,
    )
    reasons = [*absent, *skipped.values()]
    if reasons:
        # Paths are shown to their end.
        column = Column("not in the cache", overflow="fold")
        title = f"{len(reasons)} video" + ("s" if len(reasons) > 1 else "")
        table = Table(column, title=title, title_style="yellow")
        for reason in reasons:
            table.add_row(escape(reason))
        console.print(table)
    print_written(asked.out)


def _check(asked: ExtractArguments) -> None:
    if not asked.backbone:
        raise FrameSelectError(
            "--backbone names none; give VIDEOS OUT.h5 first and then --backbone NAME"
        )
    if asked.num_frames is not None and asked.fps:
        raise FrameSelectError("--num-frames and --fps: give one of them")
    least = {"num-frames": 1, "fps": 0, "head-frames": 0, "batch": 1, "thumbnail": 0, "workers": 1}
    least |= {"seed": 0}
    for flag, smallest in least.items():
        value = getattr(asked, flag.replace("-", "_"))
        if value is not None and not smallest <= value < math.inf:
            raise FrameSelectError(f"--{flag} {value}: must be a number of at least {smallest}")


def _settings(asked: ExtractArguments, assignment: Assignment) -> Settings:
    only = len(asked.backbone) == 1
    streams = tuple(parse_specification(text, asked.weights, only) for text in asked.backbone)
    _check_names(streams)
    regression = assignment.targets is not None
    keeps = asked.predictions == "auto" and not regression
    return Settings(
        streams,
        Sampling(asked.num_frames or 25, asked.fps),
        views=asked.views,
        device=asked.device,
        batch=asked.batch,
        thumbnail=asked.thumbnail,
        dtype=asked.dtype,
        classes=len(assignment.outputs) if keeps else 0,
        seed=asked.seed,
    )


def _check_names(streams: tuple[Specification, ...]) -> None:
    names = [specification.stream for specification in streams]
    for name in names:
        if names.count(name) > 1:
            raise FrameSelectError(
                f"--backbone: two streams are called {name!r}; name them: STREAM=BACKBONE"
            )
