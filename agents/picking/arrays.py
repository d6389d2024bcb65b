"""Features and predictions that a user gives a `Selector`, checked against its run."""

from collections.abc import Mapping, Sequence
from typing import NoReturn

import numpy as np

from frame_select_env import FeatureCache, FrameSelectError
from frame_select_env.cache.schema import check_finite, check_predictions

ByStream = Mapping[str, np.ndarray]


def checked_features(
    inputs: FeatureCache, streams: Sequence[str], features: np.ndarray | ByStream
) -> dict[str, np.ndarray]:
    """The features by stream, [L, ...] each, in the dtype of the cache that `inputs` stands for.

    Raises:
        FrameSelectError: if a stream is missing, or values do not have its shape or are infinite.
    """
    arrays: dict[str, np.ndarray] = {}
    for stream, values in _by_stream("features", streams, features).items():
        extent, found = inputs.features_extent(stream), np.asarray(values)
        length = len(next(iter(arrays.values()))) if arrays else None
        right = found.ndim == len(extent.shape) and found.shape[1:] == extent.shape[1:]
        if not right or len(found) != (length or max(1, len(found))):
            _fail("features", stream, found, extent.shape[1:], length)
        with np.errstate(over="ignore"):  # what becomes infinite is refused
            arrays[stream] = found.astype(extent.dtype)
        if wrong := check_finite("features", arrays[stream]):
            raise FrameSelectError(f"stream {stream!r}: {wrong}")
    return arrays


def checked_predictions(
    inputs: FeatureCache,
    streams: Sequence[str],
    predictions: np.ndarray | ByStream,
    length: int,
) -> dict[str, np.ndarray]:
    """The predictions by stream, [L, C] float32 each.

    Raises:
        FrameSelectError: if a stream is missing, or they are not [L, C] or not probabilities.
    """
    arrays = {}
    for stream, values in _by_stream("predictions", streams, predictions).items():
        arrays[stream] = found = np.asarray(values, np.float32)
        if found.shape != (length, len(inputs.classes)):
            _fail("predictions", stream, found, (len(inputs.classes),), length)
        if wrong := check_predictions(found, inputs.task):
            raise FrameSelectError(f"stream {stream!r}: {wrong}")
    return arrays


def _by_stream(name: str, streams: Sequence[str], values: np.ndarray | ByStream) -> ByStream:
    """Arrays by stream; one alone is that of the only stream."""
    if not isinstance(values, Mapping):
        values = {streams[0]: values} if len(streams) == 1 else {}
    if set(values) != set(streams):
        raise FrameSelectError(
            f"{name}: the run is on the streams {', '.join(streams)}; give a dict of their arrays"
        )
    return {stream: values[stream] for stream in streams}


def _fail(
    name: str, stream: str, found: np.ndarray, columns: tuple[int, ...], length: int | None
) -> NoReturn:
    shape = ", ".join(map(str, (length or "L", *columns)))
    raise FrameSelectError(
        f"{name} of stream {stream!r} have the shape {list(found.shape)}; the run needs [{shape}]"
    )
