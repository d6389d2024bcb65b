"""frame-select digits, cues, needle and planted: make caches of synthetic videos."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from data.commands.console import parse, progress_console
from data.commands.inspect import print_written
from data.sources.importing import check_out, import_source
from data.synthetic import cues as cue_videos
from data.synthetic.needle import NeedleRecipe, write_needle
from data.synthetic.planted import Recipe, write_planted

Out = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="OUT.h5")]


@dataclass(frozen=True)
class DigitsArguments:
    """Make 600 videos from scikit-learn's scanned digits, and write their cache.

    In every video a run of 10 to 45 % of the frames shows the labelled digit; the others show faded
    or misleading digits. A small network trained on other videos computes the features, and a
    cross-fitted head the predictions. Takes a few seconds.
    """

    #: The cache file to write.
    out: Out
    #: Seed of the random number generator. Seed 0 makes the bundled cache "digits".
    seed: int = 0
    #: Replace OUT.h5 if it exists.
    overwrite: bool = False


@dataclass(frozen=True)
class CuesArguments:
    """Make 1200 videos in which only context tells which frames count, and write their cache.

    Every video has 2 to 4 runs of scanned digits, alike in length, contrast, noise and number of
    scans. A frame of horizontal stripes comes before the run whose digit is the label, a frame of
    vertical stripes before each of the others. No formula of a frame and its neighbours tells the
    runs apart (frame-select shortcuts checks that). `importance` is 1 on the run that counts.
    Features are spatial frequencies, and a cross-fitted head predicts. Takes a few seconds.
    """

    #: The cache file to write.
    out: Out
    recipe: Annotated[cue_videos.Recipe, tyro.conf.arg(name="")] = field(
        default_factory=cue_videos.Recipe
    )
    #: Replace OUT.h5 if it exists.
    overwrite: bool = False


@dataclass(frozen=True)
class NeedleArguments:
    """Make videos with a needle in a haystack of scanned digits, and write their cache.

    A video has a needle, some scans of a digit that is a label, among equally long pieces of clips
    of digits that are not: five of the ten are labels, by the seed. What a frame shows tells
    whether it counts. `importance` is 1 on the needle. Takes some seconds.
    """

    #: The cache file to write.
    out: Out
    recipe: Annotated[NeedleRecipe, tyro.conf.arg(name="")] = field(default_factory=NeedleRecipe)
    #: Replace OUT.h5 if it exists.
    overwrite: bool = False


@dataclass(frozen=True)
class PlantedArguments:
    """Make synthetic videos in which known key frames predict the label and the others mislead.

    Keeping exactly the key frames (the cache's `importance`) is the best selection: no other gives
    the true class a higher probability, no larger one an equal probability, and it is correct for
    every video. The predictions are synthetic too; no classifier is trained. Feature 0 identifies
    key frames, the others encode a frame's prediction.
    """

    #: The cache file to write.
    out: Out
    recipe: Annotated[Recipe, tyro.conf.arg(name="")] = field(default_factory=Recipe)
    #: Replace OUT.h5 if it exists.
    overwrite: bool = False


def digits(arguments: list[str]) -> None:
    """Run the command digits."""
    parsed = parse(DigitsArguments, "digits", arguments)
    check_out(parsed.out, parsed.overwrite)
    console = progress_console()
    with console.status("making videos and training the backbone"):
        # Imported here because torch takes a second: --help and invalid arguments do not need it.
        from data.synthetic.digits import digits_source

        source = digits_source(parsed.seed)
    print_written(import_source(source, parsed.out, seed=parsed.seed, console=console))


def cues(arguments: list[str]) -> None:
    """Run the command cues."""
    parsed = parse(CuesArguments, "cues", arguments)
    check_out(parsed.out, parsed.overwrite)
    console = progress_console()
    with console.status("making videos"):
        source = cue_videos.cues_source(parsed.recipe)
    seed = parsed.recipe.seed
    print_written(import_source(source, parsed.out, seed=seed, console=console))


def needle(arguments: list[str]) -> None:
    """Run the command needle."""
    parsed = parse(NeedleArguments, "needle", arguments)
    check_out(parsed.out, parsed.overwrite)
    console = progress_console()
    with console.status("making videos"):
        path = write_needle(parsed.recipe, parsed.out)
    print_written(path)


def planted(arguments: list[str]) -> None:
    """Run the command planted."""
    parsed = parse(PlantedArguments, "planted", arguments)
    check_out(parsed.out, parsed.overwrite)
    print_written(write_planted(parsed.out, parsed.recipe, progress_console()))
