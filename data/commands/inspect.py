"""frame-select inspect: show what a cache contains, and check it."""

from dataclasses import dataclass
from typing import Annotated

import tyro
from rich.console import Console
from rich.progress import track

from data.commands.console import parse, print_results, progress_console
from data.commands.summary import classes_table, facts_table, streams_table
from frame_select_env.cache import open_cache
from frame_select_env.errors import FrameSelectError


@dataclass(frozen=True)
class InspectArguments:
    """Show a cache's videos, splits, classes and streams, and its accuracy with all frames.

    Warns if training videos are predicted suspiciously well: at least 15 points better than test
    videos.
    """

    #: Name of a bundled cache (digits) or path of a cache file.
    cache: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="CACHE")]
    #: Also read and check every value in the file; exit with code 2 at the first invalid one.
    full: bool = False
    #: Number of frames per video used to compute the accuracy.
    num_frames: Annotated[int, tyro.conf.arg(metavar="T")] = 25


def inspect(arguments: list[str]) -> None:
    """Run the command."""
    parsed = parse(InspectArguments, "inspect", arguments)
    if parsed.num_frames < 1:
        raise FrameSelectError(f"--num-frames {parsed.num_frames}: must be at least 1")
    cache = open_cache(parsed.cache)
    console = Console()
    console.print(facts_table(cache), streams_table(cache), classes_table(cache), sep="\n")
    if parsed.full:
        checks, progress = cache.check_values(), progress_console()
        title = "checking every value"
        for _ in track(checks, title, len(cache), console=progress, transient=True):
            pass
        console.print("all values are valid")
    print_results(cache, parsed.num_frames)
