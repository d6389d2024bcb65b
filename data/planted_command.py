"""frame-select planted: synthetic videos of any size and difficulty with a known best answer."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from data.console import parse, print_written, progress_console
from data.planted import Recipe, write_planted


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
    recipe: Annotated[Recipe, tyro.conf.arg(name="")] = field(default_factory=Recipe)


def planted(arguments: list[str]) -> None:
    """The command."""
    parsed = parse(PlantedArguments, "planted", arguments)
    print_written(write_planted(parsed.out, parsed.recipe, progress_console()))
