"""Video summarisation files in HDF5 (TVSum, SumMe, other data sets) and their splits.

The layout is that of Zhou, Qiao and Xiang, "Deep Reinforcement Learning for Unsupervised Video
Summarization with Diversity-Representativeness Reward" (AAAI 2018), for example
eccv16_dataset_tvsum_google_pool5.h5. Each video is a group; these datasets are read:

    features [n_steps, D]            of a subset of the frames, every 15th in TVSum
    gtscore [n_steps]                importance; if absent, the mean over users of user_summary
    picks [n_steps]                  frame numbers of the steps, from 0
    user_summary [users, n_frames]   0 or 1: what each user kept
    change_points [shots, 2]         first and last frame of each shot
    user_scores [users, n_steps]     optional, our addition: the score that each user gave (TVSum's
                                     1 to 5); or [users, n_frames]; if absent, user_summary
    fps                              optional, our addition; or an attribute of the group or file

Others (n_frame_per_seg, gtsummary, video_name, ...) are ignored.
"""

import dataclasses
import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Literal, NoReturn

import h5py
import numpy as np

from data.corpora.assignment import Assignment
from data.corpora.read import read_corpus
from data.corpora.text_files import read_json
from data.sources.folders import refuse_missing
from data.sources.source import Source, assigned_source, check_videos
from data.sources.summarization_group import VideoGroup
from frame_select_env.cache import Summaries, schema
from frame_select_env.cache.summaries import ABSENT
from frame_select_env.errors import FrameSelectError

NO_LABELS = (
    "labels unknown: agents train with diversity_representativeness; pass --split-file a CSV with "
    "a label column (TVSum's categories, for example) to train a head"
)
FScore = Literal["mean", "max"]  # over raters
# In the words of messages: what a video may lack that others have.
FIELDS = {
    "importance": "gtscore or user_summary",
    "time": "fps",
    "number": "picks",
    "raters": "user_summary",
    "summaries": "change_points, or user_summary of 0 and 1",
}
RANDOM = "random"
TRAINING_SHARE = 0.8
SPLIT_KEYS = {"train_keys": "train", "test_keys": "test"}


def read_summarization(
    path: Path,
    split_file: str | None = None,
    fps: float | None = None,
    seed: int = 0,
    f_score: FScore | None = None,
) -> Source:
    """Read a summarisation h5; features are read from it one video at a time.

    Only a CSV as `split_file` can provide labels (or targets), which are unknown without it. `fps`
    turns picks into times; None: as stored in the file. `f_score` is how F-scores of several raters
    become one; None: see `f_score_rule`.
    """
    if fps is not None and not 0 < fps < np.inf:
        raise FrameSelectError(f"--fps {fps}: must be positive")
    lengths, raters, known = _survey(path, fps)
    ids = list(lengths)
    if split_file in (None, RANDOM):
        assignment = _random_split(path, ids, seed)
    elif Path(split_file).suffix == ".json":
        assignment = _json_splits(Path(split_file), path, ids)
    else:
        assignment = read_corpus(split_file, path, ids)
        refuse_missing(assignment, "add it")

    def read(name: str, row: int) -> np.ndarray:
        with _open(path) as file:
            values = np.asarray(VideoGroup(path, file, ids[row], fps).read(name))
        return _padded(values, raters, np.nan) if name == "raters" else values

    def read_summaries(row: int) -> Summaries:
        with _open(path) as file:
            found = VideoGroup(path, file, ids[row], fps).summaries()
        assert found is not None  # `_survey` saw it
        return dataclasses.replace(found, kept=_padded(found.kept, raters, ABSENT))

    stream = schema.DEFAULT_STREAM
    source = dataclasses.replace(
        assigned_source(path, assignment, ids),
        lengths=np.array(list(lengths.values()), np.int64),
        features={stream: partial(read, "features")},
        frames={name: partial(read, name) for name in known if name != "summaries"},
        summaries=read_summaries if "summaries" in known else None,
    )
    if "summaries" in known:
        rule = f_score or f_score_rule(path)
        why = "--f-score" if f_score else "SumMe" if rule == "max" else "all but SumMe"
        note = f"F-scores are the {'maximum' if rule == 'max' else 'mean'} over raters ({why})"
        source = dataclasses.replace(
            source, notes=[*source.notes, note], record={**source.record, "f_score": rule}
        )
    elif f_score:
        raise FrameSelectError(
            f"--f-score: {path.name} has no summaries of users: {FIELDS['summaries']} are missing"
        )
    if not assignment.outputs:
        source = dataclasses.replace(source, notes=[*source.notes, NO_LABELS])
    return check_videos(source)


