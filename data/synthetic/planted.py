"""Planted videos: synthetic data of any size and difficulty whose best selection is known.

Key frames predict the label; the others pull the mean towards a decoy class.
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track

from data.sources.importing import check_out
from frame_select_env.cache import write_cache
from frame_select_env.cache.schema import DEFAULT_STREAM
from frame_select_env.errors import FrameSelectError

MOST_KEY_SHARE = 0.5
# In turn, so that the first videos do not depend on their number: 60, 20 and 20 %.
SPLITS = ("train", "test", "train", "val", "train")
CONTENT = 2.0  # how far a certain prediction shifts the features, in standard deviations

KEY_CONFIDENCE = (0.70, 0.80)  # of the true class, the same in all key frames of a video
GAP = 0.08  # by which every other frame's probability of the true class is lower
PULL = 0.3  # maximum pull of the distractors, beyond what tips the mean
LEAST_PULL = 0.002  # so that rounding to float32 tips no video
MOST_LEAN = 0.99  # of one distractor towards the decoy
OTHERS = 0.9  # maximum share of the remaining probability for neither true class nor decoy
OTHERS_BELOW = 0.005  # by which the mean of each of these is lower than those two


@dataclass(frozen=True)
class Recipe:
    """The size and difficulty of a planted data set.

    Raises:
        FrameSelectError: naming the argument and the allowed values.
    """

    #: Number of videos, at least 5: 60 % train, 20 % val, 20 % test. The first videos are the same
    #: for any number.
    videos: int = 1000
    #: Frames per video, at least 2. Statements about all frames are exact if environments use the
    #: same number.
    frames: int = 25
    #: Number of classes, at least 2.
    classes: int = 10
    #: Number of features.
    features: int = 32
    #: Share of key frames, above 0 and at most 0.5: with more, the other frames could not mislead
    #: the mean.
    key_share: float = 0.2
    #: Expected share of videos that are misclassified when all frames are kept, 0 to 1.
    difficulty: float = 0.5
    #: Number of contiguous runs of key frames per video, at least one frame apart; 0: scattered.
    runs: int = 1
    #: How far key frames stand out in feature 0, in standard deviations of its noise; 0: not at
    #: all.
    signal: float = 2.0
    #: Number of streams, called s1, s2, ...; 1: a single one, main.
    streams: int = 1
    #: Number of views of each frame. Streams and views have the same predictions and see the key
    #: frames through noise of their own, so averaging scores over views is better than none.
    views: int = 1
    #: Seed of the random number generator.
    seed: int = 0

    def __post_init__(self) -> None:
        least = {"videos": 5, "frames": 2, "classes": 2, "features": 1, "runs": 0, "seed": 0}
        least |= {"streams": 1, "views": 1}
        for name, low in least.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < low:
                raise FrameSelectError(f"{name}={value!r}: must be an integer of at least {low}")
        # Written so that NaN is refused too.
        if not 0 < self.key_share <= MOST_KEY_SHARE:
            raise FrameSelectError(
                f"key_share={self.key_share}: must be above 0 and at most {MOST_KEY_SHARE}"
            )
        for name, high in (("difficulty", 1), ("signal", 100)):
            if not 0 <= getattr(self, name) <= high:
                raise FrameSelectError(f"{name}={getattr(self, name)}: must be from 0 to {high}")
        if self.runs > self.key_frames:
            raise FrameSelectError(
                f"runs={self.runs}: must be at most {self.key_frames}, the number of key frames "
                "(key_share times frames)"
            )

    @property
    def stream_names(self) -> list[str]:
        """The names of the streams."""
        several = [f"s{number + 1}" for number in range(self.streams)]
        return several if self.streams > 1 else [DEFAULT_STREAM]

    @property
    def key_frames(self) -> int:
        """Number of key frames per video: at least one, at most half."""
        return min(max(1, round(self.key_share * self.frames)), self.frames // 2)


def write_planted(path: Path, recipe: Recipe, console: Console | None = None) -> Path:
    """Write the cache of a recipe, with one video in memory at a time; return its path."""
    check_out(path)
    videos: Iterable[dict[str, Any]] = planted_videos(recipe)
    if console:
        videos = track(videos, "planting videos", recipe.videos, console=console, transient=True)
    provenance = {"source": "planted", **asdict(recipe), "version": version("frame-select-env")}
    classes = [f"c{number}" for number in range(recipe.classes)]
    axes = dict.fromkeys(recipe.stream_names, "view") if recipe.views > 1 else {}
    return write_cache(path, videos, classes=classes, axes=axes, provenance=provenance)


def planted_videos(recipe: Recipe) -> Iterator[dict[str, Any]]:
    """The videos in the form that `write_cache` takes; `importance` is 1 on the key frames."""
    shared = np.random.default_rng(np.random.SeedSequence(recipe.seed))
    directions = shared.normal(size=(recipe.classes, recipe.features - 1))
    directions /= np.maximum(np.linalg.norm(directions, axis=1, keepdims=True), 1e-9)
    for row in range(recipe.videos):
        # As child `row` of the shared sequence: videos do not depend on how many follow them.
        rng = np.random.default_rng(np.random.SeedSequence(recipe.seed, spawn_key=(row,)))
        label = int(rng.integers(recipe.classes))
        key = place_key_frames(recipe.frames, recipe.key_frames, recipe.runs, rng)
        # Drawn before the predictions, so that the noise does not change with the difficulty.
        features = rng.normal(size=(recipe.frames, recipe.features))
        predictions = plant_predictions(key, label, recipe.classes, recipe.difficulty, rng)
        # The first unit has the noise that a single one would have.
        units = recipe.streams * recipe.views
        more = rng.normal(size=(units - 1, *features.shape))
        features = np.concatenate([features[None], more])  # [streams * views, frames, features]
        features[..., 0] += recipe.signal * key
        features[..., 1:] += CONTENT * predictions @ directions
        seen = features.astype(np.float16).reshape(recipe.streams, recipe.views, *more.shape[1:])
        seen = seen[:, 0] if recipe.views == 1 else seen.swapaxes(1, 2)
        video = {
            "id": f"planted_{row:07d}",
            "label": label,
            "split": SPLITS[row % len(SPLITS)],
            "features": seen[0],
            "predictions": predictions,
            "importance": key.astype(np.float32),
        }
        if recipe.streams > 1:
            names = recipe.stream_names
            video["features"] = dict(zip(names, seen, strict=True))
            video["predictions"] = dict.fromkeys(names, predictions)
        yield video


def place_key_frames(frames: int, keys: int, runs: int, rng: np.random.Generator) -> np.ndarray:
    """The key frames, [frames] bool: `runs` contiguous runs, or scattered if 0."""
    key = np.zeros(frames, bool)
    if runs == 0:
        key[rng.choice(frames, keys, replace=False)] = True
        return key
    # Cut the key frames into runs, and place each in a different gap between the other frames.
    cuts = np.sort(rng.choice(np.arange(1, keys), runs - 1, replace=False))
    lengths = np.diff(np.concatenate([[0], cuts, [keys]]))
    gaps = np.sort(rng.choice(frames - keys + 1, runs, replace=False))
    starts = gaps + np.concatenate([[0], cuts])
    for start, length in zip(starts, lengths, strict=True):
        key[start : start + length] = True
    return key


def plant_predictions(
    key: np.ndarray, label: int, classes: int, difficulty: float, rng: np.random.Generator
) -> np.ndarray:
    """Predictions of one video for which the key frames are the best selection.

    Let p_c(t) be the probability of the true class c in frame t. It is the same value k in all key
    frames and at most k - GAP in every other. So p1_c, a mean of p_c(t), is k for any subset of the
    key frames and less for every other selection: keeping exactly the key frames gives the highest
    possible p1_c, and is the largest selection that does. As k > 1/2, it is correct.

    Over all frames, c leads its decoy by (u - difficulty) times a positive number, where u is
    uniform in [0, 1) and drawn before anything that depends on the difficulty: the mean of all
    frames is correct if and only if u >= difficulty, and a video that it misclassifies stays
    misclassified at any higher difficulty.

    `key` [L] bool is true for at least one and at most half of the frames; the predictions are
    [L, C] float32.
    """
    keys, distractors = int(key.sum()), int((~key).sum())
    confidence = float(np.float32(rng.uniform(*KEY_CONFIDENCE)))
    u = rng.random()
    decoy = int((label + rng.integers(1, classes)) % classes)
    others = np.setdiff1d(np.arange(classes), (label, decoy))
    predictions = np.zeros((len(key), classes))
    rest = rng.dirichlet(np.ones(classes - 1), keys) * (1 - confidence)
    predictions[np.ix_(key, np.arange(classes) != label)] = rest
    predictions[key, label] = confidence

    # Distractor t gives c and the decoy (1 + lean) / 2 and (1 - lean) / 2, minus the others' share.
    # With the mean lean `balance`, c and the decoy would be equal over all frames.
    balance = -(confidence - predictions[key, decoy]).sum() / distractors
    most = 2 * (confidence - GAP) - 1
    if u >= difficulty:
        pull = max(PULL * (u - difficulty), LEAST_PULL)
        lean = min(balance + pull, most)
    else:
        # The mean lean stays away from MOST_LEAN, so that single frames can vary.
        room = min(PULL, balance + 0.98)
        lean = balance - max(room * (difficulty - u), LEAST_PULL)
    leans = lean + _centred(distractors, lean + MOST_LEAN, most - lean, rng)
    predictions[~key, label] = (1 + leans) / 2
    predictions[~key, decoy] = (1 - leans) / 2

    if len(others):
        share = (1 - np.abs(leans)) * rng.uniform(0, OTHERS, distractors)
        given = rng.dirichlet(np.full(len(others), 0.3), distractors) * share[:, None]
        # Scaled down until none of them comes close to c or the decoy in the mean.
        sums = predictions.sum(axis=0)
        lead = min(sums[label], sums[decoy]) - sums[others] - OTHERS_BELOW * len(key)
        cost = given.sum(axis=0) + share.sum() / 2
        scale = min(1.0, float((lead / cost).min()))
        rows = np.flatnonzero(~key)
        predictions[np.ix_(rows, others)] = scale * given
        predictions[rows, label] -= scale * share / 2
        predictions[rows, decoy] -= scale * share / 2
    return predictions.astype(np.float32)


def _centred(count: int, below: float, above: float, rng: np.random.Generator) -> np.ndarray:
    """Random numbers [count] from -below to above with mean 0."""
    draw = rng.uniform(-1, 1, count)
    up, down = np.maximum(draw, 0) * above, np.maximum(-draw, 0) * below
    total = min(up.sum(), down.sum())
    return up * (total / (up.sum() or 1.0)) - down * (total / (down.sum() or 1.0))
