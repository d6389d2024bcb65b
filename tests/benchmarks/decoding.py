"""Reading frames against bare PyAV: the same frames of the same files, as RGB arrays."""

import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import av
import numpy as np

from data.video.frames import read_sizes
from data.video.timeline import Sampling, read_timeline
from tests.shared.shape_videos import write_video

FRAMES, WIDTH, HEIGHT = 1500, 640, 360
TURNS = 5
# What: container, frames between keyframes, T.
CASES = {
    "mp4, all frames": ("a.mp4", 48, FRAMES),
    "mp4, 25 frames, a keyframe every 48": ("a.mp4", 48, 25),
    "mp4, 25 frames, a keyframe every 12": ("a.mp4", 12, 25),
    "mp4, 25 frames, one keyframe": ("a.mp4", 5000, 25),
    "mkv, 25 frames, a keyframe every 48": ("a.mkv", 48, 25),
    "avi (MPEG-4), 25 frames": ("a.avi", 12, 25),
}


def measure() -> list[dict[str, object]]:
    """A row a case; both ways take turns, decode in one thread, and the best of each counts."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for what, (name, keyframes, count) in CASES.items():
            path = Path(folder) / name
            codec = {"codec": "mpeg4"} if path.suffix == ".avi" else {}
            write_video(path, _pictures(), fps=25, keyframes=keyframes, **codec)
            wanted = Sampling(count).numbers(read_timeline(path))
            ours, bare = [], []
            for _ in range(TURNS):
                bare.append(_seconds(partial(_bare, path, wanted)))
                ours.append(_seconds(partial(_ours, path, count)))
            best, base = min(ours), min(bare)
            rows.append(
                {
                    "video": what,
                    "frames": len(wanted),
                    "read_frames, ms": 1000 * best,
                    "bare PyAV, ms": 1000 * base,
                    "ratio": best / base,
                }
            )
    return rows


def _pictures() -> np.ndarray:
    """Soft noise that moves: as hard to decode as an ordinary video."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 255, (HEIGHT // 8 + 8, WIDTH // 8 + 8, 3)).astype(np.uint8)
    still = np.kron(coarse, np.ones((8, 8, 1), np.uint8))
    starts = np.arange(FRAMES) % 60
    return _Moving([still[s : s + HEIGHT, s : s + WIDTH] for s in starts])  # type: ignore[return-value]


class _Moving(list):  # type: ignore[type-arg]
    """A list of pictures with the shape of an array: views, not a gigabyte of copies."""

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self), *self[0].shape)


def _seconds(run: Callable[[], None]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def _ours(path: Path, count: int) -> None:
    timeline = read_timeline(path)
    for _ in read_sizes(path, timeline, Sampling(count).numbers(timeline), [None]):
        pass


def _bare(path: Path, wanted: np.ndarray) -> None:
    """The shortest loop anyone would write: decode up to the last, convert the wanted ones."""
    chosen, last = set(wanted.tolist()), int(wanted[-1])
    for number, frame in enumerate(_decoded(path)):
        if number in chosen:
            frame.to_ndarray(format="rgb24")
        if number == last:
            return


def _decoded(path: Path) -> Iterator[av.VideoFrame]:
    with av.open(str(path)) as container:
        track = container.streams.video[0]
        track.codec_context.thread_count = 1
        track.thread_type = "SLICE"
        yield from container.decode(track)
