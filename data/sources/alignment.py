"""Alignment: which frames of several streams of a video are the same moments.

The coarsest stream decides: each of its frames is one moment, and the other streams give their
nearest frame.
"""

from collections.abc import Mapping

import numpy as np

ROUNDING = 1e-3  # seconds: files have as few as three decimals
SAME_RATE = 0.99  # intervals of this ratio or above count as the same rate
OVERHANG = 0.1  # part of a video that a stream may go on before or after the coarsest one


class MisalignedError(Exception):
    """Why the streams of a video cannot be aligned, and the remedy."""


def align(
    lengths: Mapping[str, int], times: Mapping[str, np.ndarray]
) -> tuple[str, dict[str, np.ndarray]]:
    """The coarsest stream, and the frames [L] int64 of every stream at its L moments.

    The coarsest stream has the longest mean interval between frames; of several at the same rate,
    the fewest frames. Every other stream with times gives the frame nearest to each moment (of two
    equally near ones the earlier), at most half an interval of the coarsest stream away; streams
    without times must have L frames.

    Args:
        lengths: Number of frames, by stream.
        times: [number of frames] seconds of the streams that have times.

    Raises:
        MisalignedError: if that is impossible.
    """
    reference = _coarsest(times) if len(lengths) > 1 and times else next(iter(lengths))
    count = lengths[reference]
    frames = {}
    for stream, length in lengths.items():
        if stream != reference and stream in times:
            frames[stream] = _nearest(stream, times[stream], reference, times[reference])
            continue
        if length != count:
            lacks = "neither has times" if not times else f"{stream} has no times"
            raise MisalignedError(
                f"stream {stream} has {length} frames and {reference} has {count}, and {lacks}; "
                "extract the same frames, or use files with times: OpenFace's .csv, or .json with "
                "a time per image"
            )
        frames[stream] = np.arange(count)
    return reference, frames


def _coarsest(times: Mapping[str, np.ndarray]) -> str:
    for stream, seconds in times.items():
        if len(back := np.flatnonzero(np.diff(seconds) <= 0)):
            raise MisalignedError(
                f"stream {stream}: the times of its {len(seconds)} frames do not increase at frame "
                f"{back[0] + 1} ({seconds[back[0] + 1]:.3f} s); sort the frames by time"
            )
    # A single frame is the coarsest stream there is.
    intervals = {stream: _interval(seconds) or np.inf for stream, seconds in times.items()}
    least = SAME_RATE * max(intervals.values())
    return min((s for s in times if intervals[s] >= least), key=lambda s: len(times[s]))


def _nearest(stream: str, seconds: np.ndarray, reference: str, moments: np.ndarray) -> np.ndarray:
    """The frame of a stream nearest to each moment of the coarsest one, [L] int64."""
    after = np.searchsorted(seconds, moments).clip(1, max(1, len(seconds) - 1))
    pair = np.stack([after - 1, after.clip(max=len(seconds) - 1)])
    distances = np.abs(seconds[pair] - moments)
    nearest = np.where(distances[1] < distances[0], pair[1], pair[0])
    interval = _interval(moments) or _interval(seconds)
    limit, found = interval / 2 + ROUNDING, np.abs(seconds[nearest] - moments)
    extents = f"{_extent(reference, moments)}, {_extent(stream, seconds)}"
    remedy = "extract both from the same part of the video"
    if (found > limit).any():
        frame = int(found.argmax())
        raise MisalignedError(
            f"frame {frame} of stream {reference} ({moments[frame]:.3f} s) is {found[frame]:.3f} s "
            f"from the nearest frame of {stream}; at most {limit:.3f} s are allowed ({extents}); "
            f"{remedy}"
        )
    if len(moments) > 1:
        allowed = max(interval, OVERHANG * (moments[-1] - moments[0])) + ROUNDING
        if max(moments[0] - seconds[0], seconds[-1] - moments[-1]) > allowed:
            raise MisalignedError(
                f"stream {stream} goes on for more than {allowed:.3f} s where {reference} has no "
                f"frames ({extents}); {remedy}"
            )
    return nearest


def _interval(seconds: np.ndarray) -> float:
    """The mean interval between frames; 0 for a single frame."""
    return float(seconds[-1] - seconds[0]) / max(1, len(seconds) - 1)


def _extent(stream: str, seconds: np.ndarray) -> str:
    return f"{stream}: {len(seconds)} frames, {seconds[0]:.3f} to {seconds[-1]:.3f} s"
