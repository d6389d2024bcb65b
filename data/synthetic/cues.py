"""The cues videos: runs of scanned digits of which only one counts, and only context says which.

A video has 2 to 4 runs of clear digits, alike in length, contrast, noise and number of scans. A
frame of horizontal stripes comes before the run that counts, one of vertical stripes before each of
the others, which show other digits.
"""

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from scipy.fft import dctn

from data.sources.source import Source
from data.synthetic.scans import Images, divide_images, shift
from frame_select_env.errors import FrameSelectError

VIDEOS = {"train": 640, "val": 160, "test": 400}
SHARES = {"train": 0.50, "val": 0.15, "test": 0.35}  # of each class's images; none is shared

CLASSES = 10
LEAST_RUNS = 2
LENGTHS = (17, 24)  # minimum and maximum frames per video, unless its runs need more
CONTRAST = (0.7, 1.0)  # of all runs of a video
FADED_CONTRAST = (0.1, 0.4)  # of a background frame

# +1 and -1, the rows of horizontal stripes: exactly the DCT's basis vector of frequency 4, so that
# a marker and its transpose differ in one feature each and have the same norm.
STRIPES = np.array([1, -1, -1, 1, 1, -1, -1, 1.0])
FREQUENCIES = 6  # features are the coefficients (k, l) with k + l < FREQUENCIES


@dataclass(frozen=True)
class Recipe:
    """The difficulty of the cues videos.

    Raises:
        FrameSelectError: naming the argument and the allowed values.
    """

    #: Maximum number of runs per video, 2 to 10; the minimum is 2.
    runs: int = 4
    #: Frames of every run, at least 1. A video is longer than 24 frames if its runs need more:
    #: then evaluate with as many frames (--num-frames), or markers are lost by subsampling.
    run_length: int = 3
    #: Number of different scans in a run, at least 1; a run of fewer frames has one per frame.
    scans: int = 3
    #: Background frames between a marker and its run, at least 0. With 2, no frame within 2 of a
    #: run is its marker.
    distance: int = 2
    #: Half the difference between light and dark stripes, above 0 and at most 0.5.
    marker_contrast: float = 0.25
    #: Standard deviation of the noise of every pixel of every frame, 0 to 1; white is 1.
    noise: float = 0.1
    #: Seed of the random number generator. Seed 0 makes the bundled cache "cues".
    seed: int = 0

    def __post_init__(self) -> None:
        least = {"runs": LEAST_RUNS, "run_length": 1, "scans": 1, "distance": 0, "seed": 0}
        for name, low in least.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < low:
                raise FrameSelectError(f"{name}={value!r}: must be an integer of at least {low}")
        if self.runs > CLASSES:
            raise FrameSelectError(f"runs={self.runs}: must be at most {CLASSES}, one per digit")
        # Written so that NaN is refused too.
        if not 0 < self.marker_contrast <= 0.5:
            wrong = f"marker_contrast={self.marker_contrast}"
            raise FrameSelectError(f"{wrong}: must be above 0 and at most 0.5")
        if not 0 <= self.noise <= 1:
            raise FrameSelectError(f"noise={self.noise}: must be from 0 to 1")


@dataclass(frozen=True)
class CueVideo:
    """One video of L frames."""

    thumbnails: np.ndarray  # [L, 8, 8] uint8, the features' input
    importance: np.ndarray  # [L] float32, 1 on the run that counts
    label: int  # the digit that it shows


def cues_source(recipe: Recipe) -> Source:
    """Make the 1200 videos and their features; the same recipe gives the same videos.

    No two splits share an image.
    """
    rng = np.random.default_rng(recipe.seed)
    images = divide_images(SHARES, rng)
    made = {name: make_videos(images[name], count, recipe, rng) for name, count in VIDEOS.items()}
    videos = [video for chosen in made.values() for video in chosen]
    numbered = [(split, number) for split, count in VIDEOS.items() for number in range(count)]
    return Source(
        path=Path("scikit-learn digits with cues"),
        task="classification",
        outputs=[str(digit) for digit in range(CLASSES)],
        ids=np.array([f"{split}_{number:03d}" for split, number in numbered]),
        labels=np.array([video.label for video in videos], np.int64),
        splits={"default": np.array([split for split, _ in numbered])},
        lengths=np.array([len(video.importance) for video in videos], np.int64),
        features={"main": lambda row: frequencies(videos[row].thumbnails)},
        frames={
            "importance": lambda row: videos[row].importance,
            "thumbnail": lambda row: videos[row].thumbnails,
        },
        record={"recipe": asdict(recipe)},
    )


def make_videos(
    images: Images, count: int, recipe: Recipe, rng: np.random.Generator
) -> list[CueVideo]:
    """`count` videos made from `images`, with equally frequent labels in random order."""
    labels = rng.permutation(np.arange(count) % CLASSES)
    return [make_video(images, int(label), recipe, rng) for label in labels]


def make_video(images: Images, label: int, recipe: Recipe, rng: np.random.Generator) -> CueVideo:
    """One video: runs in random order and at random places, each after its marker.

    The background is faded and shifted digits of any class.
    """
    runs = int(rng.integers(LEAST_RUNS, recipe.runs + 1))
    block = 1 + recipe.distance + recipe.run_length  # a marker, its distance and its run
    length = max(int(rng.integers(LENGTHS[0], LENGTHS[1] + 1)), runs * block)
    spare = np.sort(rng.integers(0, length - runs * block + 1, runs))
    starts = spare + block * np.arange(runs)
    others = rng.permutation(np.delete(np.arange(CLASSES), label))[: runs - 1]
    shown = rng.permutation(np.append(others, label))

    background = rng.integers(0, CLASSES, length)
    pixels = np.stack([shift(images.draw(int(d), 1, rng)[0], rng) for d in background])
    pixels *= rng.uniform(*FADED_CONTRAST, length)[:, None, None]
    contrast = rng.uniform(*CONTRAST)
    importance = np.zeros(length, np.float32)
    for start, digit in zip(starts, shown, strict=True):
        frames = slice(start + block - recipe.run_length, start + block)
        scans = images.draw(int(digit), recipe.scans, rng) * contrast
        # Every scan is seen, as often as any other or once more.
        pixels[frames] = scans[rng.permutation(np.arange(recipe.run_length) % recipe.scans)]
        pixels[start] = marker(recipe.marker_contrast, counts=digit == label)
        importance[frames] = digit == label
    pixels += rng.normal(size=pixels.shape) * recipe.noise
    thumbnails = np.rint(255 * np.clip(pixels, 0, 1)).astype(np.uint8)
    return CueVideo(thumbnails, importance, label)


def marker(contrast: float, counts: bool) -> np.ndarray:
    """Stripes [8, 8] around grey: horizontal before the run that counts, else vertical."""
    rows = np.repeat(0.5 + contrast * STRIPES[:, None], 8, axis=1)
    return rows if counts else rows.T


def frequencies(thumbnails: np.ndarray) -> np.ndarray:
    """The features of frames [L, 8, 8] uint8, [L, 21] float16: their lowest spatial frequencies.

    These are coefficients of the two-dimensional discrete cosine transform, orthonormal, of pixels
    in [0, 1]. They hold the transpose of an image with the same numbers in another order.
    """
    down, across = np.indices((8, 8))
    coefficients = dctn(thumbnails / 255.0, axes=(1, 2), norm="ortho")
    return coefficients[:, down + across < FREQUENCIES].astype(np.float16)
