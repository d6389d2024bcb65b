"""Merging: from the shards of all videos to what import makes a cache of."""

from functools import partial
from pathlib import Path

import numpy as np

from data.corpora import Assignment
from data.extraction.settings import Settings
from data.extraction.shards import array_names, read_array
from data.source import Frames, Source, check_videos


def shards_source(
    root: Path,
    folder: Path,
    settings: Settings,
    assignment: Assignment,
    ids: list[str],
    kept: list[int],
) -> Source:
    """The videos whose shards are there, to be read one at a time.

    Args:
        root: The folder of videos, for messages and provenance.
        folder: The shards.
        settings: What the shards hold.
        assignment: Labels and splits of all videos.
        ids: Their ids, in the same order.
        kept: Numbers of the videos that have shards, at least one.
    """
    mine = [ids[row] for row in kept]
    features: dict[str, Frames] = {}
    predictions: dict[str, Frames] = {}
    frames: dict[str, Frames] = {}
    for name in array_names(folder, mine[0]):
        reader = partial(_row, folder, mine, name)
        family, _, stream = name.partition(".")
        if stream:
            (features if family == "features" else predictions)[stream] = reader
        else:
            frames[name] = reader
    groups = assignment.groups
    return check_videos(
        Source(
            path=root,
            task="classification" if assignment.targets is None else "regression",
            outputs=assignment.outputs,
            ids=np.array(mine),
            labels=assignment.numbered_labels()[kept],
            splits={fold: np.array(splits)[kept] for fold, splits in assignment.splits.items()},
            lengths=np.array([len(read_array(folder, video, "time")) for video in mine], np.int64),
            # In the order the user gave them: the first is the one that agents take by default.
            features={spec.stream: features[spec.stream] for spec in settings.streams},
            groups=None if groups is None else np.array(groups)[kept],
            predictions=predictions,
            frames=frames,
            axes={s.stream: axis for s in settings.streams if (axis := settings.axis(s.stream))},
        )
    )


def _row(folder: Path, ids: list[str], name: str, row: int) -> np.ndarray:
    return read_array(folder, ids[row], name)
