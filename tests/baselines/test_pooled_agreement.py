"""pooled-agreement and its control: by hand, and fitted without the videos it chooses on."""

import numpy as np
import pytest
from by_hand import video_by_hand

from agents.evaluation import evaluate
from baselines import Pooled, PooledAgreement, PooledAndAll
from frame_select_env import FeatureCache, open_cache, write_cache
from frame_select_env.cache import Clips


class Says:
    """A predictor that says the same of every video."""

    def __init__(self, *probabilities):
        self.probabilities = np.array(probabilities)

    def predict(self, clips):
        return np.repeat(self.probabilities[None], len(clips), axis=0)


@pytest.fixture
def pair(tmp_path):
    """Two videos of three and two frames."""
    told = {"long": [[0.9, 0.1], [0.2, 0.8], [0.5, 0.5]], "short": [[0.6, 0.4], [0.3, 0.7]]}
    videos = [video_by_hand(name, frames) for name, frames in told.items()]
    return FeatureCache(write_cache(tmp_path / "pair.h5", videos, classes=["yes", "no"]))


def test_a_score_is_the_expected_probability_of_the_true_class(pair):
    ranking = PooledAgreement([Says(0.75, 0.25)], pair, "default", 3)
    scores = ranking.scores(pair.read(np.array([1, 0]), 3))
    # 0.75 * 0.6 + 0.25 * 0.4, 0.75 * 0.3 + 0.25 * 0.7; 0.7, 0.35 and 0.5
    np.testing.assert_allclose(scores, [[0.55, 0.4, -np.inf], [0.7, 0.35, 0.5]], atol=1e-6)


def test_several_streams_say_the_mean_of_what_each_says(pair):
    both = PooledAgreement([Says(1, 0), Says(0.5, 0.5)], pair, "default", 3, (None, None))
    one = PooledAgreement([Says(0.75, 0.25)], pair, "default", 3)
    clips = pair.read(np.array([0, 1]), 3)
    np.testing.assert_allclose(both.scores(clips), one.scores(clips))


def test_the_control_averages_the_two_predictions(pair):
    clips = pair.read(np.array([0, 1]), 3)
    found = PooledAndAll(Says(1.0, 0.0)).predict(clips)
    p0 = np.array([[1.6 / 3, 1.4 / 3], [0.45, 0.55]])
    np.testing.assert_allclose(found, (p0 + [1.0, 0.0]) / 2, atol=1e-6)


def test_without_is_a_fit_on_the_others(planted):
    cache = open_cache(planted)
    train = cache.rows("train")
    whole = Pooled.fit(cache, num_frames=10)
    left = whole.without(train[::2])
    clips: Clips = cache.read(cache.rows("test"), 10)
    assert not np.array_equal(left.predict(clips), whole.predict(clips))
    # Left out are these videos and nothing else: what is left out twice is left out once.
    twice = left.without(train[::2])
    np.testing.assert_allclose(twice.predict(clips), left.predict(clips), atol=1e-6)
    np.testing.assert_array_equal(whole.without(train).predict(clips), whole.predict(clips))
    np.testing.assert_array_equal(
        whole.without(cache.rows("test")).predict(clips), whole.predict(clips)
    )


def test_m_is_chosen_on_videos_that_it_was_not_fitted_on(planted, monkeypatch):
    cache, asked = open_cache(planted), []
    without = PooledAgreement.without

    def spy(self, rows):
        asked.append(rows.tolist())
        return without(self, rows)

    monkeypatch.setattr(PooledAgreement, "without", spy)
    held_out = [cache.rows("train")[:6], cache.rows("train")[6:12]]

    class First:
        name = "first"

        def scores(self, clips):
            return -clips.time

    evaluate(
        cache,
        {"first": [First(), First()]},
        num_frames=10,
        frames=(2, 4),
        validation={"first": held_out},
        resamples=10,
        references=["pooled-agreement"],
    )
    assert asked == [rows.tolist() for rows in held_out]
