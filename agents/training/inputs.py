"""inputs.h5 of a run folder: what a trained agent needs to see new videos as it saw the cache's.

It is the cache without its videos: streams, classes, the fold's heads and the provenance,
which says how features are made, and one frame of zeros, since a cache has at least one.
"""

from pathlib import Path
from typing import Any

import numpy as np

from agents.training.task import Task
from frame_select_env import FeatureCache, FrameSelectError, write_cache
from frame_select_env.cache.schema import DEFAULT_FOLD

INPUTS = "inputs.h5"


def write_inputs(folder: Path, cache: FeatureCache, task: Task) -> None:
    """Write inputs.h5 of a run on the streams and the fold of its task."""
    streams, outputs = cache.parts(task.stream), len(cache.classes)
    extents = {stream: cache.features_extent(stream) for stream in streams}
    classification = cache.task == "classification"
    prediction = np.full((1, outputs), 1 / outputs if classification else 0.0, np.float32)
    predictions = dict.fromkeys(streams, prediction)
    video: dict[str, Any] = {
        "id": "none",
        "label": 0 if classification else np.zeros(outputs, np.float32),
        "split": task.split,
        "features": {
            stream: np.zeros((1, *one.shape[1:]), one.dtype) for stream, one in extents.items()
        },
        "predictions": predictions,
    }
    if task.fold != DEFAULT_FOLD:
        video["folds"] = {task.fold: {"split": task.split, "predictions": predictions}}
    heads = {stream: cache.head(stream, task.fold) for stream in streams}
    names: dict[str, Any] = {"classes" if classification else "targets": list(cache.classes)}
    write_cache(
        folder / INPUTS,
        [video],
        axes={stream: one.axes for stream, one in extents.items() if one.axes},
        provenance={name: one for name, one in cache.provenance.items() if name != "skipped"},
        heads={task.fold: {stream: head for stream, head in heads.items() if head is not None}},
        **names,
    )


def read_inputs(folder: Path) -> FeatureCache:
    """The cache in inputs.h5.

    Raises:
        FrameSelectError: if there is none, or it is damaged.
    """
    file = folder / INPUTS
    if not file.is_file():
        raise FrameSelectError(
            f"{folder}: lacks {INPUTS}, which says how features of new videos are made: it was "
            "trained by an earlier version; train again"
        )
    return FeatureCache(file)
