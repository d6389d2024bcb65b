"""Extraction: everything that one extraction is asked for."""

from dataclasses import dataclass
from pathlib import Path

from data.corpora import Assignment
from data.engines import Engine
from data.extraction.settings import Settings
from data.head import Crossfit
from data.video.files import VideoFiles


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
        keep_shards: Whether they stay when the cache is written.
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
    keep_shards: bool = False
    strict: bool = False
    crossfit: Crossfit = "video"
    head_frames: int = 64
