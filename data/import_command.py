"""frame-select import: a cache of features that someone has."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import h5py
import tyro
from rich.markup import escape

from data.console import parse, print_written, progress_console
from data.corpora import FORMS, split_file_name
from data.fold_heads import crossfit_notes
from data.folder_kinds import folder_kind
from data.folder_source import read_folder
from data.head import Crossfit
from data.importing import import_source
from data.npz_source import read_npz
from data.source import Source
from data.summarization_source import read_summarization
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

    A FOLDER of class folders holds one file per video, all of one kind: .npy arrays [L, D]; the
    .csv that OpenFace 2 writes; or .json detections in COCO's form, {"images": [{"id", "width",
    "height", optionally "time" in seconds}], "annotations": [{"image_id", "category_id", "bbox",
    "score"}]}, one image a frame.

    A SUMMARY.h5 is a file of video summarisation work (TVSum, SumMe; Zhou, Qiao and Xiang 2018):
    per video a group with features [n_steps, D], gtscore [n_steps] (else user_summary), picks
    [n_steps]. It becomes a cache with importance; without labels it has one class, and rewards
    that read no label are what can be learnt from.
    """

    #: FEATURES.npz, a FOLDER of class folders with one file per video, or SUMMARY.h5.
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
    #: the top level are the splits; else a third of every class tests, drawn by the seed. For
    #: SUMMARY.h5: a CSV of the same columns, or the JSON of that work, [{"train_keys",
    #: "test_keys"}, ...], whose entries become the folds split1, split2, ...; else 80 % train.
    split_file: Annotated[
        str | None, tyro.conf.arg(metavar=f"{FORMS}|JSON", help_behavior_hint="")
    ] = None
    #: Ready-made predictions for a FOLDER: a folder laid out the same, one .npy [L, C] per video,
    #: with the classes in the order that inspect prints (alphabetical; UCF101: classInd.txt). No
    #: head is trained then. An npz brings its own as predictions.
    predictions: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER", help_behavior_hint="")] = (
        None
    )
    #: The predictions are logits: apply the softmax.
    logits: bool = False
    #: .npy arrays have a middle axis: [L, V, D] views (crops, say), which are predicted one by one,
    #: or [L, K, D] objects.
    axis: Annotated[
        Literal["view", "object"] | None,
        tyro.conf.arg(metavar="view|object", help_behavior_hint=""),
    ] = None
    #: What to take from OpenFace's CSVs: au (AU*), gaze (gaze_*), pose (pose_*), landmarks (x_*,
    #: y_*, X_*, Y_*, Z_*). Default: gaze pose au.
    columns: Annotated[
        tuple[Literal["au", "gaze", "pose", "landmarks"], ...],
        tyro.conf.arg(metavar="au|gaze|pose|landmarks ...", help_behavior_hint=""),
    ] = ()
    #: The detections of the highest score that are kept of a frame. Default: 10.
    objects: Annotated[int | None, tyro.conf.arg(metavar="K", help_behavior_hint="")] = None
    #: Frames per second of SUMMARY.h5's videos: picks become times. Default: what the file tells.
    fps: Annotated[float | None, tyro.conf.arg(metavar="FPS", help_behavior_hint="")] = None
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
    with console.status(f"reading {escape(parsed.source.name)}"):
        source = _read(parsed)
    for note in [*source.notes, *crossfit_notes(source, parsed.crossfit)]:
        console.print(f"[yellow]note:[/] {escape(note)}")
    provenance: dict[str, Any] = {}
    if parsed.split_file is not None:
        provenance["split_file"] = split_file_name(parsed.split_file)
    for flag in ("columns", "objects", "fps"):
        if (value := getattr(parsed, flag)) not in (None, ()):
            provenance[flag] = value
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
        if parsed.fps is not None:
            raise FrameSelectError(f"--fps goes with an .h5 file; {source.name} is a folder")
        kind = folder_kind(
            source,
            parsed.split_file,
            axis=parsed.axis,
            columns=parsed.columns or None,
            objects=parsed.objects,
        )
        return read_folder(source, parsed.split_file, parsed.predictions, parsed.seed, kind)
    if not source.is_file():
        raise FrameSelectError(f"{source}: no such file or folder")
    for flag in ("axis", "columns", "objects", "predictions"):
        if getattr(parsed, flag) not in (None, ()):
            raise FrameSelectError(f"--{flag} goes with a folder; {source.name} is a file")
    if source.suffix in (".h5", ".hdf5") or h5py.is_hdf5(source):
        return read_summarization(source, parsed.split_file, parsed.fps, parsed.seed)
    for flag, value in (("split-file", parsed.split_file), ("fps", parsed.fps)):
        if value is not None:
            raise FrameSelectError(
                f"--{flag} goes with a folder or an .h5 file; {source.name} brings its own"
            )
    return read_npz(source)
