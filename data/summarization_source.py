"""Reading the h5 files of video summarisation: TVSum, SumMe and their like."""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import h5py
import numpy as np

from data.assigned_source import assigned_source
from data.source import Frames, Source, check_videos
from data.summarization_splits import summarization_splits
from data.summarization_video import SummarizationVideo
from frame_select_env.cache import schema
from frame_select_env.errors import FrameSelectError

ONE_CLASS = "video"
NO_LABELS = (
    f"no labels: one class, {ONE_CLASS!r}, predicted with probability 1, so rewards of "
    "classification are 0 whichever frames are kept; train with a reward that reads no label, or "
    "give --split-file a CSV with a label column (TVSum's categories, say): then a head is trained"
)


def read_summarization(
    path: Path, split_file: str | None = None, fps: float | None = None, seed: int = 0
) -> Source:
    """Read an h5 of video summarisation; features stay in it until they are asked for.

    Args:
        path: The file; its layout is told in `data.summarization_video`.
        split_file: A JSON or CSV; see `data.summarization_splits`. Only a CSV can tell labels (or
            targets); without them there is one class, with ready-made predictions of 1.
        fps: Frames per second of all videos, which makes times of picks; None: what the file tells.
        seed: Draws who trains where there is no split file.

    Raises:
        FrameSelectError: naming the file, the dataset, what is wrong and the remedy.
    """
    if fps is not None and not 0 < fps < np.inf:
        raise FrameSelectError(f"--fps {fps}: must be above 0")
    lengths, frames = _survey(path, fps)
    ids = list(lengths)
    assignment = summarization_splits(split_file, path, ids, seed)
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
            predictions={stream: _ones(list(lengths.values()))},
            notes=[*source.notes, NO_LABELS],
        )
    return check_videos(source)


def _survey(path: Path, fps: float | None) -> tuple[dict[str, int], list[str]]:
    """Every video's number of steps, and which of importance and time the videos have.

    All is read but the features, so that what is wrong is told before heads are trained.
    """
    lengths: dict[str, int] = {}
    have: dict[str, list[str]] = {"importance": [], "time": []}
    with _open(path) as file:
        if file.attrs.get("format") == schema.FORMAT:
            raise FrameSelectError(f"{path}: is a cache already; use it as --data")
        for key in file:
            video = SummarizationVideo(path, file, key, fps)
            lengths[key] = len(video.dataset("features"))
            for name, videos in have.items():
                if video.read(name) is not None:
                    videos.append(key)
    if not lengths:
        raise FrameSelectError(f"{path}: holds no video")
    for name, videos in have.items():
        if videos and len(videos) < len(lengths):
            lacks = next(key for key in lengths if key not in videos)
            source = {"importance": "gtscore or user_summary", "time": "fps"}[name]
            raise FrameSelectError(
                f"{path}: {lacks}: has no {source}, but {videos[0]} has; give it to all or none"
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


def _ones(lengths: list[int]) -> Frames:
    return lambda row: np.ones((lengths[row], 1), np.float32)
