"""The settings of an extraction: those that determine a video's numbers, and all others."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from data.backbones import LOG_MEL, Backbone, Specification, build_backbone
from data.backbones.backbone import Runtime
from data.corpora.assignment import Assignment
from data.engine import Engine
from data.head.crossfit import Crossfit
from data.video.files import VideoFiles
from data.video.timeline import Sampling
from frame_select_env.cache import file_digest


@dataclass(frozen=True)
class Settings:
    """What is computed for every video; hashable, and the same in every worker."""

    streams: tuple[Specification, ...]  # the backbone of each
    sampling: Sampling = Sampling()
    views: int = 1  # or 10 crops of every frame
    device: str = "cpu"
    batch: int = 8  # clips per forward pass
    thumbnail: int = 48  # side of a frame's square thumbnail in pixels; 0: none
    dtype: str = "float16"  # of the stored features
    # C: a network with that many outputs and the user's own weights makes the predictions itself;
    # 0: none does.
    classes: int = 0
    seed: int = 0  # of random weights

    def axis(self, stream: str) -> str:
        """The name of a stream's middle axis; sound has no views."""
        sound = {spec.stream for spec in self.streams if spec.backbone == LOG_MEL}
        return "view" if self.views > 1 and stream not in sound else ""

    def build(self) -> dict[str, Backbone]:
        """The networks of all streams but those of sound, by stream."""
        runtime = Runtime(self.device, self.views, self.seed)
        runtime.check()
        return {
            specification.stream: build_backbone(specification, runtime)
            for specification in self.streams
            if specification.backbone != LOG_MEL
        }

    def record(self) -> dict[str, Any]:
        """What determines the numbers as JSON types, with digests of weight files.

        Excludes the batch, which may have to be reduced to resume an extraction.
        """
        classify = any(specification.may_classify() for specification in self.streams)
        return {
            "backbones": [specification.text() for specification in self.streams],
            "weights": {
                str(file): file_digest(file) for spec in self.streams for file in spec.files()
            },
            "frames": dataclasses.asdict(self.sampling),
            "device": self.device.partition(":")[0],  # cuda:1 computes the same as cuda:0
            "classes": self.classes if classify else 0,
            **{name: getattr(self, name) for name in ("views", "thumbnail", "dtype", "seed")},
        }


@dataclass(frozen=True)
class Extraction:
    """Everything that one extraction needs; options as on the command line."""

    videos: VideoFiles
    assignment: Assignment  # in the order of the videos; those in no split are skipped
    settings: Settings
    out: Path
    engine: Engine = Engine(jobs=1)
    overwrite: bool = False  # a cache that exists
    resume: bool = False
    keep_shards: bool = False
    strict: bool = False
    crossfit: Crossfit = "video"
    head_frames: int = 64
    split_file: str = "random"  # its name, for the cache's provenance
    console: Console | None = None  # shows progress and notes; None: no output
