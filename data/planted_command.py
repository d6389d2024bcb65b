"""python -m data planted: synthetic videos of any size and difficulty with a known best answer."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import tyro

from data.console import parse, print_written, progress_console


@dataclass(frozen=True)
class PlantedArguments:
    """Plant videos in which known key frames tell the label and the others mislead.

    Keeping exactly the key frames (the cache's `importance`) is the best selection: no other gives
    the true class a higher probability, no larger one as high, and it is right on every video.
    Predictions are planted too, no classifier is trained. Feature 0 tells key frames, the others
    what a frame's prediction is.
    """

    #: The cache file to write.
    out: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="OUT.h5")]
    #: Number of videos: 60 % train, 20 % val, 20 % test. The first ones are the same in any number.
    videos: int = 1000
    #: Frames of every video. What is said of all frames holds exactly if environments use as many.
    frames: int = 25
    #: Number of classes.
    classes: int = 10
    #: Size of the features.
    features: int = 32
    #: Share of the frames that are key frames, at most 0.5.
    key_share: float = 0.2
    #: Expected share of the videos that keeping all frames gets wrong, 0 to 1.
    difficulty: float = 0.5
    #: Number of contiguous runs that the key frames of a video form; 0: they are scattered.
    runs: int = 1
    #: How far key frames stand out in feature 0, in standard deviations of its noise.
    signal: float = 2.0
    #: Of every random draw.
    seed: int = 0


def planted(arguments: list[str]) -> None:
    """The command."""
    parsed = parse(PlantedArguments, "planted", arguments)
    # Imported here so that --help does not wait for it.
    from data.planted import Recipe, write_planted

    chosen = {name: value for name, value in asdict(parsed).items() if name != "out"}
    print_written(write_planted(parsed.out, Recipe(**chosen), progress_console()))
