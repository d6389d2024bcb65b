"""The needle videos: a few frames of a scanned digit among many of other digits.

Clips of scans are composed (`compose.py`): five digits are labels and five are background, so what
a frame shows tells whether it counts, and neither its place nor its neighbours do.
"""

import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from data.sources.importing import import_source
from data.sources.source import Source
from data.synthetic.compose import Composition, compose_source
from data.synthetic.cues import CLASSES, SHARES, SPLITS, frequencies
from data.synthetic.scans import Images, divide_images
from frame_select_env.cache import FeatureCache
from frame_select_env.errors import FrameSelectError

CONTRAST = (0.4, 1.0)  # of a clip


@dataclass(frozen=True)
class NeedleRecipe:
    """The difficulty of the needle videos.

    Raises:
        FrameSelectError: naming the argument and the allowed values.
    """

    #: Frames per video.
    length: int = 100
    #: Frames of the needle, and at most of every other piece.
    needle: int = 4
    #: Standard deviation of the noise of every pixel of every frame, 0 to 1; white is 1.
    noise: float = 0.2
    #: Number of training, validation and test videos.
    videos: tuple[int, int, int] = (400, 100, 400)
    #: Seed of the random number generator.
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.noise <= 1:
            raise FrameSelectError(f"noise={self.noise}: must be from 0 to 1")
        Composition(self.length, self.needle, self.videos, seed=self.seed)


def write_needle(recipe: NeedleRecipe, out: Path) -> Path:
    """Make the videos and write their cache; the same recipe gives the same videos.

    The trimmed clips are in a temporary folder meanwhile.

    Returns:
        The path of the cache.
    """
    composition = Composition(recipe.length, recipe.needle, recipe.videos, seed=recipe.seed)
    with tempfile.TemporaryDirectory() as folder:
        clips = import_source(clips_source(recipe), Path(folder) / "clips.h5", seed=recipe.seed)
        source = compose_source(FeatureCache(clips), composition)
        record: dict[str, Any] = {
            "source": "scikit-learn digits, composed",
            "recipe": asdict(recipe),
        }
        return import_source(source, out, crossfit="group", seed=recipe.seed, provenance=record)


def clips_source(recipe: NeedleRecipe) -> Source:
    """As many clips as videos, each of as many scans of one digit as the needle has frames.

    No two splits share an image.
    """
    rng = np.random.default_rng(recipe.seed)
    images = divide_images(SHARES, rng)
    splits = np.repeat(SPLITS, recipe.videos)
    digits = np.concatenate([rng.permutation(np.arange(n) % CLASSES) for n in recipe.videos])
    clips = [
        make_clip(images[split], int(digit), recipe, rng)
        for split, digit in zip(splits, digits, strict=True)
    ]
    return Source(
        path=Path("scikit-learn digits in clips"),
        task="classification",
        outputs=[str(digit) for digit in range(CLASSES)],
        ids=np.array([f"clip_{number:04d}" for number in range(len(clips))]),
        labels=digits.astype(np.int64),
        splits={"default": splits},
        lengths=np.full(len(clips), recipe.needle, np.int64),
        features={"main": lambda row: frequencies(clips[row])},
        frames={"thumbnail": lambda row: clips[row]},
    )


def make_clip(
    images: Images, digit: int, recipe: NeedleRecipe, rng: np.random.Generator
) -> np.ndarray:
    """Scans of a digit, of one contrast, [needle, 8, 8] uint8."""
    pixels = images.draw(digit, recipe.needle, rng) * rng.uniform(*CONTRAST)
    pixels += rng.normal(size=pixels.shape) * recipe.noise
    return np.rint(255 * np.clip(pixels, 0, 1)).astype(np.uint8)
