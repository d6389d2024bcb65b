"""frame-select head: give a cache the predictions of another head."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console
from rich.markup import escape

from data.commands.console import metavar, parse, progress_console
from data.commands.inspect import print_written
from data.head.crossfit import Crossfit, HeadKind
from data.head.folds import crossfit_notes
from data.sources.cached import cached_source
from data.sources.importing import check_out, import_source
from frame_select_env.cache import FeatureCache, open_cache


@dataclass(frozen=True)
class HeadArguments:
    """Write a cache with the same videos and features whose predictions are those of another head.

    Every fold's heads are trained on its training videos, and the penalty is chosen by the
    cross-validated accuracy of videos.
    """

    #: Name of a bundled cache or path of a cache file.
    cache: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="CACHE")]
    #: The cache file to write.
    out: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="OUT.h5")]
    #: consensus: linear, trained through the mean of a video's predictions, as import does. The
    #: others are trained frame by frame, each on its video's label, and for classes alone.
    #: logistic: a logistic regression. mlp: a network with one hidden layer.
    head: Annotated[HeadKind, tyro.conf.arg(metavar="consensus|logistic|mlp")] = "logistic"
    #: How training videos are predicted, as for import. Default: as in CACHE, or video where CACHE
    #: does not say.
    crossfit: Annotated[Crossfit | None, metavar("video|group|none")] = None
    #: Train the head on at most this many evenly spaced frames per video; 0: all.
    head_frames: Annotated[int, tyro.conf.arg(metavar="N")] = 64
    #: Seed of cross-fitting, and of a network's first weights.
    seed: int = 0
    #: Replace OUT.h5 if it exists.
    overwrite: bool = False


def head(arguments: list[str]) -> None:
    """Run the command."""
    parsed = parse(HeadArguments, "head", arguments)
    made = write_with_head(
        open_cache(parsed.cache),
        parsed.out,
        parsed.head,
        parsed.crossfit,
        parsed.head_frames,
        parsed.seed,
        progress_console(),
        parsed.overwrite,
    )
    print_written(made)


def write_with_head(
    cache: FeatureCache,
    out: Path,
    kind: HeadKind,
    crossfit: Crossfit | None = None,
    head_frames: int = 64,
    seed: int = 0,
    console: Console | None = None,
    overwrite: bool = True,
) -> Path:
    """Write the cache with the predictions of a head of this kind.

    Without `crossfit`, training videos are predicted as in the cache, or by video where it does not
    say. A `console` shows progress and notes.

    Raises:
        FrameSelectError: if `out` is the cache, or exists without `overwrite`, or what
            `import_source` refuses.
    """
    check_out(out, overwrite, cache.path)
    source = cached_source(cache)
    known: dict[str, Crossfit] = {"video": "video", "group": "group", "none": "none"}
    crossfit = crossfit or known.get(cache.provenance.get("crossfit", ""), "video")
    if console is not None:
        for note in crossfit_notes(source, crossfit):
            console.print(f"[yellow]note:[/] {escape(note)}")
    return import_source(
        source,
        out,
        kind=kind,
        crossfit=crossfit,
        head_frames=head_frames,
        seed=seed,
        console=console,
    )
