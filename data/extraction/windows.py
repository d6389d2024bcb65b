"""Windows: which frames every clip is made of, and clips from one pass over the frames."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from data.video.timeline import Timeline


def clip_frames(timeline: Timeline, sampled: np.ndarray, frames: int, fps: float) -> np.ndarray:
    """The frames of the clip around every sampled frame.

    Args:
        timeline: The video's.
        sampled: [F] numbers of frames, increasing.
        frames: n, frames of a clip.
        fps: Frames a second: those on the screen at n times around the sampled one, evenly to both
            sides; 0: n frames that follow one another, of them (n - 1) // 2 before it.

    Returns:
        [F, n] int64, not decreasing along either axis; at the ends the first or last frame repeats.
    """
    if not fps:
        offsets = np.arange(frames) - (frames - 1) // 2
        return np.clip(sampled[:, None] + offsets, 0, len(timeline) - 1)
    seconds = (np.arange(frames) - (frames - 1) / 2) / fps
    return timeline.shown_at(timeline.seconds[sampled][:, None] + seconds)


def collect(
    pictures: Iterable[tuple[int, Sequence[np.ndarray]]],
    windows: Mapping[str, np.ndarray],
    sizes: Mapping[str, int],
    batch: int,
) -> Iterator[tuple[str, np.ndarray]]:
    """Put clips together while frames come by once; a frame is held as long as a clip needs it.

    Args:
        pictures: Numbers and frames [h, w, 3] in several sizes, in increasing order: at least all
            of the windows'.
        windows: Consumer -> [F, n] frames of its clips, as `clip_frames` gives them.
        sizes: Consumer -> which of the sizes it wants.
        batch: Clips given at a time, fewer at the end.

    Yields:
        Consumer, and its next clips [up to batch, n, h, w, 3].
    """
    held: dict[int, Sequence[np.ndarray]] = {}
    done = dict.fromkeys(windows, 0)  # clips given, by consumer
    for number, picture in pictures:
        held[number] = picture
        for consumer, window in windows.items():
            while ready := _ready(window[done[consumer] :, -1], number, batch):
                rows = window[done[consumer] : done[consumer] + ready].tolist()
                done[consumer] += ready
                size = sizes[consumer]
                clips = [np.stack([held[frame][size] for frame in row]) for row in rows]
                yield consumer, np.stack(clips)
        needed = min((w[done[c], 0] for c, w in windows.items() if done[c] < len(w)), default=None)
        for old in [f for f in held if needed is None or f < needed]:
            del held[old]


def _ready(last: np.ndarray, number: int, batch: int) -> int:
    """How many clips to give now, of those whose last frames are `last`: a batch, or the rest."""
    complete = int(np.searchsorted(last, number, side="right"))
    return min(complete, batch) if complete >= batch or complete == len(last) else 0
