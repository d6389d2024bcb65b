"""frame-select inspect: what a cache holds, and whether it is in order."""

from dataclasses import dataclass
from typing import Annotated

import tyro
from rich.console import Console
from rich.progress import track

from data.console import parse, print_results, progress_console
from data.summary import classes_table, facts_table, streams_table
from frame_select_env.cache import open_cache
from frame_select_env.errors import FrameSelectError


@dataclass(frozen=True)
class InspectArguments:
    """Show what a cache holds: videos, splits, classes, streams, and how good all frames are.

    Warns where training videos are predicted suspiciously well: 15 points better than test videos.
    """

    #: A bundled cache's name (digits) or the path of a cache file.
    cache: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="CACHE")]
    #: Also read and check every value in the file; exits with 2 at the first wrong one.
    full: bool = False
    #: T: frames per video when the predictions are judged.
    num_frames: Annotated[int, tyro.conf.arg(metavar="T")] = 25


def inspect(arguments: list[str]) -> None:
    """The command."""
    parsed = parse(InspectArguments, "inspect", arguments)
    if parsed.num_frames < 1:
        raise FrameSelectError(f"--num-frames {parsed.num_frames}: must be at least 1")
    cache = open_cache(parsed.cache)
    console = Console()
    console.print(facts_table(cache))
    console.print(streams_table(cache))
    console.print(classes_table(cache))
    if parsed.full:
        for _ in track(
            cache.check_values(),
            total=len(cache),
            description="checking every value",
            console=progress_console(),
            transient=True,
        ):
            pass
        console.print("every value is in order")
    print_results(cache, parsed.num_frames)
