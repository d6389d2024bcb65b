"""Video summarisation files in HDF5 (TVSum, SumMe, other data sets) and their splits.

The layout is that of Zhou, Qiao and Xiang, "Deep Reinforcement Learning for Unsupervised Video
Summarization with Diversity-Representativeness Reward" (AAAI 2018), for example
eccv16_dataset_tvsum_google_pool5.h5. Each video is a group; these datasets are read:

    features [n_steps, D]            of a subset of the frames, every 15th in TVSum
    gtscore [n_steps]                importance; if absent, the mean over users of user_summary
    picks [n_steps]                  frame numbers of the steps, from 0
    user_summary [users, n_frames]
    fps                              optional, our addition; or an attribute of the group or file

Others (change_points, n_frame_per_seg, gtsummary, video_name, ...) are ignored.
"""

import dataclasses
import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NoReturn

import h5py
import numpy as np

from data.corpora.assignment import Assignment
from data.corpora.read import read_corpus
from data.corpora.text_files import read_json
from data.sources.folders import refuse_missing
from data.sources.source import Source, assigned_source, check_videos
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
    if split_file in (None, RANDOM):
        assignment = _random_split(path, ids, seed)
    elif Path(split_file).suffix == ".json":
        assignment = _json_splits(Path(split_file), path, ids)
    else:
        assignment = read_corpus(split_file, path, ids)
        refuse_missing(assignment, "add it")

    def read(name: str, row: int) -> np.ndarray:
        with _open(path) as file:
            return np.asarray(_Video(path, file, ids[row], fps).read(name))

    stream = schema.DEFAULT_STREAM
    source = dataclasses.replace(
        assigned_source(path, assignment, ids),
        lengths=np.array(list(lengths.values()), np.int64),
        features={stream: partial(read, "features")},
        frames={name: partial(read, name) for name in frames},
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


def _survey(path: Path, fps: float | None) -> tuple[dict[str, int], list[str]]:
    """Every video's number of steps, and which of importance and time the videos have."""
    # Reads everything except the features, so that errors appear before heads are trained.
    lengths: dict[str, int] = {}
    have: dict[str, list[str]] = {"importance": [], "time": []}
    with _open(path) as file:
        if file.attrs.get("format") == schema.FORMAT:
            raise FrameSelectError(f"{path}: is already a cache; pass it to --data")
        for key in file:
            video = _Video(path, file, key, fps)
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


class _Video:
    """The group `key` of one video in an open file; reads only plain numeric datasets."""

    def __init__(self, path: Path, file: h5py.File, key: str, fps: float | None) -> None:
        self.path, self.file, self.key, self.given_fps = path, file, key, fps
        self.refuse_link(file, key, "")
        self.group = file[key]
        if not isinstance(self.group, h5py.Group):
            self.fail("", "is not a video group with features, gtscore and picks")

    def read(self, name: str) -> np.ndarray | None:
        """`features` [n_steps, D], `importance` [n_steps] or `time` [n_steps] (s); None: absent."""
        if name == "features":
            return self.features()[:]
        return self.importance() if name == "importance" else self.time()

    def features(self) -> h5py.Dataset:
        """The dataset `features`, which must exist and have at least one step."""
        item = self.dataset("features", axes=2)
        if item is None:
            have = ", ".join(self.group) or "nothing"
            self.fail("features", f"is missing; the group contains {have}")
        if not item.size:
            self.fail("features", f"has shape {item.shape}; remove the video")
        return item

    def importance(self) -> np.ndarray | None:
        """[n_steps] float32: gtscore, or the mean over users of user_summary at picks."""
        scores = self.steps("gtscore")
        if scores is not None:
            return scores.astype(np.float32)
        users = self.dataset("user_summary", axes=2)
        if users is None:
            return None
        picks = self.picks("user_summary")
        if not len(users) or picks.max() >= users.shape[1]:
            self.fail("user_summary", f"has shape {users.shape}, but picks go up to {picks.max()}")
        mean = users[:].mean(axis=0, dtype=np.float64)[picks]
        if wrong := schema.check_finite("user_summary", mean):
            self.fail("user_summary", wrong)
        return mean.astype(np.float32)

    def time(self) -> np.ndarray | None:
        """[n_steps] float32 seconds: picks divided by the frame rate; None without a rate."""
        fps: object = self.given_fps
        if fps is None:
            dataset = self.dataset("fps", axes=0)
            stored = self.group.attrs.get("fps", self.file.attrs.get("fps"))
            fps = stored if dataset is None else dataset[()]
            if fps is None:
                return None
        number = np.asarray(fps)
        if number.shape != () or number.dtype.kind not in "fiu" or not 0 < number < np.inf:
            self.fail("fps", f"is {fps!r}; expected one positive number")
        return (self.picks("fps") / float(number)).astype(np.float32)

    def picks(self, needed_by: str) -> np.ndarray:
        """[n_steps] int64, increasing."""
        picks = self.steps("picks")
        if picks is None:
            self.fail("picks", f"is missing; {needed_by} needs it")
        # Convert to signed integers first: differences of unsigned integers are never negative.
        whole = picks.astype(np.int64)
        if whole.min() < 0 or (np.diff(whole) <= 0).any() or (whole != picks).any():
            self.fail("picks", "must be increasing whole numbers, from 0")
        return whole

    def steps(self, name: str) -> np.ndarray | None:
        """A dataset with one finite number per step."""
        item = self.dataset(name, axes=1)
        if item is None:
            return None
        count = len(self.features())
        if len(item) != count:
            self.fail(name, f"has {len(item)} values; features has {count} steps")
        values = item[:]
        if wrong := schema.check_finite(name, values):
            self.fail(name, wrong)
        return values

    def dataset(self, name: str, axes: int) -> h5py.Dataset | None:
        """A numeric dataset with that many axes; None if absent."""
        if self.group.get(name, getlink=True) is None:
            return None
        self.refuse_link(self.group, name, name)
        item = self.group[name]
        if not isinstance(item, h5py.Dataset):
            self.fail(name, "is a group; expected a dataset")
        if item.is_virtual or item.external:
            self.fail(name, "is a virtual or external dataset, which is not read; copy the data")
        if item.dtype.kind not in "fiu" or item.ndim != axes:
            found = f"has dtype {item.dtype} and shape {item.shape}"
            self.fail(name, f"{found}; expected numbers with {axes} axes")
        return item

    def refuse_link(self, group: h5py.Group, key: str, name: str) -> None:
        """Refuse links: they may point to other files on this machine."""
        if not isinstance(group.get(key, getlink=True), h5py.HardLink):
            self.fail(name, "is an external or soft link, which is not followed; copy the data")

    def fail(self, name: str, message: str) -> NoReturn:
        """Raise a one-line error about a dataset of this video."""
        where = f"{self.key}/{name}" if name else self.key
        raise FrameSelectError(f"{self.path}: {where}: {message}")
