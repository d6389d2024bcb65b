"""A cache as a source: the same videos and features, to be given predictions by another head."""

from collections.abc import Callable

import numpy as np

from data.sources.source import Source
from frame_select_env.cache import FeatureCache


def cached_source(cache: FeatureCache) -> Source:
    """The videos of a cache without their predictions; provenance names and quotes the cache."""
    axes = {stream: cache.features_extent(stream).axes for stream in cache.streams}
    return Source(
        path=cache.path,
        task=cache.task,
        outputs=list(cache.classes),
        ids=cache.ids,
        labels=cache.labels,
        splits={fold: cache.splits(fold) for fold in cache.folds},
        lengths=cache.lengths,
        features={stream: _features(cache, stream) for stream in cache.streams},
        groups=cache.groups,
        frames={name: _frames(cache, name) for name in cache.frame_datasets},
        summaries=cache.summaries if cache.has_summaries else None,
        axes={stream: axis for stream, axis in axes.items() if axis},
        record={
            "original": {"digest": cache.digest, "provenance": cache.provenance},
            **({"f_score": cache.f_score} if cache.has_summaries else {}),
        },
    )


def _features(cache: FeatureCache, stream: str) -> Callable[[int], np.ndarray]:
    return lambda row: cache.features(stream)[cache.start[row] : cache.start[row + 1]]


def _frames(cache: FeatureCache, name: str) -> Callable[[int], np.ndarray]:
    return lambda row: cache.read_frames(name, np.array([row]), int(cache.lengths[row]))[0]
