"""Scanned digits: scikit-learn's 1797 images, divided between purposes, drawn and shifted."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from sklearn.datasets import load_digits


@dataclass(frozen=True)
class Images:
    """Scanned digits: pixels [n, 8, 8] float64 in [0, 1], and the digit of each, [n] int."""

    pixels: np.ndarray
    digit: np.ndarray

    def draw(self, digit: int, count: int, rng: np.random.Generator) -> np.ndarray:
        """`count` random images of `digit`, [count, 8, 8]; repeats only if there are too few."""
        choices = np.flatnonzero(self.digit == digit)
        order = [rng.permutation(choices) for _ in range(-(-count // len(choices)))]
        return self.pixels[np.concatenate(order)[:count]] if count else self.pixels[:0]


def divide_images(shares: Mapping[str, float], rng: np.random.Generator) -> dict[str, Images]:
    """Divide the 1797 images at random according to `shares`, class by class."""
    bunch = load_digits()
    pixels, digit = bunch.images / 16.0, bunch.target
    rows: dict[str, list[np.ndarray]] = {name: [] for name in shares}
    for label in range(10):
        mine = rng.permutation(np.flatnonzero(digit == label))
        cuts = np.round(np.cumsum(list(shares.values())) * len(mine)).astype(int)[:-1]
        for name, chosen in zip(shares, np.split(mine, cuts), strict=True):
            rows[name].append(chosen)
    parts = {name: np.concatenate(chosen) for name, chosen in rows.items()}
    return {name: Images(pixels[chosen], digit[chosen]) for name, chosen in parts.items()}


def shift(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Shift an image [8, 8] by one or two pixels vertically and horizontally."""
    down, right = rng.choice([-2, -1, 1, 2], 2)
    canvas = np.pad(image, 2)
    return canvas[2 - down : 10 - down, 2 - right : 10 - right]
