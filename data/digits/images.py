"""The images: scikit-learn's 1797 scanned digits, parted so that no two purposes share one."""

from dataclasses import dataclass

import numpy as np
from sklearn.datasets import load_digits

# Shares of each class's images.
SHARES = {"backbone": 0.30, "train": 0.36, "val": 0.10, "test": 0.24}


@dataclass(frozen=True)
class Images:
    """Scanned digits: pixels [n, 8, 8] float64 in [0, 1], and the digit each shows, [n] int."""

    pixels: np.ndarray
    digit: np.ndarray

    def draw(self, digit: int, count: int, rng: np.random.Generator) -> np.ndarray:
        """`count` random images of `digit`, [count, 8, 8], none twice while they last."""
        choices = np.flatnonzero(self.digit == digit)
        order = [rng.permutation(choices) for _ in range(-(-count // len(choices)))]
        return self.pixels[np.concatenate(order)[:count]] if count else self.pixels[:0]


def part_images(rng: np.random.Generator) -> dict[str, Images]:
    """Part the images among SHARES, class by class, at random."""
    bunch = load_digits()
    pixels, digit = bunch.images / 16.0, bunch.target
    rows: dict[str, list[np.ndarray]] = {name: [] for name in SHARES}
    for label in range(10):
        mine = rng.permutation(np.flatnonzero(digit == label))
        cuts = np.round(np.cumsum(list(SHARES.values())) * len(mine)).astype(int)[:-1]
        for name, chosen in zip(SHARES, np.split(mine, cuts), strict=True):
            rows[name].append(chosen)
    parts = {name: np.concatenate(chosen) for name, chosen in rows.items()}
    return {name: Images(pixels[chosen], digit[chosen]) for name, chosen in parts.items()}
