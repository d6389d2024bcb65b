"""frame-select digits: the small cache that comes with the library."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from data.console import parse, print_written, progress_console
from data.importing import import_source


@dataclass(frozen=True)
class DigitsArguments:
    """Make 600 videos out of scikit-learn's scanned digits, and their cache.

    In every video a run of 10 to 45 % of the frames shows the labelled digit; the others show faded
    or misleading digits. A small network trained on other videos gives the features, a cross-fitted
    head the predictions. Takes a few seconds.
    """

    #: The cache file to write.
    out: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="OUT.h5")]
    #: Of every random draw. Seed 0 makes the cache that comes with the library as "digits".
    seed: int = 0


def digits(arguments: list[str]) -> None:
    """The command."""
    parsed = parse(DigitsArguments, "digits", arguments)
    console = progress_console()
    with console.status("making videos and training the backbone"):
        # Torch takes a second to import; --help and bad arguments need not wait for it.
        from data.digits import digits_source

        source = digits_source(parsed.seed)
    path = import_source(source, parsed.out, seed=parsed.seed, console=console)
    print_written(path)
