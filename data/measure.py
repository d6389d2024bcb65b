"""How well a cache's predictions do when every frame is kept: the baseline of all selection."""

from dataclasses import dataclass

import numpy as np

from frame_select_env.cache import FeatureCache, schema
from frame_select_env.consensus import consensus, is_correct

BATCH = 256


@dataclass(frozen=True)
class AllFrames:
    """Results of one split of one fold.

    Attributes:
        videos: Labelled videos that were judged.
        accuracy: In [0, 1]; None for regression.
        pcc: Pearson correlation, averaged over targets; None for classification, NaN where
            predictions or labels do not vary.
        mae: Mean absolute error; None for classification.
    """

    videos: int
    accuracy: float | None = None
    pcc: float | None = None
    mae: float | None = None


def all_frames(
    cache: FeatureCache,
    split: str,
    fold: str = schema.DEFAULT_FOLD,
    streams: tuple[str, ...] | None = None,
    num_frames: int = 25,
) -> AllFrames:
    """Judge the consensus of all T frames on one split.

    Args:
        cache: The cache.
        split: A split that has videos.
        fold: Whose split and predictions.
        streams: Streams whose consensus is averaged 1 : 1; None: all.
        num_frames: T.

    Raises:
        CacheError: if a video's predictions are found to be wrong.
    """
    streams = streams or cache.streams
    rows = cache.rows(split, fold)
    if cache.task == "classification":
        rows = rows[cache.labels[rows] != schema.UNKNOWN_LABEL]
    if not len(rows):
        return AllFrames(0)
    predicted = np.concatenate(
        [
            np.mean([_consensus(cache, name, chunk, fold, num_frames) for name in streams], axis=0)
            for chunk in np.array_split(rows, -(-len(rows) // BATCH))
        ]
    )
    labels = cache.labels[rows]
    if cache.task == "classification":
        return AllFrames(len(rows), accuracy=float(is_correct(predicted, labels).mean()))
    pairs = zip(predicted.T, labels.T, strict=True)
    return AllFrames(
        len(rows),
        pcc=float(np.mean([_correlation(a, b) for a, b in pairs])),
        mae=float(np.abs(predicted - labels).mean()),
    )


def _consensus(
    cache: FeatureCache, stream: str, rows: np.ndarray, fold: str, num_frames: int
) -> np.ndarray:
    predictions = cache.read_predictions(rows, num_frames, fold, stream)
    _, valid = cache.sample(rows, num_frames)
    largest = cache.predictions_extent(stream, fold).largest
    return consensus(predictions, valid, valid, largest=largest)


def _correlation(predicted: np.ndarray, label: np.ndarray) -> float:
    if len(label) < 2 or predicted.std() == 0 or label.std() == 0:
        return float("nan")
    return float(np.corrcoef(predicted, label)[0, 1])
