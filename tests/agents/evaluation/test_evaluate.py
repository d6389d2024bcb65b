"""evaluate: Algorithm 2 worked by hand, and what is asked of a ranking."""

from dataclasses import FrozenInstanceError

import gymnasium as gym
import numpy as np
import pytest
from judges import write_random_judge

from agents.evaluation import evaluate, scoring
from agents.evaluation.scoring import (
    EvaluationSettings,
    ScoringRequest,
    VideoBatch,
)
from frame_select_env import FeatureCache, FrameSelectError, open_cache, write_cache


def test_algorithm_2_by_hand(by_hand, by_time):
    found = evaluate(by_hand, {"mine": [by_time()]}, frames=(1, 2, 3), references=False)
    whole = found.results["all", "all"]
    assert whole.error.tolist() == [[1, 0]]
    np.testing.assert_allclose(whole.true_probability, [[1.4 / 3, 1.1 / 2]], rtol=1e-6)
    one = found.results["mine", "1"]
    assert one.error.tolist() == [[0, 1]]
    assert one.predicted.tolist() == [[0, 1]]
    np.testing.assert_allclose(one.true_probability, [[0.9, 0.2]], rtol=1e-6)
    two = found.results["mine", "2"]  # (1.2, 0.8) / 2 and all of the second
    assert two.error.tolist() == [[0, 0]]
    assert two.frames.tolist() == [[2, 2]]
    assert found.results["mine", "3"].error.tolist() == whole.error.tolist()
    row = found.row("mine", 2)
    assert (row.figures["accuracy"].value, row.figures["gain"].value) == (1.0, 0.5)
    assert (row.mean_frames, row.runs, row.kind) == (2.0, 1, "agent")


def test_nothing_selected_is_wrong_and_predicts_no_class(by_hand):
    batch = VideoBatch(EvaluationSettings(by_hand, num_frames=3), np.array([0, 1]))
    found = batch.average(np.array([[[False, False, True]], [[False, False, True]]]))
    # The third frame of the second video is padding.
    assert found.selected.tolist() == [[[False, False, True]], [[False, False, False]]]
    assert found.predicted.tolist() == [0, -1] and found.error.tolist() == [0, 1]
    np.testing.assert_allclose(found.true_probability, [0.9, 0], rtol=1e-6)
    assert found.frames.tolist() == [1, 0]


@pytest.mark.parametrize("kind", ["max", "file"])
def test_selections_are_scored_by_the_judge_that_pays_for_them(planted, tmp_path, kind):
    """What the environment says of a selection, to the bit."""
    aggregator = kind if kind == "max" else write_random_judge(tmp_path, planted)
    rows = open_cache(planted).rows("test")
    env = gym.make_vec(
        "FrameSelect/OneShot-v0", len(rows), data=str(planted), split="test", aggregator=aggregator
    )
    env.reset(seed=0, options={"video": rows})
    selected = np.random.default_rng(0).random((len(rows), 25)) < 0.2
    info = env.step(selected.astype(np.int8))[-1]
    batch = VideoBatch(EvaluationSettings(open_cache(planted), aggregator=aggregator), rows)
    found, every = batch.average(selected[:, None]), batch.average(batch.everything)
    own = np.arange(len(rows)), info["label"]
    assert found.true_probability.tolist() == info["p1"][own].tolist()
    assert (found.error == 0).tolist() == info["correct_after"].tolist()
    assert every.true_probability.tolist() == info["p0"][own].tolist()


def test_what_was_evaluated_cannot_be_changed(by_hand, by_time):
    found = evaluate(by_hand, {"mine": [by_time()]}, references=False)
    for one in (found.settings, found.results["all", "all"], ScoringRequest(by_time(), [1])):
        for name in vars(one):
            with pytest.raises(FrozenInstanceError):
                setattr(one, name, None)


def test_one_draw_one_resample_and_one_frame_are_enough(by_hand):
    found = evaluate(
        by_hand, {}, frames=(1,), num_frames=1, references=["random"], draws=1, resamples=1
    )
    assert found.row("random", 1).runs == 1 and found.row("random", 1).mean_frames == 1
    with pytest.raises(TypeError):
        evaluate(by_hand, {}, "default")  # the options have no order