def f_score_rule(path: Path) -> FScore:
    """How a file's F-scores of several raters become one: by the name of the data set.

    The maximum on SumMe, the mean elsewhere (Zhang, Chao, Sha and Grauman, "Video Summarization
    with Long Short-term Memory", ECCV 2016, and the code of later papers).
    """
    return "max" if "summe" in path.stem.lower() else "mean"


def _padded(values: np.ndarray, raters: int, fill: float) -> np.ndarray:
    """Values [n, r] with columns for all R raters."""
    missing = raters - values.shape[1]
    return np.pad(values, ((0, 0), (0, missing)), constant_values=fill)


def _survey(path: Path, fps: float | None) -> tuple[dict[str, int], int, list[str]]:
    """Every video's number of steps, the most raters of one, and which of `FIELDS` videos have."""
    # Reads everything except the features, so that errors appear before heads are trained.
    lengths: dict[str, int] = {}
    have: dict[str, list[str]] = {name: [] for name in FIELDS}
    most = 0
    with _open(path) as file:
        if file.attrs.get("format") == schema.FORMAT:
            raise FrameSelectError(f"{path}: is already a cache; pass it to --data")
        for key in file:
            video = VideoGroup(path, file, key, fps)
            lengths[key] = len(video.features())
            found = {name: video.read(name) for name in FIELDS if name != "summaries"}
            summaries = video.summaries()
            for name, values in {**found, "summaries": summaries}.items():
                if values is not None:
                    have[name].append(key)
            counts = [found["raters"], None if summaries is None else summaries.kept]
            most = max(most, *(one.shape[1] for one in counts if one is not None), 0)
    if not lengths:
        raise FrameSelectError(f"{path}: contains no video")
    for name, videos in have.items():
        if videos and len(videos) < len(lengths):
            lacks = next(key for key in lengths if key not in videos)
            raise FrameSelectError(
                f"{path}: {lacks}: has no {FIELDS[name]}, but {videos[0]} does; "
                "add it to all videos or to none"
            )
    return lengths, most, [name for name, videos in have.items() if videos]


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
    """80 % of the videos for training, at random."""
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
    return Assignment([], [None] * len(ids), {schema.DEFAULT_FOLD: splits}, notes=[note])


def _json_splits(file: Path, path: Path, ids: list[str]) -> Assignment:
    """The format of Zhou, Qiao and Xiang's create_split.py: [{"train_keys", "test_keys"}, ...].

    The splits become the folds split1, split2, ...; the default fold is the first. A key may
    contain the name of the h5 (`eccv16_dataset_tvsum_google_pool5/video_1`), as in the augmented
    splits of Fajtl et al. (VASNet); videos of other files are ignored.
    """

    def fail(where: str, message: str) -> NoReturn:
        raise FrameSelectError(f"{file}: {where}: {message}")

    if not file.exists():
        raise FrameSelectError(f"{file}: no such split file (--split-file)")
    content = read_json(file)
    if not isinstance(content, list) or not content:
        fail("/", 'expected a list of {"train_keys": [...], "test_keys": [...]}')
    folds: dict[str, list[str]] = {}
    absent: dict[str, None] = {}
    for number, entry in enumerate(content, start=1):
        chosen: dict[str, str] = {}
        for name, split in SPLIT_KEYS.items():
            keys = entry.get(name) if isinstance(entry, dict) else None
            if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
                fail(f"split {number}", f"{name} is missing or not a list of strings")
            for key in keys:
                # `video_1`, `FILE/video_1` or `.../FILE.h5/video_1`
                where, _, video = key.rpartition("/")
                if Path(where).name not in ("", path.name, path.stem) or video not in ids:
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
    splits = {schema.DEFAULT_FOLD: folds["split1"], **folds}
    return Assignment([], [None] * len(ids), splits, notes=notes)
