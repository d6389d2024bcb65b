"""The videos: a run of clear frames of one digit among frames that say little or something else."""

from dataclasses import dataclass

import numpy as np

from data.digits.images import Images

LENGTHS = (18, 32)  # frames a video, both ends included
KEY_SHARE = (0.10, 0.45)  # of the frames
SHARP_SHARE = 0.35  # of the distractors are as clear as a key frame, of any class, and stand alone
DECOY_SHARE = 0.5  # of the clear distractors show one wrong digit, the video's decoy
SCANS = 2  # images that the key frames of one video show by turns
FRAMES_PER_SECOND = 5.0

KEY_CONTRAST, KEY_NOISE = (0.85, 1.0), 0.10
FADED_CONTRAST, FADED_NOISE = (0.25, 0.7), 0.15


@dataclass(frozen=True)
class DigitVideo:
    """One video of L frames.

    Attributes:
        thumbnails: [L, 8, 8] uint8, what the backbone sees.
        importance: [L] float32, 1 on the key frames.
        time: [L] float32, seconds.
        label: The digit that the key frames show.
    """

    thumbnails: np.ndarray
    importance: np.ndarray
    time: np.ndarray
    label: int


def make_videos(images: Images, count: int, rng: np.random.Generator) -> list[DigitVideo]:
    """`count` videos out of `images`, the ten labels equally often, in random order."""
    labels = rng.permutation(np.arange(count) % 10)
    return [make_video(images, int(label), rng) for label in labels]


def make_video(images: Images, label: int, rng: np.random.Generator) -> DigitVideo:
    """One video: a contiguous run shows `label`, the other frames are distractors.

    Most distractors are faded, shifted and noisy digits of any class. Some are as clear as a key
    frame, half of these of one and the same wrong class: a classifier is as sure of them as of a
    key frame, and what gives them away is that their neighbours do not agree.
    """
    length = int(rng.integers(LENGTHS[0], LENGTHS[1] + 1))
    run = max(2, round(rng.uniform(*KEY_SHARE) * length))
    first = int(rng.integers(0, length - run + 1))
    key = np.zeros(length, bool)
    key[first : first + run] = True
    sharp = _isolated(~key & (rng.random(length) < SHARP_SHARE), key)

    digit = rng.integers(0, 10, length)
    decoy = (label + rng.integers(1, 10)) % 10
    digit[sharp & (rng.random(length) < DECOY_SHARE)] = decoy
    pixels = np.concatenate([images.draw(int(d), 1, rng) for d in digit])
    pixels[key] = images.draw(label, SCANS, rng)[rng.integers(0, SCANS, run)]
    clear = key | sharp
    for t in np.flatnonzero(~clear):
        pixels[t] = _shift(pixels[t], rng)
    low, high = np.where(clear[:, None], KEY_CONTRAST, FADED_CONTRAST).T
    contrast = rng.uniform(low, high)
    noise = np.where(clear, KEY_NOISE, FADED_NOISE)
    pixels = pixels * contrast[:, None, None]
    pixels += rng.normal(size=pixels.shape) * noise[:, None, None]
    return DigitVideo(
        thumbnails=np.rint(255 * np.clip(pixels, 0, 1)).astype(np.uint8),
        importance=key.astype(np.float32),
        time=(np.arange(length) / FRAMES_PER_SECOND).astype(np.float32),
        label=label,
    )


def _isolated(wanted: np.ndarray, key: np.ndarray) -> np.ndarray:
    """Thin out `wanted` [L] so that none is next to another or to a key frame."""
    taken = key.copy()
    for t in np.flatnonzero(wanted):
        if not taken[max(t - 1, 0) : t + 2].any():
            taken[t] = True
    return taken & ~key


def _shift(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Move an image [8, 8] by one or two pixels down or up and across; what leaves is lost."""
    down, right = rng.choice([-2, -1, 1, 2], 2)
    canvas = np.pad(image, 2)
    return canvas[2 - down : 10 - down, 2 - right : 10 - right]
