"""all-logits and pooled: the equations, and that only the training split is fitted on."""

import numpy as np
import pytest

from baselines import AllLogits, Pooled, predictors
from baselines.predictors import pool
from frame_select_env import Clips, FeatureCache, FrameSelectError, write_cache


def clips_of(features, predictions, lengths):
    features = np.asarray(features, np.float32)
    predictions = np.asarray(predictions, np.float32)
    valid = np.arange(features.shape[1])[None] < np.asarray(lengths)[:, None]
    rows = np.arange(len(features))
    return Clips(features, predictions, valid, valid.astype(np.float32), rows)


def test_all_logits_is_the_normalised_geometric_mean():
    clips = clips_of(np.zeros((1, 3, 1)), [[[0.9, 0.1], [0.4, 0.6], [0.0, 0.0]]], [2])
    odds = np.sqrt(0.9 * 0.4) / np.sqrt(0.1 * 0.6)
    np.testing.assert_allclose(
        AllLogits().predict(clips), [[odds / (1 + odds), 1 / (1 + odds)]], rtol=1e-6
    )


def test_all_logits_clips_at_a_millionth():
    clips = clips_of(np.zeros((1, 2, 1)), [[[1.0, 0.0], [0.5, 0.5]]], [2])
    odds = np.sqrt(0.5) / np.sqrt(1e-6 * 0.5)
    np.testing.assert_allclose(AllLogits().predict(clips)[0, 0], odds / (1 + odds), rtol=1e-6)


def test_pool_is_mean_and_standard_deviation_of_the_valid_frames():
    clips = clips_of([[[1.0], [3.0], [0.0]], [[5.0], [0.0], [0.0]]], np.zeros((2, 3, 1)), [2, 1])
    np.testing.assert_allclose(pool(clips), [[2.0, 1.0], [5.0, 0.0]])


def write(path, label, split, seed=0, frames=6, **columns):
    """Class 0 and 1 have the same mean feature; class 1's frames spread three times as wide."""
    rng = np.random.default_rng(seed)
    labels = np.asarray(label)

    def videos():
        for i, value in enumerate(labels):
            features = rng.normal(size=(frames, 3)) * (1 + 2 * np.mean(value))
            yield {
                "id": f"v{i}",
                "label": int(value) if labels.ndim == 1 else value,
                "split": split[i],
                "features": features.astype(np.float32),
                "predictions": np.full((frames, 2 if labels.ndim == 1 else 1), 0.5, np.float32),
                **{name: values[i] for name, values in columns.items()},
            }

    names = {"classes": ["calm", "wild"]} if labels.ndim == 1 else {"targets": ["width"]}
    return FeatureCache(write_cache(path, videos(), **names))


def test_pooled_sees_the_spread_and_never_the_test_split(tmp_path):
    label = np.arange(120) % 2
    split = ["train"] * 80 + ["test"] * 40
    cache = write(tmp_path / "a.h5", label, split)
    pooled = Pooled.fit(cache)
    test = cache.read(cache.rows("test"))
    probabilities = pooled.predict(test)
    np.testing.assert_allclose(probabilities.sum(1), 1)
    assert (probabilities.argmax(1) == label[80:]).mean() > 0.85

    # Turning the test labels round changes nothing of the model.
    turned = np.concatenate([label[:80], 1 - label[80:]])
    other = Pooled.fit(write(tmp_path / "b.h5", turned, split))
    np.testing.assert_array_equal(other.predict(test), probabilities)


def test_pooled_leaves_unlabelled_videos_out(tmp_path):
    label = np.arange(60) % 2
    label[::7] = -1
    cache = write(tmp_path / "a.h5", label, ["train"] * 60)
    assert Pooled.fit(cache).predict(cache.read(cache.rows("train"))).shape == (60, 2)


def test_pooled_regression(tmp_path):
    label = np.linspace(0, 2, 120)[np.random.default_rng(1).permutation(120)][:, None]
    cache = write(tmp_path / "a.h5", label, ["train"] * 80 + ["test"] * 40, frames=30)
    values = Pooled.fit(cache, num_frames=30).predict(cache.read(cache.rows("test"), 30))
    assert values.shape == (40, 1)
    assert np.corrcoef(values[:, 0], label[80:, 0])[0, 1] > 0.8


def test_pooled_of_a_cache_with_one_class_is_sure_of_it(tmp_path):
    rng = np.random.default_rng(0)
    videos = [
        {
            "id": f"v{row}",
            "label": 0,
            "split": "train",
            "features": rng.normal(size=(3, 2)),
            "predictions": np.ones((3, 1)),
        }
        for row in range(8)
    ]
    cache = FeatureCache(write_cache(tmp_path / "a.h5", videos, classes=["video"]))
    assert (Pooled.fit(cache).predict(cache.read(cache.rows("train"))) == 1).all()


def test_pooled_needs_two_classes(tmp_path):
    cache = write(tmp_path / "a.h5", np.zeros(8, int), ["train"] * 8)
    with pytest.raises(FrameSelectError, match="single class"):
        Pooled.fit(cache)


def along_a_line(path, classes=12, videos=360):
    """One feature, of which each class has a stretch: a linear model has to be steep."""
    rng = np.random.default_rng(0)
    place = rng.random(videos)

    def made():
        for row, x in enumerate(place):
            yield {
                "id": f"v{row}",
                "label": int(x * classes),
                "split": "train" if row < videos * 2 // 3 else "test",
                "features": np.full((1, 1), x, np.float32),
                "predictions": np.full((1, classes), 1 / classes, np.float32),
            }

    return FeatureCache(write_cache(path, made(), classes=[f"c{k}" for k in range(classes)]))


def test_few_features_get_a_weak_penalty(tmp_path, monkeypatch):
    cache = along_a_line(tmp_path / "line.h5")
    clips = cache.read(cache.rows("test"), 1)

    def accuracy():
        told = Pooled.fit(cache, num_frames=1).predict(clips)
        return (told.argmax(axis=1) == cache.labels[clips.video]).mean()

    weak = accuracy()
    monkeypatch.setattr(predictors, "WEAKER", ())
    assert weak >= accuracy() + 0.05


def test_weaker_penalties_are_not_even_tried_where_the_best_one_is_inside(planted, monkeypatch):
    cache = FeatureCache(planted)
    found = Pooled.fit(cache, num_frames=10)
    monkeypatch.setattr(predictors, "WEAKER", ("no number",))
    clips = cache.read(cache.rows("test"), 10)
    again = Pooled.fit(cache, num_frames=10)
    np.testing.assert_array_equal(again.predict(clips), found.predict(clips))
