"""python -m data import: a cache of features that someone has."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro
from rich.markup import escape

from data.console import parse, print_written, progress_console
from data.corpora import FORMS
from data.fold_heads import crossfit_notes
from data.folder_source import read_folder
from data.head import Crossfit
from data.importing import import_source
from data.npz_source import read_npz
from data.source import Source
from frame_select_env.errors import FrameSelectError


@dataclass(frozen=True)
class ImportArguments:
    """Make a cache of features that you have.

    Without predictions of your own, a linear head is trained on the training videos, through the
    consensus (the averaged probabilities of a video), and predicts every frame. Its penalty is
    chosen by cross-validated video accuracy.

    An npz holds: features [F, D] (or features.STREAM), lengths [N], labels [N] int (or [N, K]
    float: regression), ids [N], splits [N] of train, val, test or "" (further folds:
    splits.FOLD), and optionally groups [N], classes [C] or targets [K], importance [F], time [F]
    in seconds, thumbnail [F, h, w(, 3)] uint8, predictions [F, C] (or predictions.STREAM).
    """

    #: FEATURES.npz, or a FOLDER of class folders, each holding one .npy [L, D] per video.
    source: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="SOURCE")]
    #: The cache file to write.
    out: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="OUT.h5")]
    #: How training videos are predicted. video: by heads that did not train on them, in 5 parts
    #: stratified by label. group: the same, leaving whole groups out. none: by the one head that
    #: trained on them, as the papers do; it is near-perfect there, so little is left to learn.
    crossfit: Annotated[Crossfit, tyro.conf.arg(metavar="video|group|none")] = "video"
    #: Who trains and who tests in a FOLDER: a CSV with the columns video (path below FOLDER) and
    #: split, optionally label (or target.NAME: regression), group and split.FOLD; or a corpus: DIR
    #: holds the official text files of hmdb51 or ucf101 (folds split1 to split3); ekman6 alone goes
    #: by the papers' rule, videoemotion8 alone draws ten folds, both also read lists in a DIR;
    #: hume-reaction reads data_info.csv. Without it, or with random: folders train, val and test on
    #: the top level are the splits; else a third of every class tests, drawn by the seed.
    split_file: Annotated[str | None, tyro.conf.arg(metavar=FORMS, help_behavior_hint="")] = None
    #: Ready-made predictions for a FOLDER: a folder laid out the same, one .npy [L, C] per video,
    #: with the classes in the order that inspect prints (alphabetical; UCF101: classInd.txt). No
    #: head is trained then. An npz brings its own as predictions.
    predictions: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER", help_behavior_hint="")] = (
        None
    )
    #: The predictions are logits: apply the softmax.
    logits: bool = False
    #: Train the head on at most this many frames of a video, evenly spaced; 0: on all. They are
    #: held in memory (at most videos x frames x D x 12 bytes), the rest of a FOLDER is not;
    #: predictions are written for all frames.
    head_frames: Annotated[int, tyro.conf.arg(metavar="N")] = 64
    #: Draws the parts of cross-fitting, and a random split.
    seed: int = 0


def import_features(arguments: list[str]) -> None:
    """The command."""
    parsed = parse(ImportArguments, "import", arguments)
    console = progress_console()
    source = _read(parsed)
    for note in [*source.notes, *crossfit_notes(source, parsed.crossfit)]:
        console.print(f"[yellow]note:[/] {escape(note)}")
    provenance: dict[str, Any] = {}
    if parsed.split_file is not None:
        # The kind or the file's name: no path of this machine goes into the cache.
        kind, colon, _ = parsed.split_file.partition(":")
        provenance["split_file"] = kind if colon else Path(parsed.split_file).name
    path = import_source(
        source,
        parsed.out,
        crossfit=parsed.crossfit,
        logits=parsed.logits,
        head_frames=parsed.head_frames,
        seed=parsed.seed,
        provenance=provenance,
        console=console,
    )
    print_written(path)


def _read(parsed: ImportArguments) -> Source:
    source = parsed.source
    if source.is_dir():
        if parsed.predictions is not None and not parsed.predictions.is_dir():
            raise FrameSelectError(f"{parsed.predictions}: no such folder (--predictions)")
        return read_folder(source, parsed.split_file, parsed.predictions, parsed.seed)
    if not source.is_file():
        raise FrameSelectError(f"{source}: no such file or folder")
    for flag, value in (("split-file", parsed.split_file), ("predictions", parsed.predictions)):
        if value is not None:
            raise FrameSelectError(
                f"--{flag} goes with a folder; {source.name} brings its own splits and predictions"
            )
    return read_npz(source)
