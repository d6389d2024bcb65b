"""frame-select import: make a cache from existing features."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal

import h5py
import numpy as np
import tyro
from rich.markup import escape

from data.commands.console import metavar, parse, progress_console
from data.commands.inspect import print_written
from data.corpora.folder_layout import ClassFolders
from data.corpora.read import split_file_name
from data.head.crossfit import Crossfit
from data.head.folds import crossfit_notes
from data.sources import detections, openface
from data.sources.axes import parse_axes
from data.sources.folders import NPY, FolderKind, npy_kind, read_folder, video_files
from data.sources.group_folds import add_group_folds
from data.sources.importing import check_out, import_source
from data.sources.npz import NAME, read_npz
from data.sources.source import Source
from data.sources.streams import read_streams
from data.sources.summarization import FScore, read_summarization
from frame_select_env.cache import schema
from frame_select_env.errors import FrameSelectError

# Option that applies to only one kind of folder -> the suffix of that kind.
KIND_OPTIONS = {"axis": NPY, "columns": openface.SUFFIX, "objects": detections.SUFFIX}

SEPARATOR = "\n"  # of several sources in one argument


@dataclass(frozen=True)
class ImportArguments:
    """Make a cache from existing features.

    Unless predictions are given, a linear head predicts every frame. It is trained on the training
    videos through the consensus (the averaged probabilities of a video), with the penalty that has
    the best cross-validated video accuracy.

    FEATURES.npz contains features [F, D] (or features.STREAM), lengths [N], labels [N] int (or [N,
    K] float for regression), ids [N], and splits [N] with the values train, val, test or
    empty (further folds: splits.FOLD). Optional: groups [N], classes [C] or targets [K],
    importance [F], time [F] in seconds, number [F] of each frame in its video (from 0), thumbnail
    [F, h, w(, 3)] uint8, predictions [F, C] (or predictions.STREAM).

    FOLDER is a folder of class folders with one file per video, all of one kind: .npy arrays [L,
    D]; .csv files written by OpenFace 2; or .json detections in COCO format, with one image per
    frame: an object of "images", a list of {id, width, height, optionally time in seconds}, of
    "annotations", a list of {image_id, category_id, bbox, score}, and optionally of "categories",
    a list of {id, name}.

    Several folders of the same videos make several streams: action=FOLDER scene=FOLDER. They may
    contain different kinds of files. Frames are aligned by time: the stream with the fewest frames
    per second decides, and of the others the frame nearest to each of its frames is used, at most
    half its interval away. Arrays without times must have as many frames as that stream.

    SUMMARY.h5 is a file of video summarisation (TVSum, SumMe; Zhou, Qiao and Xiang 2018) with one
    group per video: features [n_steps, D], gtscore [n_steps] (or user_summary), picks [n_steps].
    The cache then has importance scores, and what raters kept (user_summary, change_points), which
    evaluate compares rankings with. Without labels it has a single class, and agents train with a
    reward that needs none.
    """

    #: FEATURES.npz, FOLDER, SUMMARY.h5, or a FOLDER for each of several streams.
    source: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="[STREAM=]SOURCE ...")]
    #: The cache file to write.
    out: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="OUT.h5")]
    #: How training videos are predicted. video: by heads that were not trained on them, with 5
    #: folds stratified by label. group: the same, but leaving out whole groups. none: by the final
    #: head, as in the papers; it is nearly perfect on its training videos, which leaves little to
    #: learn. Predictions of all other videos do not depend on it.
    crossfit: Annotated[Crossfit, tyro.conf.arg(metavar="video|group|none")] = "video"
    #: Defines the split of a FOLDER or SUMMARY.h5. CSV: columns video (path below FOLDER) and
    #: split, optionally label (or target.NAME for regression), group and split.FOLD. hmdb51:DIR,
    #: ucf101:DIR: the official text files in DIR (folds split1 to split3). ekman6: the split used
    #: in papers. videoemotion8: ten random folds. ekman6:DIR, videoemotion8:DIR: lists in DIR.
    #: hume-reaction:FILE_OR_DIR: data_info.csv. random (default): top-level folders named train,
    #: val and test if there are any, otherwise a random third of each class for testing. JSON (only
    #: for SUMMARY.h5): a list of objects with train_keys and test_keys, which become the folds
    #: split1, split2, ...; its default is a random 80 % for training.
    split_file: Annotated[str | None, metavar("CSV|CORPUS[:DIR]|random|JSON")] = None
    #: Which folders of a FOLDER are the classes: first (the top level), second (the first is then
    #: the group), or none (labels unknown). auto: first, unless the second-level folders repeat, as
    #: in spk1/golf and spk2/golf.
    class_folders: ClassFolders = "auto"
    #: Add the folds group1 to groupK: each tests one of K parts of the groups and trains on the
    #: others, so that every labelled video is tested once. The parts are stratified by label and
    #: drawn by the seed. SOURCE must have groups.
    folds: Annotated[str | None, metavar("group:K")] = None
    #: Given predictions for a FOLDER: a folder with the same layout and one .npy [L, C] per video,
    #: with classes in the order that inspect prints (alphabetical; for UCF101 as in classInd.txt).
    #: No head is trained then. An npz contains its own predictions.
    predictions: Annotated[Path | None, metavar("FOLDER")] = None
    #: The given predictions are logits: apply the softmax.
    logits: bool = False
    #: Middle axis of the features in FEATURES.npz and .npy files: view for [L, V, D], such as
    #: crops, predicted separately; object for [L, K, D]. STREAM=view: only of that stream.
    axis: Annotated[str | None, metavar("[STREAM=]view|object[,...]")] = None
    #: Columns to use from OpenFace CSVs: au (AU*), gaze (gaze_*), pose (pose_*), landmarks (x_*,
    #: y_*, X_*, Y_*, Z_*). Default: gaze pose au.
    columns: Annotated[
        tuple[Literal["au", "gaze", "pose", "landmarks"], ...],
        metavar("au|gaze|pose|landmarks ..."),
    ] = ()
    #: Number of detections with the highest scores to keep per frame. Default: 10.
    objects: Annotated[int | None, metavar("K")] = None
    #: Frames per second of the videos in SUMMARY.h5, to convert picks to times. Default: as stored
    #: in the file.
    fps: Annotated[float | None, metavar("FPS")] = None
    #: How the F-scores of several raters of SUMMARY.h5 become one. Default: max if the file's name
    #: contains summe, otherwise mean, as in papers on SumMe and TVSum.
    f_score: Annotated[FScore | None, tyro.conf.arg(metavar="mean|max")] = None
    #: Train the head on at most this many evenly spaced frames per video; 0: all. Only these are
    #: held in memory (at most videos x frames x D x 12 bytes); all frames are predicted.
    head_frames: Annotated[int, tyro.conf.arg(metavar="N")] = 64
    #: Seed of cross-fitting, random splits and folds of groups.
    seed: int = 0
    #: Replace OUT.h5 if it exists.
    overwrite: bool = False


@np.errstate(over="ignore")  # what is too large for float32 becomes inf, which is refused
def import_features(arguments: list[str]) -> None:
    """Run the command."""
    parsed = parse(ImportArguments, "import", _with_sources_joined(arguments))
    check_out(parsed.out, parsed.overwrite)
    console = progress_console()
    sources = parsed.source.split(SEPARATOR)
    named = _named_folders(sources)
    with console.status(f"reading {escape(', '.join(Path(source).name for source in sources))}"):
        source = _read_folders(parsed, named) if named else _read(parsed)
        if parsed.folds is not None:
            source = add_group_folds(source, parsed.folds, parsed.seed)
    for note in [*source.notes, *crossfit_notes(source, parsed.crossfit)]:
        console.print(f"[yellow]note:[/] {escape(note)}")
    provenance: dict[str, Any] = {}
    if parsed.split_file is not None:
        provenance["split_file"] = split_file_name(parsed.split_file)
    for option in ("folds", "columns", "objects", "fps"):
        if (value := getattr(parsed, option)) not in (None, ()):
            provenance[option] = value
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


def _with_sources_joined(arguments: list[str]) -> list[str]:
    """Join several sources to one argument: tyro takes no list of them before OUT.h5."""
    flags = {f"--{field.name}" for field in fields(ImportArguments) if field.type is bool}
    places: list[int] = []  # of the arguments that are no option and no option's value
    value = columns = False
    for place, argument in enumerate(arguments):
        if argument.startswith("--"):
            columns = argument == "--columns"
            value = "=" not in argument and argument not in flags and not columns
        elif value or (columns and argument in openface.COLUMNS):
            value = False
        else:
            places.append(place)
    if len(places) < 3:
        return arguments
    joined = SEPARATOR.join(arguments[place] for place in places[:-1])
    rest = [a for place, a in enumerate(arguments) if place not in places]
    return [joined, arguments[places[-1]], *rest]


def _named_folders(sources: list[str]) -> dict[str, Path]:
    """The folders by stream; empty if there is only a source without a name."""
    if len(sources) == 1 and ("=" not in sources[0] or Path(sources[0]).exists()):
        return {}
    folders: dict[str, Path] = {}
    for text in sources:
        stream, _, path = text.partition("=")
        if not path or not NAME.fullmatch(stream):
            raise FrameSelectError(
                f"{text}: expected STREAM=FOLDER, as there are several sources; names of streams "
                "consist of letters, digits, _ and -"
            )
        if stream in folders:
            raise FrameSelectError(f"{text}: the stream name {stream!r} is duplicated")
        if not Path(path).is_dir():
            file = Path(path).is_file()
            what = "is a file; only folders can be named as streams" if file else "no such folder"
            raise FrameSelectError(f"{path}: {what} (stream {stream})")
        folders[stream] = Path(path)
    return folders


def _read(parsed: ImportArguments) -> Source:
    """Read a single source without a name."""
    source, split_file = Path(parsed.source), parsed.split_file
    if source.is_dir():
        return _read_folders(parsed, {})
    if not source.is_file():
        raise FrameSelectError(f"{source}: no such file or folder")
    summary = source.suffix in (".h5", ".hdf5") or h5py.is_hdf5(source)
    for option in (*KIND_OPTIONS, "predictions"):
        if getattr(parsed, option) not in (None, ()) and (summary or option != "axis"):
            remedy = "a folder or an .npz file" if option == "axis" else "a folder"
            raise FrameSelectError(f"--{option} needs {remedy}; {source.name} is a file")
    if summary:
        return read_summarization(source, split_file, parsed.fps, parsed.seed, parsed.f_score)
    if parsed.class_folders != "auto":
        raise FrameSelectError(f"--class-folders needs a folder; {source.name} is a file")
    options = {"split-file": split_file, "fps": parsed.fps, "f-score": parsed.f_score}
    for option, value in options.items():
        if value is not None:
            raise FrameSelectError(
                f"--{option} needs a folder or an .h5 file; {source.name} defines its own"
            )
    return read_npz(source, parse_axes(parsed.axis or ""))


def _read_folders(parsed: ImportArguments, named: dict[str, Path]) -> Source:
    """Read the folders that are named as streams; if none is, the only source, a folder."""
    folders = named or {schema.DEFAULT_STREAM: Path(parsed.source)}
    if parsed.predictions is not None:
        if not parsed.predictions.is_dir():
            raise FrameSelectError(f"{parsed.predictions}: no such folder (--predictions)")
        if named:
            raise FrameSelectError("--predictions needs a single FOLDER without a name")
    for option, value in (("fps", parsed.fps), ("f-score", parsed.f_score)):
        if value is not None:
            listed = ", ".join(folder.name for folder in folders.values())
            raise FrameSelectError(f"--{option} needs an .h5 file; {listed} is a folder")
    kinds = _folder_kinds(parsed, folders)
    if not named:
        (folder,), (kind,) = folders.values(), kinds.values()
        how = parsed.seed, kind, parsed.class_folders
        return read_folder(folder, parsed.split_file, parsed.predictions, *how)
    pairs = {stream: (folder, kinds[stream]) for stream, folder in folders.items()}
    return read_streams(pairs, parsed.split_file, parsed.seed, parsed.class_folders)


def _folder_kinds(parsed: ImportArguments, folders: dict[str, Path]) -> dict[str, FolderKind]:
    """The kind of each folder's files. An option must apply to at least one of them."""
    suffixes = {s: _suffix(folder, parsed.split_file) for s, folder in folders.items()}
    for option, needed in KIND_OPTIONS.items():
        if getattr(parsed, option) not in (None, ()) and needed not in suffixes.values():
            contents = (f"{folders[s]} contains {suffix} files" for s, suffix in suffixes.items())
            raise FrameSelectError(
                f"--{option} needs a folder of {needed} files; {', '.join(contents)}"
            )
    axes = parse_axes(parsed.axis or "")
    axes.check(stream for stream, suffix in suffixes.items() if suffix == NPY)
    return {
        stream: npy_kind(axes.of(stream))
        if suffix == NPY
        else openface.openface_kind(parsed.columns or openface.DEFAULT_COLUMNS)
        if suffix == openface.SUFFIX
        else detections.detections_kind(
            detections.OBJECTS if parsed.objects is None else parsed.objects
        )
        for stream, suffix in suffixes.items()
    }


def _suffix(folder: Path, split_file: str | None) -> str:
    """The suffix of a folder's files; a split file in the folder does not count."""
    examples: dict[str, Path] = {}
    for file in video_files(folder, split_file):
        if file.suffix in KIND_OPTIONS.values():
            examples.setdefault(file.suffix, file)
    if not examples:
        raise FrameSelectError(
            f"{folder}: contains no .npy, .csv or .json file; expected CLASS/VIDEO.npy [L, D]"
        )
    if len(examples) > 1:
        listed = " and ".join(str(file.relative_to(folder)) for file in examples.values())
        raise FrameSelectError(
            f"{folder}: contains several kinds of files, {listed}; use one folder per kind"
        )
    return next(iter(examples))
