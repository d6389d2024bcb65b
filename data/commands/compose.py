"""frame-select compose: splice clips of a cache into untrimmed videos with known truth."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro
from rich.markup import escape

from data.commands.console import parse, progress_console
from data.commands.inspect import print_written
from data.sources.importing import check_out, import_source
from data.synthetic.compose import Composition, compose_source
from frame_select_env.cache import open_cache


@dataclass(frozen=True)
class ComposeArguments:
    """Splice clips of a cache of trimmed videos into long ones: needles in a haystack.

    The classes are divided in two. A video has one needle, some frames of a clip of the first half,
    whose class is its label; the rest are equally long pieces of clips of the second half. Clips of
    a split, and whole groups, stay apart. `importance` is 1 on the needle. Predictions are those of
    new heads, cross-fitted so that none was trained on a clip that it predicts.
    """

    #: Name of a bundled cache or path of a cache file, of trimmed videos.
    cache: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="CACHE")]
    #: The cache file to write.
    out: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="OUT.h5")]
    composition: Annotated[Composition, tyro.conf.arg(name="")] = field(default_factory=Composition)
    #: Replace OUT.h5 if it exists.
    overwrite: bool = False


def compose(arguments: list[str]) -> None:
    """Run the command."""
    parsed = parse(ComposeArguments, "compose", arguments)
    cache = open_cache(parsed.cache)
    check_out(parsed.out, parsed.overwrite, cache.path)
    console = progress_console()
    source = compose_source(cache, parsed.composition)
    for note in source.notes:
        console.print(f"[yellow]note:[/] {escape(note)}")
    path = import_source(
        source,
        parsed.out,
        crossfit="group",
        seed=parsed.composition.seed,
        console=console,
    )
    print_written(path)