def test_a_regression_by_hand(tmp_path, by_time):
    videos = [
        {
            "id": "v",
            "label": [1.0, -1.0],
            "split": "test",
            "features": np.ones((2, 1), np.float32),
            "predictions": np.float32([[2.0, 0.0], [4.0, -2.0]]),
        }
    ]
    cache = FeatureCache(write_cache(tmp_path / "r.h5", videos, targets=["x", "y"]))
    found = evaluate(cache, {"mine": [by_time()]}, frames=(1,), references=False)
    whole, last = found.results["all", "all"], found.results["mine", "1"]
    assert whole.predicted.tolist() == [[[3.0, -1.0]]] and last.predicted.tolist() == [[[4, -2]]]
    assert whole.error.tolist() == [[1.0]] and last.error.tolist() == [[2.0]]
    assert np.isnan(whole.true_probability).all()
    row = found.row("mine", 1)
    assert (row.figures["mae"].value, row.figures["gain"].value) == (2.0, -1.0)


def test_progress_is_shown_on_standard_error_if_it_is_asked_for(plant, telling, monkeypatch):
    shown = []

    def listen(batches, description, disable=False, **more):
        shown.append((description, disable, more["console"].stderr))
        return batches

    monkeypatch.setattr(scoring, "track", listen)
    cache = plant()
    evaluate(cache, {"mine": [telling()]}, resamples=5, progress=True)
    assert shown == [("validation", False, True), ("test", False, True)]
    shown.clear()
    evaluate(cache, {"mine": [telling()]}, resamples=5)
    assert [disable for _, disable, _ in shown] == [True, True]


class OfItsOwn:
    """A ranking whose scores depend on the number of frames; it chooses freely if it may."""

    name, needs_frames = "of-its-own", True

    def __init__(self, free=False):
        self.asked = []
        if free:
            self.select = lambda clips: clips.valid

    def scores(self, clips, frames):
        self.asked.append(frames)
        return np.where(clips.valid, clips.time * (-1) ** frames, -np.inf)


def test_a_ranking_that_needs_the_number_of_frames_is_asked_for_each(by_hand):
    ranking = OfItsOwn()
    found = evaluate(by_hand, {"mine": [ranking]}, frames=(2, 1), references=False)
    assert ranking.asked == [1, 2]
    # An odd number keeps the first frames, an even one the last.
    assert found.results["mine", "1"].selected[0, :, 0, 0].tolist() == [True, True]
    assert found.results["mine", "2"].selected[0, 0, 0, :3].tolist() == [False, True, True]
    assert "mine" not in found.scores
    with pytest.raises(FrameSelectError, match="'of-its-own': has no scores of its own"):
        evaluate(by_hand, {"mine": [OfItsOwn(free=True)]}, frames=(1,), references=False)


def test_frames_are_25_unless_told(by_hand):
    assert EvaluationSettings(by_hand).num_frames == 25
    with pytest.raises(FrameSelectError, match="num_frames=0: must be at least 1"):
        EvaluationSettings(by_hand, num_frames=0)


def test_alpha_weighs_the_frames_left_out(by_hand, by_time):
    found = evaluate(by_hand, {"mine": [by_time()]}, frames=(1,), references=False, alpha=0.5)
    # AS Eq. 10: (0.9 + 0.5 * (0.2 + 0.3)) / (1 + 0.5 * 2) and (0.2 + 0.5 * 0.9) / 1.5
    np.testing.assert_allclose(
        found.results["mine", "1"].true_probability, [[0.575, 0.65 / 1.5]], rtol=1e-6
    )
    np.testing.assert_allclose(found.results["all", "all"].true_probability[0, 0], 1.4 / 3)


def test_a_free_choice_that_is_empty_is_the_best_frame(by_hand, by_time):
    agent = by_time(free={0: [0, 2]})  # nothing of the second video
    found = evaluate(by_hand, {"mine": [agent]}, references=["uniform", "random"])
    free = found.results["mine", "free"]
    assert free.selected[0, :, 0, :3].tolist() == [[True, False, True], [False, True, False]]
    assert free.frames.tolist() == [[2, 1]]
    for name in ("uniform", "random"):
        assert (found.results[name, "free"].frames == [[2, 1]]).all()
    # Of 3 frames the two of floor((t + 1/2) 3 / 2): 0 and 2; of 2 the one at 1.
    uniform = found.results["uniform", "free"].selected[0, :, 0, :3]
    assert uniform.tolist() == [[True, False, True], [False, True, False]]
