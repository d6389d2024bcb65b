"""The sound of a video file as one channel of samples, on the clock of its pictures."""

from pathlib import Path

import av
import numpy as np

from data.video.container import start_seconds
from data.video.failure import one_video

# Seconds by which a piece may stand off from where the samples before it end: times are rounded,
# and the resampler holds some samples back.
GAP = 0.1


def read_sound(path: Path, rate: int) -> np.ndarray | None:
    """Decode the first sound track.

    Every piece is put where its time says: a track that starts late, or has a gap, stays in step
    with the pictures, with silence before it or between.

    Args:
        path: The video file.
        rate: Samples a second to resample to.

    Returns:
        [n] float32 in about -1 to 1, sample k at k / rate seconds from the start of the container;
        None if there is no sound track.

    Raises:
        VideoError: if it cannot be decoded.
    """
    pieces: list[tuple[int, np.ndarray]] = []
    with one_video(path), av.open(str(path), metadata_errors="replace") as container:
        if not container.streams.audio:
            return None
        track = container.streams.audio[0]
        resampler = av.AudioResampler(format="flt", layout="mono", rate=rate)
        start = start_seconds(container)
        origin: float | None = None  # of the samples since the last gap
        count = 0
        for frame in container.decode(track):
            shown = None if frame.time is None else frame.time - start
            if origin is None or (shown is not None and abs(shown - origin - count / rate) > GAP):
                origin, count = (shown or 0.0), 0
            for piece in resampler.resample(frame):
                samples = piece.to_ndarray().ravel().astype(np.float32)
                pieces.append((round(origin * rate) + count, samples))
                count += len(samples)
        for piece in resampler.resample(None):
            samples = piece.to_ndarray().ravel().astype(np.float32)
            pieces.append((round((origin or 0.0) * rate) + count, samples))
    return _laid_out(pieces)


def _laid_out(pieces: list[tuple[int, np.ndarray]]) -> np.ndarray:
    end = max((place + len(samples) for place, samples in pieces), default=0)
    sound = np.zeros(max(0, end), np.float32)
    for place, samples in pieces:
        # Encoders write some samples before time zero, which are not to be heard.
        kept = samples[max(0, -place) :]
        place = max(0, place)
        sound[place : place + len(kept)] = kept
    return sound
