"""Who trains and who tests among the videos of a summarisation h5: a JSON, a CSV, or a draw."""

import json
import math
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from data.corpora import Assignment, read_corpus
from data.folder_source import refuse_missing
from frame_select_env.cache import schema
from frame_select_env.errors import FrameSelectError

RANDOM = "random"
TRAINING_SHARE = 0.8
KEYS = {"train_keys": "train", "test_keys": "test"}


def summarization_splits(
    split_file: str | None, path: Path, ids: list[str], seed: int
) -> Assignment:
    """Splits, and from a CSV perhaps labels and groups; without labels there are no classes.

    Args:
        split_file: A .json file of splits, a CSV, or None or "random": 80 % train, drawn by the
            seed.
        path: The h5 file.
        ids: The videos in it.
        seed: Of the draw.

    Raises:
        FrameSelectError: naming the split file and what is wrong with it.
    """
    if split_file in (None, RANDOM):
        return _drawn(path, ids, seed)
    if Path(split_file).suffix == ".json":
        return _read_json(Path(split_file), path, ids)
    assignment = read_corpus(split_file, path, ids)
    refuse_missing(assignment, "add it")
    return assignment


def _drawn(path: Path, ids: list[str], seed: int) -> Assignment:
    if len(ids) < 2:
        raise FrameSelectError(f"{path}: has {len(ids)} videos; give --split-file or more videos")
    if seed < 0:
        raise FrameSelectError(f"--seed {seed}: must be at least 0")
    training = math.ceil(TRAINING_SHARE * len(ids)) if len(ids) > 4 else len(ids) - 1
    order = np.random.default_rng(seed).permutation(len(ids))
    splits = ["test"] * len(ids)
    for row in order[:training]:
        splits[row] = "train"
    note = (
        f"no --split-file: seed {seed} drew {training} videos to train and "
        f"{len(ids) - training} to test"
    )
    return _unlabelled(ids, {schema.DEFAULT_FOLD: splits}, [note])


def _read_json(file: Path, path: Path, ids: list[str]) -> Assignment:
    """The form of Zhou, Qiao and Xiang's create_split.py: [{"train_keys", "test_keys"}, ...].

    The splits become the folds split1, split2, ...; the default is the first. A key may carry the
    h5's name (`eccv16_dataset_tvsum_google_pool5/video_1`), as in the augmented splits of Fajtl et
    al. (VASNet), whose training videos of other files are left out here.
    """

    def fail(place: str, message: str) -> NoReturn:
        raise FrameSelectError(f"{file}: {place}: {message}")

    try:
        content: Any = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FrameSelectError(f"{file}: no such split file (--split-file)") from None
    except (OSError, ValueError, RecursionError) as error:
        raise FrameSelectError(f"{file}: cannot be read as JSON: {error}") from None
    if not isinstance(content, list) or not content:
        fail("/", 'is no list of {"train_keys": [...], "test_keys": [...]}')
    known = set(ids)
    folds: dict[str, list[str]] = {}
    absent: dict[str, None] = {}
    for number, entry in enumerate(content, start=1):
        chosen: dict[str, str] = {}
        for name, split in KEYS.items():
            keys = entry.get(name) if isinstance(entry, dict) else None
            if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
                fail(f"split {number}", f"{name} is missing or no list of names")
            for key in keys:
                video = _video(key, path)
                if video not in known:
                    absent[key] = None
                    continue
                if video in chosen:
                    fail(f"split {number}", f"{video!r} stands twice")
                chosen[video] = split
            if split not in chosen.values():
                fail(f"split {number}", f"{name} names no video of {path.name}")
        folds[f"split{number}"] = [chosen.get(video, "") for video in ids]
    notes = []
    if absent:
        example = next(iter(absent))
        notes = [f"{file.name}: {len(absent)} videos are not in {path.name}: {example} ..."]
    return _unlabelled(ids, {schema.DEFAULT_FOLD: folds["split1"], **folds}, notes)


def _video(key: str, path: Path) -> str:
    """The video that a key means: `video_1`, `FILE/video_1` or `.../FILE.h5/video_1`."""
    where, _, video = key.rpartition("/")
    return video if Path(where).name in ("", path.name, path.stem) else key


def _unlabelled(ids: list[str], splits: dict[str, list[str]], notes: list[str]) -> Assignment:
    return Assignment(outputs=[], labels=[None] * len(ids), splits=splits, notes=notes)
