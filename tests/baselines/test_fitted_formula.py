"""Fitted formulas: their rule by hand, and as references in a table."""

import numpy as np
import pytest

from agents.evaluation import evaluate
from baselines.fitted_formula import (
    FITTED_FORMULAS,
    FittedFormula,
    Rule,
    TrainingVideos,
    selection_error,
    standardised_norm,
)
from baselines.formulas import feature_norm, smoothed
from frame_select_env import FeatureCache, write_cache


def first_feature(clips):
    return clips.features[:, :, 0].astype(np.float64)


@pytest.fixture
def line(tmp_path):
    """Forty videos of ten frames: feature 0 is the frame's number, and frames 0 to 2 are right.

    Their label is 0, and so is the prediction of these frames; that of the others is 1.
    """
    right = np.arange(10) < 3
    videos = [
        {
            "id": f"v{row}",
            "label": 0,
            "split": "train" if row < 30 else "test",
            "features": np.stack([np.arange(10), np.full(10, 3)], axis=1).astype(np.float32),
            "predictions": np.where(right[:, None], [0.9, 0.1], [0.2, 0.8]).astype(np.float32),
        }
        for row in range(40)
    ]
    return FeatureCache(write_cache(tmp_path / "line.h5", videos, classes=["yes", "no"]))


def test_smoothed_is_the_mean_over_the_valid_neighbours():
    value = np.array([[1.0, 2.0, 6.0, 99.0]])
    valid = np.array([[True, True, True, False]])
    np.testing.assert_allclose(smoothed(value, valid, 1)[0, :3], [1.5, 3, 4])
    np.testing.assert_allclose(smoothed(value, valid, 0)[0, :3], [1, 2, 6])


def test_the_sign_and_the_threshold_are_those_with_the_fewest_errors(line):
    videos = TrainingVideos(line, line.rows("train"))
    found = FittedFormula.fit("first", first_feature, videos, reaches=(0,))
    # Low values are right. The first threshold with minus the sign is the 5 % quantile, 0.
    assert found.rule == Rule(reach=0, sign=-1, frames=None, threshold=0.0)
    clips = line.read(line.rows("test"), 10)
    kept = found.select(clips)
    assert (kept == (np.arange(10) == 0)).all()
    assert selection_error(clips.predictions, kept, line.labels[clips.video]).sum() == 0
    np.testing.assert_array_equal(found.scores(clips)[0], -np.arange(10.0))


def test_a_fixed_number_of_frames_is_a_rule_too(line):
    videos = TrainingVideos(line, line.rows("train"))
    found = FittedFormula.fit("first", first_feature, videos, reaches=(1,), counts=(9, 2))
    # Tried first and wrong are the 9 and the 2 highest, then thresholds, then the 9 lowest; the
    # first rule without an error is that of the two lowest.
    assert found.rule == Rule(reach=1, sign=-1, frames=2)
    clips = line.read(line.rows("test")[:1], 10)
    assert np.flatnonzero(found.select(clips)).tolist() == [0, 1]


def test_a_threshold_that_no_frame_reaches_keeps_the_best_frame():
    rule = Rule(reach=0, sign=1, frames=None, threshold=5.0)
    scores = rule.scores(np.array([[1.0, 2.0, 0.0]]), np.ones((1, 3), bool))
    assert rule.select(scores, np.ones((1, 3), bool)).tolist() == [[False, True, False]]


def test_without_chooses_among_the_same_rules_by_the_other_videos():
    rules = [Rule(0, 1, 1), Rule(0, 1, 2), Rule(0, 1, 3)]
    errors = np.array([[0.0, 0, 1, 1], [1, 1, 0, 0], [0, 0, 0, 1]])
    made = FittedFormula("x", feature_norm, rules, errors, np.array([3, 5, 7, 9]))
    assert made.rule.frames == 3
    assert made.without(np.array([3, 5])).rule.frames == 2
    assert made.without(np.array([7, 9, 11])).rule.frames == 1
    assert made.without(np.array([1])) is made
    assert made.without(np.array([3, 5, 7, 9])) is made


def test_the_error_of_a_regression_is_that_of_the_mean():
    predictions = np.array([[[1.0, 0.0], [3.0, 2.0], [9.0, 9.0]]], np.float32)
    kept = np.array([[True, True, False]])
    error = selection_error(predictions, kept, np.array([[1.0, 1.5]], np.float32))
    np.testing.assert_allclose(error, [(1.0 + 0.5) / 2])


def test_the_standardised_norm_by_hand(line):
    # Feature 0 is 0 to 9 in every video, mean 4.5 and variance 8.25; feature 1 never varies.
    norm = standardised_norm(TrainingVideos(line, line.rows("train")))
    clips = line.read(line.rows("test")[:1], 10)
    np.testing.assert_allclose(norm(clips)[0], np.abs(np.arange(10) - 4.5) / np.sqrt(8.25))
    np.testing.assert_allclose(feature_norm(clips)[0], np.hypot(np.arange(10), 3), rtol=1e-6)


def test_every_table_has_them_with_a_free_choice_fitted_on_training_videos(planted):
    cache = FeatureCache(planted)
    names = ["feature-norm", "fitted-confidence", "uniform"]
    found = evaluate(cache, {}, num_frames=10, frames=(2,), resamples=20, references=names)
    assert list(FITTED_FORMULAS) == names[:2]
    for name in FITTED_FORMULAS:
        assert found.row(name, "free").kind == "reference"
        assert found.row(name, "free").average_precision is not None
    # What is matched to a free choice is matched to an agent's alone.
    assert ("uniform", "free") not in found.results
    test = cache.rows("test")
    own = FittedFormula.fit(
        "x", feature_norm, TrainingVideos(cache, cache.rows("train"), num_frames=10)
    )
    clips = cache.read(test, 10)
    wrong = selection_error(clips.predictions, own.select(clips), cache.labels[test])
    np.testing.assert_array_equal(found.results["feature-norm", "free"].error[0], wrong)


def test_of_two_streams_each_has_a_rule_of_its_own(viewed):
    cache = FeatureCache(viewed)
    found = evaluate(
        cache,
        {},
        num_frames=10,
        frames=(2,),
        resamples=20,
        stream=("rgb", "flow"),
        view="random",
        references=["feature-norm"],
    )
    one = FittedFormula.fit(
        "x",
        feature_norm,
        TrainingVideos(cache, cache.rows("train"), num_frames=10, stream="flow", view="random"),
    )
    rows = cache.rows("test")
    video, view = cache.clips_of(rows, "flow", "random")
    kept = one.select(cache.read(video, 10, "default", "flow", view))
    selected = found.results["feature-norm", "free"].selected[0]  # [n, 2 streams of 3 views, T]
    np.testing.assert_array_equal(selected[:, 3:].reshape(kept.shape), kept)
