"""Planted caches: small, with a known answer in each."""

import numpy as np
import pytest
from by_hand import video_by_hand

from frame_select_env import FeatureCache, write_cache


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def planted_videos(split, label, lengths, seed=0, classes=3, regression=False, **columns):
    """In every video a run of frames tells the label; the others tell something else.

    Feature 0 is 1 on the telling frames and 0 elsewhere, the other two are noise.
    """
    rng = np.random.default_rng(seed)
    for i, length in enumerate(lengths):
        telling = np.zeros(length, bool)
        first = rng.integers(0, max(1, length - 2))
        telling[first : first + 3] = True
        features = np.column_stack([telling, rng.normal(size=(length, 2))]).astype(np.float32)
        if regression:
            noise = rng.normal(size=(length, 1))
            predictions = np.where(telling[:, None], label[i], noise).astype(np.float32)
        else:
            logits = rng.normal(size=(length, classes)) * 1.5
            wrong = (label[i] + 1) % classes
            logits[np.arange(length), np.where(telling, max(label[i], 0), wrong)] += 1.0
            predictions = softmax(logits).astype(np.float32)
        yield {
            "id": f"v{i:03d}",
            "label": label[i] if regression else int(label[i]),
            "split": split[i],
            "features": features,
            "predictions": predictions,
            "importance": telling.astype(np.float32),
            **{name: values[i] for name, values in columns.items()},
        }


@pytest.fixture
def plant(tmp_path):
    """Plant a cache: `plant(split=..., label=..., lengths=..., group=...)`; all have defaults."""
    made = []

    def make(split=None, label=None, lengths=None, seed=0, thumbnails=False, **columns):
        rng = np.random.default_rng(seed)
        split = split or ["train"] * 60 + ["test"] * 40
        count = len(split)
        regression = columns.pop("regression", False)
        if label is None:
            label = rng.normal(size=(count, 1)) if regression else np.arange(count) % 3
        lengths = rng.integers(4, 14, count) if lengths is None else lengths
        if thumbnails:
            columns["thumbnail"] = [
                rng.integers(0, 256, (length, 8, 8)).astype(np.uint8) for length in lengths
            ]
        names = {"targets": ["valence"]} if regression else {"classes": ["ant", "bee", "cat"]}
        path = tmp_path / f"planted{len(made)}.h5"
        made.append(path)
        videos = planted_videos(
            split, np.asarray(label), lengths, seed, regression=regression, **columns
        )
        return FeatureCache(write_cache(path, videos, **names))

    return make


def timed_videos(videos, thumbnail=None, name="v{}"):
    """Test videos of two classes with three frames each, at 0, 0.5 and 1.25 s.

    They are the frames 0, 12 and 40 of the source video: its rate varies.

    `thumbnail` is the shape of a picture that is as bright as the video's number.
    """
    for row in range(videos):
        more = {"time": np.array([0.0, 0.5, 1.25], np.float32), "number": np.array([0, 12, 40])}
        if thumbnail:
            more["thumbnail"] = np.full((3, *thumbnail), row, np.uint8)
        yield video_by_hand(name.format(row), np.eye(2)[[0, 1, 0]], row % 2, **more)


@pytest.fixture
def plant_timed(tmp_path):
    """Plant a cache of `timed_videos`."""

    def make(videos=6, classes=("a", "b"), **options):
        made = timed_videos(videos, **options)
        return FeatureCache(write_cache(tmp_path / "timed.h5", made, classes=classes))

    return make


class Telling:
    """A ranking that found the telling frames: feature 0, plus a little noise of its seed."""

    name = "telling"

    def __init__(self, seed=0, noise=0.0):
        self.seed, self.noise, self.batches = seed, noise, []

    def scores(self, clips):
        self.batches.append(clips.video)
        noise = [np.random.default_rng([self.seed, int(v)]).normal(size=99) for v in clips.video]
        noise = self.noise * np.array(noise)[:, : clips.valid.shape[1]]
        return np.where(clips.valid, clips.features[:, :, 0] - 0.5 + noise, -np.inf)


class TellingFree(Telling):
    """The same with a free choice: what scores above 0."""

    def select(self, clips):
        return self.scores(clips) > 0


@pytest.fixture
def telling():
    return Telling


@pytest.fixture
def telling_free():
    return TellingFree


class ByTime:
    """Ranks by time, later first; freely keeps the frames listed for each video."""

    name = "by-time"

    def __init__(self, free=None):
        self.free = free or {}
        if free is not None:
            self.select = self._select

    def scores(self, clips):
        return np.where(clips.valid, clips.time, -np.inf)

    def _select(self, clips):
        mask = np.zeros(clips.valid.shape, bool)
        for place, video in enumerate(clips.video):
            mask[place, self.free.get(int(video), [])] = True
        return mask


@pytest.fixture
def by_time():
    return ByTime


@pytest.fixture
def by_hand(tmp_path):
    """Two test videos of class 0 with three and two frames."""
    first = [[0.2, 0.8], [0.3, 0.7], [0.9, 0.1]]  # all: (1.4, 1.6) / 3, wrong; the last: right
    second = [[0.9, 0.1], [0.2, 0.8]]  # all: (1.1, 0.9) / 2, right; the last: wrong
    videos = [
        {
            "id": name,
            "label": 0,
            "split": "test",
            "features": np.ones((len(frames), 1), np.float32),
            "predictions": np.array(frames, np.float32),
        }
        for name, frames in (("first", first), ("second", second))
    ]
    return FeatureCache(write_cache(tmp_path / "hand.h5", videos, classes=["yes", "no"]))
