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

SPLITS = ("train", "val", "test")
SHARES = {"train": 0.50, "val": 0.15, "test": 0.35}  # of each class's images; none is shared

CLASSES = 10
LEAST_RUNS = 2
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
    #: Frames of every run that does not count, whose scans then repeat; 0: as many as --run-length.
    decoy_length: int = 0
    #: Share of a scan of another digit, drawn anew for every frame, that is blended into frames of
    #: the run that counts, 0 to 1. Blends keep the norm of the scan: the other runs are clearer.
    blend: float = 0.0
    #: Share of the training videos whose label is another digit, 0 to 1. Other splits have none.
    label_noise: float = 0.0
    #: Train the head on the runs that count alone, as on trimmed clips. The penalty of a head is
    #: chosen by the accuracy of what it trains on, and that of all frames of long videos, whose
    #: runs are alike and a small part of them, says next to nothing about heads.
    trimmed_head: bool = False
    #: Minimum and maximum frames per video, unless its runs need more.
    lengths: tuple[int, int] = (17, 24)
    #: Number of training, validation and test videos.
    videos: tuple[int, int, int] = (640, 160, 400)
    #: Seed of the random number generator. Seed 0 makes the bundled cache "cues".
    seed: int = 0

    def __post_init__(self) -> None:
        least = {"runs": LEAST_RUNS, "run_length": 1, "scans": 1, "distance": 0, "seed": 0}
        least["decoy_length"] = 0
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
        for name in ("noise", "blend", "label_noise"):
            if not 0 <= getattr(self, name) <= 1:
                raise FrameSelectError(f"{name}={getattr(self, name)}: must be from 0 to 1")
        if not 1 <= self.lengths[0] <= self.lengths[1]:
            wrong = f"lengths={self.lengths}: must be the minimum and the maximum"
            raise FrameSelectError(f"{wrong} number of frames, at least 1")
        if min(self.videos) < CLASSES:
            wrong = f"videos={self.videos}: must be numbers of training, validation and test videos"
            raise FrameSelectError(f"{wrong}, at least {CLASSES} each")

    def frames_of(self, counts: bool) -> int:
        """Frames of a run, which counts or does not."""
        return self.run_length if counts or not self.decoy_length else self.decoy_length


@dataclass(frozen=True)
class CueVideo:
    """One video of L frames."""

    thumbnails: np.ndarray  # [L, 8, 8] uint8, the features' input
    importance: np.ndarray  # [L] float32, 1 on the run that counts
    label: int  # the digit that it shows


def cues_source(recipe: Recipe) -> Source:
    """Make the videos and their features; the same recipe gives the same videos.

    No two splits share an image.
    """
    rng = np.random.default_rng(recipe.seed)
    images = divide_images(SHARES, rng)
    counts = dict(zip(SPLITS, recipe.videos, strict=True))
    made = {name: make_videos(images[name], count, recipe, rng) for name, count in counts.items()}
    videos = [video for chosen in made.values() for video in chosen]
    numbered = [(split, number) for split, count in counts.items() for number in range(count)]
    labels = np.array([video.label for video in videos], np.int64)
    train = recipe.videos[0]
    labels[:train] = mislabelled(labels[:train], recipe.label_noise, rng)
    return Source(
        path=Path("scikit-learn digits with cues"),
        task="classification",
        outputs=[str(digit) for digit in range(CLASSES)],
        ids=np.array([f"{split}_{number:03d}" for split, number in numbered]),
        labels=labels,
        splits={"default": np.array([split for split, _ in numbered])},
        lengths=np.array([len(video.importance) for video in videos], np.int64),
        features={"main": lambda row: frequencies(videos[row].thumbnails)},
        frames={
            "importance": lambda row: videos[row].importance,
            "thumbnail": lambda row: videos[row].thumbnails,
        },
        trimmed=(lambda row: videos[row].importance > 0) if recipe.trimmed_head else None,
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
    # Of all runs together: a marker, its distance and the frames of the run.
    needed = (runs - 1) * (1 + recipe.distance + recipe.frames_of(False))
    needed += 1 + recipe.distance + recipe.frames_of(True)
    length = max(int(rng.integers(recipe.lengths[0], recipe.lengths[1] + 1)), needed)
    spare = np.sort(rng.integers(0, length - needed + 1, runs))
    others = rng.permutation(np.delete(np.arange(CLASSES), label))[: runs - 1]
    shown = rng.permutation(np.append(others, label))
    blocks = np.array([1 + recipe.distance + recipe.frames_of(one == label) for one in shown])
    ends = spare + blocks.cumsum()

    background = rng.integers(0, CLASSES, length)
    pixels = np.stack([shift(images.draw(int(d), 1, rng)[0], rng) for d in background])
    pixels *= rng.uniform(*FADED_CONTRAST, length)[:, None, None]
    contrast = rng.uniform(*CONTRAST)
    importance = np.zeros(length, np.float32)
    for start, end, digit in zip(ends - blocks, ends, shown, strict=True):
        counts = bool(digit == label)
        frames = slice(start + 1 + recipe.distance, end)
        scans = images.draw(int(digit), recipe.scans, rng) * contrast
        # Every scan is seen, as often as any other or once more.
        own = scans[rng.permutation(np.arange(recipe.frames_of(counts)) % recipe.scans)]
        pixels[frames] = blended(own, label, images, recipe.blend, rng) if counts else own
        pixels[start] = marker(recipe.marker_contrast, counts)
        importance[frames] = counts
    pixels += rng.normal(size=pixels.shape) * recipe.noise
    thumbnails = np.rint(255 * np.clip(pixels, 0, 1)).astype(np.uint8)
    return CueVideo(thumbnails, importance, label)


def blended(
    scans: np.ndarray, digit: int, images: Images, share: float, rng: np.random.Generator
) -> np.ndarray:
    """Scans [L, 8, 8] of a digit with a `share` of one of another digit each, of equal norm."""
    if not share:
        return scans
    norm = np.linalg.norm(scans, axis=(1, 2), keepdims=True)
    digits = rng.choice(np.delete(np.arange(CLASSES), digit), len(scans))
    others = np.concatenate([images.draw(int(other), 1, rng) for other in digits])
    others *= norm / np.linalg.norm(others, axis=(1, 2), keepdims=True)
    mixed = (1 - share) * scans + share * others
    return mixed * norm / np.linalg.norm(mixed, axis=(1, 2), keepdims=True)


def mislabelled(labels: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """The labels [n] with a `share` of them, rounded, replaced by others at random."""
    wrong = rng.permutation(len(labels))[: round(share * len(labels))]
    changed = labels.copy()
    changed[wrong] = (labels[wrong] + rng.integers(1, CLASSES, len(wrong))) % CLASSES
    return changed


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
