"""Videos that tests write with PyAV: frames that tell their number, and shapes to be recognised."""

import sys
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT, FPS, RATE = 96, 72, 12, 16_000
CLASSES = ("disc", "ring", "bar")
STRETCH = 6  # frames that one shape is shown for


def shape_pictures(kind: str, stretches: int, key: int, rng: np.random.Generator) -> np.ndarray:
    """[6 * stretches, HEIGHT, WIDTH, 3] uint8: shapes that move over noise.

    In stretch `key` the class's shape, bright; in the others nothing, or a dim shape of any class.
    """
    pictures = []
    for stretch in range(stretches):
        shown = kind if stretch == key else rng.choice([*CLASSES, ""])
        bright = 250 if stretch == key else 170
        x, y = rng.uniform(30, WIDTH - 30), rng.uniform(28, HEIGHT - 28)
        for _ in range(STRETCH):
            x, y = x + rng.uniform(-2, 2), y + rng.uniform(-2, 2)
            pictures.append(_picture(shown, x, y, bright, rng))
    return np.stack(pictures)


def _picture(kind: str, x: float, y: float, bright: int, rng: np.random.Generator) -> np.ndarray:
    picture = rng.integers(90, 130, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    across, down = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
    far = np.hypot(across - x, down - y)
    where = {
        "disc": far < 16,
        "ring": (far < 22) & (far > 14),
        "bar": (np.abs(across - x) < 6) & (np.abs(down - y) < 24),
        "": far < 0,
    }[kind]
    picture[where] = bright
    return picture


def numbered_pictures(count: int, height: int = 48, width: int = 64) -> np.ndarray:
    """[count, height, width, 3] uint8: plain greys, by which `number_of` knows them again."""
    greys = 20 + 4 * np.arange(count)
    assert (greys < 240).all()
    return np.broadcast_to(greys[:, None, None, None], (count, height, width, 3)).astype(np.uint8)


def number_of(picture: np.ndarray) -> int:
    """Which of the numbered pictures a decoded one is."""
    return round((float(picture.mean()) - 20) / 4)


@lru_cache
def stamped_pictures(count: int) -> np.ndarray:
    """[count, 48, 64, 3] uint8: the number of each in white digits, as a person reads it."""
    pictures = []
    for number in range(count):
        picture = Image.new("RGB", (64, 48), (30, 40, 90))
        font = ImageFont.load_default(size=36)
        ImageDraw.Draw(picture).text((32, 24), str(number), "white", font, anchor="mm")
        pictures.append(np.asarray(picture))
    return np.stack(pictures)


def stamp_of(picture: np.ndarray, count: int) -> int:
    """Which of the `count` stamped pictures a decoded one looks like."""
    far = np.abs(stamped_pictures(count).astype(int) - picture).mean(axis=(1, 2, 3))
    return int(far.argmin())


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
    aspect: int = 1,
    options: dict[str, str] | None = None,
    encoder: dict[str, str] | None = None,
    pictures_too: bool = True,
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
        aspect: Width of a pixel by its height.
        options: Of the container.
        encoder: Options of the codec.
        pictures_too: Whether there is a video track at all.
    """
    with av.open(str(path), "w", options=options or {}) as container:
        track: Any = _track(container, codec, fps, pictures.shape) if pictures_too else None
        if track is not None:
            track.pix_fmt = pixels
            track.gop_size = keyframes
            track.codec_context.sample_aspect_ratio = Fraction(aspect)
            if times is not None:
                track.codec_context.time_base = Fraction(1, 1000)
            if codec == "libx264":
                x264 = f"bframes={between}:scenecut=0:b-adapt=0"
                encoder = {"preset": "ultrafast", "x264-params": x264, **(encoder or {})}
            track.codec_context.options = encoder or {}
        audio: Any = None
        if sound is not None:
            audio = container.add_stream("aac", rate=RATE)
            audio.layout = "mono"
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = number if times is None else int(times[number])
            frame.time_base = Fraction(1, fps) if times is None else Fraction(1, 1000)
            container.mux(track.encode(frame))
        if len(pictures):
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


def _track(container: Any, codec: str, fps: int, shape: tuple[int, ...]) -> Any:
    track = container.add_stream(codec, rate=fps)
    track.height, track.width = shape[1:3]
    track.bit_rate = 4_000_000  # greys stay told apart
    return track


def write_shape_videos(folder: Path, videos: int = 42, stretches: int = 4, seed: int = 0) -> Path:
    """Write CLASS/NUMBER.mp4, H.264 with AAC: the class is to be seen in one stretch of several.

    A tone whose pitch tells the class sounds at the same time.
    """
    rng = np.random.default_rng(seed)
    for number in range(videos):
        label = number % len(CLASSES)
        key = int(rng.integers(stretches))
        time = np.arange(stretches * STRETCH * RATE // FPS) / RATE
        tone = 0.3 * np.sin(2 * np.pi * 440 * 2**label * time)
        heard = (time * FPS // STRETCH) == key
        noise = rng.normal(0, 0.01, len(time))
        (folder / CLASSES[label]).mkdir(parents=True, exist_ok=True)
        write_video(
            folder / CLASSES[label] / f"{number:02d}.mp4",
            shape_pictures(CLASSES[label], stretches, key, rng),
            sound=(tone * heard + noise).astype(np.float32),
        )
    return folder


def write_talk(path: Path, seconds: int = 4) -> None:
    """Write a video of numbered pictures in which a tone of another pitch sounds every second."""
    time = np.arange(seconds * RATE) / RATE
    tone = 0.3 * np.sin(2 * np.pi * 200 * (1 + time // 1) * time).astype(np.float32)
    write_video(path, numbered_pictures(seconds * FPS), sound=tone)


if __name__ == "__main__":
    # python tests/shared/shape_videos.py FOLDER VIDEOS STRETCHES
    write_shape_videos(Path(sys.argv[1]), *map(int, sys.argv[2:]))
