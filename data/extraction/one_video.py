"""One video: from its file to the arrays of its shard, in one pass over its frames."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from scipy.special import softmax
from torch.nn import functional as F

from data.backbones import LOG_MEL, Backbone
from data.extraction.settings import Settings
from data.extraction.windows import clip_frames, collect
from data.video.failure import VideoError
from data.video.frames import read_sizes
from data.video.log_mel import RATE, log_mel_at
from data.video.sound import read_sound
from data.video.timeline import MisnamedError, Timeline, count_frames, read_timeline

Arrays = dict[str, np.ndarray]
# Clips [b, n, h, w, 3] uint8 -> arrays [b, ...] by name.
Consumer = Callable[[np.ndarray], Arrays]
THUMBNAIL = "thumbnail"


def extract_video(
    path: Path, settings: Settings, backbones: Mapping[str, Backbone], threads: int = 1
) -> tuple[Arrays, bool]:
    """The features of one video.

    Args:
        path: The file.
        settings: What to make of it.
        backbones: Stream -> network, for all streams but log-mel.
        threads: That decode; 0: as many as there are CPUs.

    Returns:
        `time` [F] float32 s; for every stream `features.STREAM` [F, D] or [F, V, D] and, where the
        network classifies into the user's classes, `predictions.STREAM` [F, C] or [F, V, C];
        `thumbnail` [F, h, h, 3] uint8, if asked for. And whether sound was asked for in vain.

    Raises:
        VideoError: if the video cannot be used.
    """
    try:
        return _extract(path, read_timeline(path), settings, backbones, threads)
    except MisnamedError:
        return _extract(path, count_frames(path), settings, backbones, threads)


def _extract(
    path: Path,
    timeline: Timeline,
    settings: Settings,
    backbones: Mapping[str, Backbone],
    threads: int,
) -> tuple[Arrays, bool]:
    sampled = settings.sampling.numbers(timeline)
    seconds = timeline.seconds[sampled]
    windows = {
        stream: clip_frames(timeline, sampled, backbone.frames, backbone.fps)
        for stream, backbone in backbones.items()
    }
    consumers: dict[str, Consumer] = {
        stream: _features(stream, backbone, settings) for stream, backbone in backbones.items()
    }
    if settings.thumbnail:
        windows[THUMBNAIL] = sampled[:, None]
        consumers[THUMBNAIL] = lambda clips: {THUMBNAIL: _thumbnails(clips, settings.thumbnail)}
    pieces: dict[str, list[np.ndarray]] = {}
    if windows:
        wanted = np.unique(np.concatenate([window.ravel() for window in windows.values()]))
        # Every network sees frames scaled once, whatever other networks there are.
        side = {stream: backbone.side for stream, backbone in backbones.items()}
        side[THUMBNAIL] = max([settings.thumbnail, *side.values()])
        sides = sorted({side[consumer] for consumer in windows})
        sizes = {consumer: sides.index(side[consumer]) for consumer in windows}
        pictures = read_sizes(path, timeline, wanted, sides, threads)
        for consumer, clips in collect(pictures, windows, sizes, settings.batch):
            for name, values in consumers[consumer](clips).items():
                pieces.setdefault(name, []).append(values)
    arrays = {name: np.concatenate(values) for name, values in pieces.items()}
    sound, silent = _sound(path, seconds, settings)
    arrays |= sound
    for name, values in arrays.items():
        if not np.isfinite(values).all():
            large = np.isinf(values).any() and values.dtype == np.float16
            remedy = "; --dtype float32 holds larger ones" if large else ""
            raise VideoError(f"{path}: {name} has values that are not finite{remedy}")
    return arrays | {"time": seconds.astype(np.float32)}, silent


def _features(stream: str, backbone: Backbone, settings: Settings) -> Consumer:
    keep = settings.classes and backbone.classes == settings.classes

    def run(clips: np.ndarray) -> Arrays:
        with torch.inference_mode():
            output = backbone.forward(torch.from_numpy(clips))
        arrays = {f"features.{stream}": _stored(output.features, settings)}
        if keep and output.logits is not None:
            logits = output.logits.float().cpu().numpy()
            arrays[f"predictions.{stream}"] = softmax(logits, axis=-1)
        return arrays

    return run


def _stored(features: torch.Tensor, settings: Settings) -> np.ndarray:
    return features.cpu().to(getattr(torch, settings.dtype)).numpy()


def _thumbnails(clips: np.ndarray, side: int) -> np.ndarray:
    """The middle squares of frames [b, 1, h, w, 3], scaled to [b, side, side, 3]."""
    height, width = clips.shape[2:4]
    short = min(height, width)
    top, left = (height - short) // 2, (width - short) // 2
    squares = torch.from_numpy(clips[:, 0, top : top + short, left : left + short])
    scaled = F.interpolate(
        squares.movedim(-1, 1).float(), (side, side), mode="bilinear", antialias=True
    )
    return scaled.round().clamp(0, 255).to(torch.uint8).movedim(1, -1).contiguous().numpy()


def _sound(path: Path, seconds: np.ndarray, settings: Settings) -> tuple[Arrays, bool]:
    streams = [spec for spec in settings.streams if spec.backbone == LOG_MEL]
    if not streams:
        return {}, False
    sound = read_sound(path, RATE)
    features = {
        f"features.{spec.stream}": log_mel_at(sound, seconds, spec.bands, spec.seconds).astype(
            settings.dtype
        )
        for spec in streams
    }
    return features, sound is None
