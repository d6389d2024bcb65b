"""frame-select import: make a cache from existing features."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import h5py
import numpy as np
import tyro
from rich.markup import escape

from data.commands.console import metavar, parse, progress_console
from data.commands.inspect import print_written
from data.corpora.read import split_file_name
from data.head.crossfit import Crossfit
from data.head.folds import crossfit_notes
from data.sources import detections, openface
from data.sources.folders import NPY, FolderKind, npy_kind, read_folder, video_files
from data.sources.group_folds import add_group_folds
from data.sources.importing import import_source
from data.sources.npz import read_npz
from data.sources.source import Source
from data.sources.summarization import read_summarization
from frame_select_env.errors import FrameSelectError

# Option that applies to only one kind of folder -> the suffix of that kind.
KIND_OPTIONS = {"axis": NPY, "columns": openface.SUFFIX, "objects": detections.SUFFIX}


@dataclass(frozen=True)
class ImportArguments:
    """Make a cache from existing features.

    Unless predictions are given, a linear head predicts every frame. It is trained on the training
    videos through the consensus (the averaged probabilities of a video), with the penalty that has
    the best cross-validated video accuracy.

    FEATURES.npz contains features [F, D] (or features.STREAM), lengths [N], labels [N] int (or [N,
    K] float for regression), ids [N], and splits [N] with the values train, val, test or
    empty (further folds: splits.FOLD). Optional: groups [N], classes [C] or targets [K],
    importance [F], time [F] in seconds, thumbnail [F, h, w(, 3)] uint8, predictions [F, C] (or
    predictions.STREAM).

    FOLDER is a folder of class folders with one file per video, all of one kind: .npy arrays [L,
    D]; .csv files written by OpenFace 2; or .json detections in COCO format, with one image per
    frame: an object of "images", a list of {id, width, height, optionally time in seconds}, of
    "annotations", a list of {image_id, category_id, bbox, score}, and optionally of "categories",
    a list of {id, name}.

    SUMMARY.h5 is a file of video summarisation (TVSum, SumMe; Zhou, Qiao and Xiang 2018) with one
    group per video: features [n_steps, D], gtscore [n_steps] (or user_summary), picks [n_steps].
    The cache then has importance scores. Without labels it has a single class, and only rewards
    that need no label are useful.
    """

    #: FEATURES.npz, FOLDER or SUMMARY.h5.
    source: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="SOURCE")]
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
    #: Middle axis of .npy arrays: view for [L, V, D], such as crops, predicted separately;
    #: object for [L, K, D].
    axis: Annotated[Literal["view", "object"] | None, metavar("view|object")] = None
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
    #: Train the head on at most this many evenly spaced frames per video; 0: all. Only these are
    #: held in memory (at most videos x frames x D x 12 bytes); all frames are predicted.
    head_frames: Annotated[int, tyro.conf.arg(metavar="N")] = 64
    #: Seed of cross-fitting, random splits and folds of groups.
    seed: int = 0


@np.errstate(over="ignore")  # what is too large for float32 becomes inf, which is refused
def import_features(arguments: list[str]) -> None:
    """Run the command."""
    parsed = parse(ImportArguments, "import", arguments)
    console = progress_console()
    with console.status(f"reading {escape(parsed.source.name)}"):
        source = _read(parsed)
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


def _read(parsed: ImportArguments) -> Source:
    source, split_file = parsed.source, parsed.split_file
    if source.is_dir():
        if parsed.predictions is not None and not parsed.predictions.is_dir():
            raise FrameSelectError(f"{parsed.predictions}: no such folder (--predictions)")
        if parsed.fps is not None:
            raise FrameSelectError(f"--fps needs an .h5 file; {source.name} is a folder")
        kind = _folder_kind(parsed)
        return read_folder(source, split_file, parsed.predictions, parsed.seed, kind)
    if not source.is_file():
        raise FrameSelectError(f"{source}: no such file or folder")
    for option in (*KIND_OPTIONS, "predictions"):
        if getattr(parsed, option) not in (None, ()):
            raise FrameSelectError(f"--{option} needs a folder; {source.name} is a file")
    if source.suffix in (".h5", ".hdf5") or h5py.is_hdf5(source):
        return read_summarization(source, split_file, parsed.fps, parsed.seed)
    for option, value in (("split-file", split_file), ("fps", parsed.fps)):
        if value is not None:
            raise FrameSelectError(
                f"--{option} needs a folder or an .h5 file; {source.name} defines its own"
            )
    return read_npz(source)


def _folder_kind(parsed: ImportArguments) -> FolderKind:
    """The kind of a folder's files; a split file in the folder does not count."""
    folder = parsed.source
    examples: dict[str, Path] = {}
    for file in video_files(folder, parsed.split_file):
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
    (suffix,) = examples
    for option, needed in KIND_OPTIONS.items():
        if getattr(parsed, option) not in (None, ()) and suffix != needed:
            raise FrameSelectError(
                f"--{option} needs a folder of {needed} files; {folder} contains {suffix} files"
            )
    if suffix == openface.SUFFIX:
        return openface.openface_kind(parsed.columns or openface.DEFAULT_COLUMNS)
    if suffix == detections.SUFFIX:
        objects = detections.OBJECTS if parsed.objects is None else parsed.objects
        return detections.detections_kind(objects)
    return npy_kind(parsed.axis or "")
