"""One video: from its file to the arrays of its shard, in one pass over its frames."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from scipy.special import softmax
from torch.nn import functional as F

from data.backbones import LOG_MEL, Backbone
from data.extraction.settings import Settings
from data.video.files import VideoError
from data.video.frames import read_sizes
from data.video.sound import RATE, log_mel_at, read_sound
from data.video.timeline import MisnamedError, Timeline, count_frames, read_timeline

Arrays = dict[str, np.ndarray]
Backbones = Mapping[str, Backbone]  # by stream
# Clips [b, n, h, w, 3] uint8 -> arrays [b, ...] by name.
Consumer = Callable[[np.ndarray], Arrays]
Result = TypeVar("Result")
THUMBNAIL = "thumbnail"


def extract_video(
    path: Path, settings: Settings, backbones: Backbones, threads: int = 1
) -> tuple[Arrays, bool]:
    """The arrays of one video's shard, and whether requested sound is missing.

    `time` [F] float32 s; `number` [F] int32, in the video, from 0; for every stream
    `features.STREAM` [F, D] or [F, V, D] and, if the network classifies into the user's classes,
    `predictions.STREAM` [F, C] or [F, V, C]; `thumbnail` [F, h, h, 3] uint8, if requested. Raises
    VideoError if the video cannot be used.
    """

    def extract(timeline: Timeline) -> tuple[Arrays, bool]:
        sampled = settings.sampling.numbers(timeline)
        arrays, silent = frame_arrays(path, timeline, sampled, settings, backbones, threads)
        arrays["number"] = sampled.astype(np.int32)
        arrays["time"] = timeline.seconds[sampled].astype(np.float32)
        return arrays, silent

    return with_timeline(path, extract)


def with_timeline(path: Path, read: Callable[[Timeline], Result]) -> Result:
    """What `read` makes of a video by its timeline, which is that of its packets if it is right."""
    try:
        return read(read_timeline(path))
    except MisnamedError:
        return read(count_frames(path))


def clip_frames(timeline: Timeline, sampled: np.ndarray, frames: int, fps: float) -> np.ndarray:
    """The frames of the clip around every sampled frame, [F, n] int64.

    With `fps`, the frames shown at n times centred on the sampled one; with 0, n consecutive
    frames, (n - 1) // 2 of them before it. At the ends the first or last frame repeats.
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
    """Assemble clips [up to batch, n, h, w, 3] of every consumer in one pass over the frames.

    `pictures` are numbers and frames in several sizes, in increasing order, at least all frames of
    the windows; a frame is kept as long as a clip needs it. `windows` are each consumer's frames
    [F, n], from `clip_frames`, and `sizes` the index of the size it needs.
    """
    held: dict[int, Sequence[np.ndarray]] = {}
    done = dict.fromkeys(windows, 0)  # clips yielded, by consumer
    for number, picture in pictures:
        held[number] = picture
        for consumer, window in windows.items():
            complete = int(np.searchsorted(window[:, -1], number, side="right"))
            # A full batch, or the rest.
            while complete - done[consumer] >= min(batch, len(window) - done[consumer]) > 0:
                rows = window[done[consumer] : done[consumer] + batch].tolist()
                done[consumer] += len(rows)
                size = sizes[consumer]
                clips = [np.stack([held[frame][size] for frame in row]) for row in rows]
                yield consumer, np.stack(clips)
        needed = min((w[done[c], 0] for c, w in windows.items() if done[c] < len(w)), default=None)
        for old in [f for f in held if needed is None or f < needed]:
            del held[old]


def frame_arrays(
    path: Path,
    timeline: Timeline,
    sampled: np.ndarray,
    settings: Settings,
    backbones: Backbones,
    threads: int = 1,
) -> tuple[Arrays, bool]:
    """The arrays of the frames `sampled` [F] but time and number, and whether sound is missing.

    Raises:
        VideoError: if the video cannot be used.
        MisnamedError: if the decoded frames differ from a timeline read from packets.
    """
    seconds = timeline.seconds[sampled]
    windows = {
        stream: clip_frames(timeline, sampled, net.frames, net.fps)
        for stream, net in backbones.items()
    }
    consumers = {stream: _features(stream, net, settings) for stream, net in backbones.items()}
    if settings.thumbnail:
        windows[THUMBNAIL] = sampled[:, None]
        consumers[THUMBNAIL] = lambda clips: {THUMBNAIL: _thumbnails(clips, settings.thumbnail)}
    pieces: dict[str, list[np.ndarray]] = {}
    if windows:
        wanted = np.unique(np.concatenate([window.ravel() for window in windows.values()]))
        # Each network gets frames scaled once, regardless of the other networks.
        side = {stream: net.side for stream, net in backbones.items()}
        side[THUMBNAIL] = max([settings.thumbnail, *side.values()])
        sides = sorted({side[consumer] for consumer in windows})
        sizes = {consumer: sides.index(side[consumer]) for consumer in windows}
        pictures = read_sizes(path, timeline, wanted, sides, threads)
        for consumer, clips in collect(pictures, windows, sizes, settings.batch):
            for name, values in consumers[consumer](clips).items():
                pieces.setdefault(name, []).append(values)
    arrays = {name: np.concatenate(values) for name, values in pieces.items()}
    heard = [spec for spec in settings.streams if spec.backbone == LOG_MEL]
    sound = read_sound(path, RATE) if heard else None
    for spec in heard:
        values = log_mel_at(sound, seconds, spec.bands, spec.seconds)
        arrays[f"features.{spec.stream}"] = values.astype(settings.dtype)
    for name, values in arrays.items():
        if not np.isfinite(values).all():
            large = np.isinf(values).any() and values.dtype == np.float16
            remedy = "; use --dtype float32 for large values" if large else ""
            raise VideoError(f"{path}: {name} has values that are not finite{remedy}")
    return arrays, bool(heard) and sound is None


def _features(stream: str, backbone: Backbone, settings: Settings) -> Consumer:
    keep = settings.classes and backbone.classes == settings.classes

    def run(clips: np.ndarray) -> Arrays:
        with torch.inference_mode():
            output = backbone.forward(torch.from_numpy(clips))
        features = output.features.cpu().to(getattr(torch, settings.dtype)).numpy()
        arrays = {f"features.{stream}": features}
        if keep and output.logits is not None:
            logits = output.logits.float().cpu().numpy()
            arrays[f"predictions.{stream}"] = softmax(logits, axis=-1)
        return arrays

    return run


def _thumbnails(clips: np.ndarray, side: int) -> np.ndarray:
    """The centre squares of frames [b, 1, h, w, 3], scaled to [b, side, side, 3]."""
    height, width = clips.shape[2:4]
    short = min(height, width)
    top, left = (height - short) // 2, (width - short) // 2
    squares = torch.from_numpy(clips[:, 0, top : top + short, left : left + short])
    scaled = F.interpolate(
        squares.movedim(-1, 1).float(), (side, side), mode="bilinear", antialias=True
    )
    return scaled.round().clamp(0, 255).to(torch.uint8).movedim(1, -1).contiguous().numpy()
