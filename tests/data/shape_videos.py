"""Short videos with sound whose class is to be seen for a part of them only, written with PyAV."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

WIDTH, HEIGHT, FPS, RATE = 96, 72, 12, 16_000
CLASSES = {"disc": (255, 60, 60), "ring": (60, 255, 60), "bar": (80, 80, 255)}


def shape_pictures(kind: str, frames: int, shown: range, rng: np.random.Generator) -> np.ndarray:
    """[frames, HEIGHT, WIDTH, 3] uint8: noise, over which a shape moves while it is shown."""
    pictures = rng.integers(90, 130, (frames, HEIGHT, WIDTH, 3)).astype(np.uint8)
    across, down = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
    for number in shown:
        x = 30 + 36 * np.sin(number / 5 + rng.uniform(0, 0.3)) / 2 + 18
        far = np.hypot(across - x, down - HEIGHT / 2)
        where = {
            "disc": far < 22,
            "ring": (far < 26) & (far > 14),
            "bar": np.abs(across - x) < 8,
        }[kind]
        pictures[number][where] = CLASSES[kind]
    return pictures


def write_video(
    path: Path,
    pictures: np.ndarray,
    *,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    fps: int = FPS,
    times: np.ndarray | None = None,
    keyframes: int = 12,
    between: int = 2,
    sound: np.ndarray | None = None,
    options: dict[str, str] | None = None,
) -> Path:
    """Write a video.

    Args:
        path: Its suffix tells the container.
        pictures: [L, h, w, 3] uint8.
        codec: Of the pictures.
        pixels: Their format in the file.
        fps: Frames a second.
        times: [L] when each is shown, in 1 / 1000 s; None: evenly.
        keyframes: Frames from one keyframe to the next.
        between: B-frames.
        sound: [n] float32 at 16 kHz, as AAC; None: no sound track.
        options: Of the container.
    """
    with av.open(str(path), "w", options=options or {}) as container:
        track: Any = container.add_stream(codec, rate=fps)
        track.height, track.width = pictures.shape[1:3]
        track.pix_fmt = pixels
        track.gop_size = keyframes
        if codec == "libx264":
            x264 = f"bframes={between}:scenecut=0:b-adapt=0"
            track.codec_context.options = {"preset": "ultrafast", "x264-params": x264}
        if times is not None:
            track.codec_context.time_base = Fraction(1, 1000)
        audio: Any = None
        if sound is not None:
            audio = container.add_stream("aac", rate=RATE)
            audio.layout = "mono"
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = number if times is None else int(times[number])
            frame.time_base = Fraction(1, fps) if times is None else Fraction(1, 1000)
            container.mux(track.encode(frame))
        container.mux(track.encode())
        if sound is not None:
            for first in range(0, len(sound), 1024):
                piece = av.AudioFrame.from_ndarray(
                    sound[None, first : first + 1024], format="fltp", layout="mono"
                )
                piece.sample_rate, piece.pts, piece.time_base = RATE, first, Fraction(1, RATE)
                container.mux(audio.encode(piece))
            container.mux(audio.encode())
    return path


def write_shape_videos(folder: Path, videos: int = 42, seconds: float = 2.0, seed: int = 0) -> Path:
    """Write CLASS/NUMBER.mp4, H.264 with AAC: the shape is to be seen for a quarter of the time.

    A tone, too, whose pitch tells the class, sounds only while the shape is shown.
    """
    rng = np.random.default_rng(seed)
    frames = round(seconds * FPS)
    for number in range(videos):
        kind = list(CLASSES)[number % len(CLASSES)]
        first = int(rng.integers(0, frames * 3 // 4))
        shown = range(first, first + frames // 4)
        time = np.arange(round(seconds * RATE)) / RATE
        tone = 0.3 * np.sin(2 * np.pi * 440 * 2 ** (number % len(CLASSES)) * time)
        heard = (time >= first / FPS) & (time < (first + frames // 4) / FPS)
        noise = rng.normal(0, 0.01, len(time))
        (folder / kind).mkdir(parents=True, exist_ok=True)
        write_video(
            folder / kind / f"{number:02d}.mp4",
            shape_pictures(kind, frames, shown, rng),
            sound=(tone * heard + noise).astype(np.float32),
        )
    return folder
