"""The h5 files of video summarisation (TVSum, SumMe and similar data sets) and their splits."""

import dataclasses
import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import h5py
import numpy as np

from data.corpora import Assignment, read_corpus
from data.sources.folders import refuse_missing
from data.sources.source import Source, assigned_source, check_videos
from data.sources.summarization_video import SummarizationVideo
from frame_select_env.cache import schema
from frame_select_env.errors import FrameSelectError

ONE_CLASS = "video"
NO_LABELS = (
    f"no labels: all videos get the class {ONE_CLASS!r} with probability 1, so classification "
    "rewards are always 0; train with a reward that needs no label, or pass --split-file a CSV "
    "with a label column (TVSum's categories, for example) to train a head"
)
RANDOM = "random"
TRAINING_SHARE = 0.8
SPLIT_KEYS = {"train_keys": "train", "test_keys": "test"}


def read_summarization(
    path: Path, split_file: str | None = None, fps: float | None = None, seed: int = 0
) -> Source:
    """Read a summarisation h5; features are read from it one video at a time.

    Only a CSV as `split_file` can provide labels (or targets); without them there is one class with
    given predictions of 1. `fps` turns picks into times; None: as stored in the file.
    """
    if fps is not None and not 0 < fps < np.inf:
        raise FrameSelectError(f"--fps {fps}: must be positive")
    lengths, frames = _survey(path, fps)
    ids = list(lengths)
    assignment = read_splits(split_file, path, ids, seed)
    stream = schema.DEFAULT_STREAM
    source = dataclasses.replace(
        assigned_source(path, assignment, ids),
        lengths=np.array(list(lengths.values()), np.int64),
        features={stream: partial(_read, path, ids, fps, "features")},
        frames={name: partial(_read, path, ids, fps, name) for name in frames},
    )
    if not assignment.outputs:
        source = dataclasses.replace(
            source,
            outputs=[ONE_CLASS],
            labels=np.zeros(len(ids), np.int64),
            predictions={stream: lambda row: np.ones((source.lengths[row], 1), np.float32)},
            notes=[*source.notes, NO_LABELS],
        )
    return check_videos(source)


def read_splits(split_file: str | None, path: Path, ids: list[str], seed: int) -> Assignment:
    """Splits, and from a CSV optionally labels and groups; without labels there are no classes.

    `split_file` is a .json file of splits or a CSV; None or "random": 80 % train, at random.
    """
    if split_file in (None, RANDOM):
        return _random_split(path, ids, seed)
    if Path(split_file).suffix == ".json":
        return _read_json(Path(split_file), path, ids)
    assignment = read_corpus(split_file, path, ids)
    refuse_missing(assignment, "add it")
    return assignment


def _survey(path: Path, fps: float | None) -> tuple[dict[str, int], list[str]]:
    """Every video's number of steps, and which of importance and time the videos have.

    Reads everything except the features, so that errors appear before heads are trained.
    """
    lengths: dict[str, int] = {}
    have: dict[str, list[str]] = {"importance": [], "time": []}
    with _open(path) as file:
        if file.attrs.get("format") == schema.FORMAT:
            raise FrameSelectError(f"{path}: is already a cache; pass it to --data")
        for key in file:
            video = SummarizationVideo(path, file, key, fps)
            lengths[key] = len(video.features())
            for name, videos in have.items():
                if video.read(name) is not None:
                    videos.append(key)
    if not lengths:
        raise FrameSelectError(f"{path}: contains no video")
    for name, videos in have.items():
        if videos and len(videos) < len(lengths):
            lacks = next(key for key in lengths if key not in videos)
            field = {"importance": "gtscore or user_summary", "time": "fps"}[name]
            raise FrameSelectError(
                f"{path}: {lacks}: has no {field}, but {videos[0]} does; "
                "add it to all videos or to none"
            )
    return lengths, [name for name, videos in have.items() if videos]


def _read(path: Path, ids: list[str], fps: float | None, name: str, row: int) -> np.ndarray:
    with _open(path) as file:
        values = SummarizationVideo(path, file, ids[row], fps).read(name)
    assert values is not None
    return values


@contextmanager
def _open(path: Path) -> Iterator[h5py.File]:
    try:
        with h5py.File(path, "r") as file:
            yield file
    except FrameSelectError:
        raise
    except (OSError, KeyError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise FrameSelectError(f"{path}: cannot be read as HDF5: {reason}") from None


def _random_split(path: Path, ids: list[str], seed: int) -> Assignment:
    if len(ids) < 2:
        raise FrameSelectError(
            f"{path}: contains {len(ids)} videos, too few to split; pass --split-file"
        )
    if seed < 0:
        raise FrameSelectError(f"--seed {seed}: must be at least 0")
    training = math.ceil(TRAINING_SHARE * len(ids)) if len(ids) > 4 else len(ids) - 1
    order = np.random.default_rng(seed).permutation(len(ids))
    splits = ["test"] * len(ids)
    for row in order[:training]:
        splits[row] = "train"
    note = (
        f"no --split-file: random split with seed {seed}: {training} training and "
        f"{len(ids) - training} test videos"
    )
    return _unlabelled(ids, {schema.DEFAULT_FOLD: splits}, [note])


def _read_json(file: Path, path: Path, ids: list[str]) -> Assignment:
    """The format of Zhou, Qiao and Xiang's create_split.py: [{"train_keys", "test_keys"}, ...].

    The splits become the folds split1, split2, ...; the default fold is the first. A key may
    contain the name of the h5 (`eccv16_dataset_tvsum_google_pool5/video_1`), as in the augmented
    splits of Fajtl et al. (VASNet); videos of other files are ignored.
    """

    def fail(where: str, message: str) -> NoReturn:
        raise FrameSelectError(f"{file}: {where}: {message}")

    try:
        content: Any = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FrameSelectError(f"{file}: no such split file (--split-file)") from None
    except (OSError, ValueError, RecursionError) as error:
        raise FrameSelectError(f"{file}: cannot be read as JSON: {error}") from None
    if not isinstance(content, list) or not content:
        fail("/", 'expected a list of {"train_keys": [...], "test_keys": [...]}')
    known = set(ids)
    folds: dict[str, list[str]] = {}
    absent: dict[str, None] = {}
    for number, entry in enumerate(content, start=1):
        chosen: dict[str, str] = {}
        for name, split in SPLIT_KEYS.items():
            keys = entry.get(name) if isinstance(entry, dict) else None
            if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
                fail(f"split {number}", f"{name} is missing or not a list of strings")
            for key in keys:
                video = _video_of(key, path)
                if video not in known:
                    absent[key] = None
                    continue
                if video in chosen:
                    fail(f"split {number}", f"{video!r} is duplicated")
                chosen[video] = split
            if split not in chosen.values():
                fail(f"split {number}", f"{name} lists no video of {path.name}")
        folds[f"split{number}"] = [chosen.get(video, "") for video in ids]
    notes = []
    if absent:
        example = next(iter(absent))
        notes = [f"{file.name}: {len(absent)} videos are not in {path.name}: {example} ..."]
    return _unlabelled(ids, {schema.DEFAULT_FOLD: folds["split1"], **folds}, notes)


def _video_of(key: str, path: Path) -> str:
    """The video a key refers to: `video_1`, `FILE/video_1` or `.../FILE.h5/video_1`."""
    where, _, video = key.rpartition("/")
    return video if Path(where).name in ("", path.name, path.stem) else key


def _unlabelled(ids: list[str], splits: dict[str, list[str]], notes: list[str]) -> Assignment:
    return Assignment(outputs=[], labels=[None] * len(ids), splits=splits, notes=notes)
