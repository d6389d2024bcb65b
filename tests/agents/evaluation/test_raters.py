"""How rankings agree with raters: by hand, against SciPy, and with their controls in one table."""

import numpy as np
import pytest
from scipy.stats import kendalltau, spearmanr

from agents.evaluation import evaluate
from agents.evaluation.raters import RatedVideo, held, human_agreement, kendall, ranking_agreement
from agents.evaluation.summary import Shots
from agents.evaluation.tables import evaluation_markdown, print_table
from baselines import make_ranking
from frame_select_env import FeatureCache, FrameSelectError, write_cache
from frame_select_env.cache import Summaries, frame_index


def test_kendalls_tau_by_hand():
    """Of six pairs five are in order. A rater who scores all frames alike is left out."""
    raters = np.array([[1.0, 7], [2, 7], [4, 7], [3, 7]])
    assert kendall(np.arange(4.0), raters) == pytest.approx((5 - 1) / 6)
    assert kendall(np.arange(4.0), raters[:, 1:]) == 0
    assert kendall(np.ones(4), raters) == 0


@pytest.mark.parametrize(("length", "frames"), [(7, 3), (25, 25), (30, 25), (470, 25), (4, 9)])
def test_every_frame_has_the_score_of_the_sampled_frame_it_is_nearest_to(length, frames):
    index, valid = (one[0] for one in frame_index(np.array([length]), frames))
    found = held(np.arange(valid.sum()), length)
    assert len(found) == length
    np.testing.assert_array_equal(found[index[valid]], np.arange(valid.sum()))
    away = np.abs(index[valid][None] - np.arange(length)[:, None])
    assert (away[np.arange(length), found] <= away.min(axis=1) + 1).all()
    assert (np.diff(found) >= 0).all()


def test_rank_correlations_are_averaged_over_raters():
    rng = np.random.default_rng(0)
    raters, scores = rng.integers(1, 6, (12, 3)).astype(float), rng.normal(size=12)
    found = ranking_agreement(RatedVideo(raters), scores, "mean")
    for name, statistic in (("tau", kendalltau), ("rho", spearmanr)):
        expected = np.mean([statistic(scores, one).statistic for one in raters.T])
        assert found[name] == pytest.approx(expected)
    assert "f_score" not in found


def test_only_the_order_of_scores_counts():
    """Logits, also infinite ones, are ranks, of which the knapsack needs none below zero."""
    rng = np.random.default_rng(1)
    raters = rng.random((8, 2))
    shot = np.repeat(np.arange(4), 2).astype(np.int32)
    kept = np.repeat(rng.random((4, 2)) < 0.5, 2, axis=0).astype(np.uint8)
    summaries = Summaries(np.arange(8, dtype=np.int32), shot, kept)
    video = RatedVideo(raters, Shots.of(summaries, 8), summaries.raters)
    scores = rng.permutation(8).astype(float)
    logits = np.where(scores == 0, -np.inf, 100 * scores - 1000)
    assert ranking_agreement(video, scores, "mean") == ranking_agreement(video, logits, "mean")


def test_people_are_compared_with_each_other():
    raters = np.array([[1.0, 1, 3], [2, 2, 2], [3, 3, 1]])
    found = human_agreement(RatedVideo(raters), "mean")
    # Two agree with each other and disagree with the third: 0, 0 and -1.
    assert found["tau"] == found["rho"] == pytest.approx(-1 / 3)


class Known:
    """Ranks frames by feature 0, forwards or backwards."""

    def __init__(self, name="known", sign=1):
        self.name, self.sign = name, sign

    def scores(self, clips):
        return np.where(clips.valid, self.sign * clips.features[:, :, 0], -np.inf)


@pytest.fixture
def plant_rated(tmp_path):
    """A cache of videos of 12 frames whose raters score feature 0, if `heard`."""

    def make(videos=20, heard=True, raters=3, classes=("video",), without=()):
        rng = np.random.default_rng(0)

        def one(row):
            features = rng.normal(size=(12, 2)).astype(np.float32)
            truth = features[:, :1] if heard else rng.normal(size=(12, 1))
            scores = truth + 0.3 * rng.normal(size=(12, raters))
            label = row // 2 % len(classes)
            shot = np.repeat(np.arange(6), 4).astype(np.int32)
            best = (-scores[::2]).argsort(axis=0).argsort(axis=0) < 1
            content = {
                "id": f"v{row}",
                "label": label,
                "split": ("train", "test")[row % 2],
                "features": features,
                "predictions": np.tile(np.eye(len(classes), dtype=np.float32)[label], (12, 1)),
                "importance": scores.mean(axis=1),
                "raters": scores,
                "summaries": Summaries(
                    np.repeat(np.arange(12), 2).astype(np.int32), shot, best[shot].astype(np.uint8)
                ),
            }
            return {name: value for name, value in content.items() if name not in without}

        path = tmp_path / "rated.h5"
        write_cache(path, map(one, range(videos)), classes=classes)
        return FeatureCache(path)

    return make


def evaluated(cache, *rankings, **options):
    named = {one.name: [one] for one in rankings or [Known()]}
    options = {"num_frames": 12, "frames": (2,), "draws": 3, "resamples": 200, **options}
    return evaluate(cache, named, **options)


def test_the_controls_stand_in_the_same_table(plant_rated, capsys):
    found = evaluated(plant_rated())
    assert {"human", "random", "uniform", "motion", "known"} <= set(found.agreement)
    tau = {name: one.figures["tau"].value for name, one in found.agreement.items()}
    assert tau["known"] > 0.6 and tau["human"] > 0.6 and abs(tau["random"]) < 0.1
    assert found.agreement["random"].values["tau"].shape == (3, 10)
    assert found.row("human", "").agreement["tau"].value == tau["human"]
    assert found.row("known", 2).agreement["f_score"] == found.agreement["known"].figures["f_score"]
    print_table(found)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    names = [line.split()[0] for line in lines if "[" in line and line.startswith(" ")]
    assert names == ["human", "random", "uniform", found.verdict.formula, "known"]
    assert "| human |" in evaluation_markdown(found)


def test_the_verdict_is_about_the_raters(plant_rated):
    good = evaluated(plant_rated()).verdict
    assert good.text.startswith("Selection agrees with the raters beyond chance: tau 0.")
    assert " above random; F " in good.text and "among themselves the raters have" in good.text
    assert good.text.endswith(" (known).") and good.agent == "known"
    bad = evaluated(plant_rated(), Known("backwards", -1)).verdict
    assert bad.text.startswith("Selection goes against the raters: tau -0.")


def test_the_best_agent_is_that_of_the_highest_tau(plant_rated):
    verdict = evaluated(plant_rated(), Known("backwards", -1), Known()).verdict
    assert verdict.agent == "known" and verdict.text.endswith("(known, the best of 2).")


@pytest.mark.parametrize(
    ("videos", "finding"),
    [
        (8, "4 test videos are too few to tell whether"),
        (400, "Selection agrees with the raters no"),
    ],
)
def test_no_agreement_or_too_few_videos(plant_rated, videos, finding):
    cache = plant_rated(videos, heard=False, raters=1, without=["summaries"])
    found = evaluated(cache, references=["random"], draws=1)
    assert found.verdict.text.startswith(finding)
    assert "human" not in found.agreement


def test_a_formula_that_agrees_as_well_is_named(plant_rated):
    class Motion(Known):
        def scores(self, clips):
            return make_ranking("motion").scores(clips)

    cache = plant_rated()
    scores = evaluated(cache).agreement["motion"].figures["tau"].value
    text = evaluated(cache, Motion("mine"), references=["random", "motion"]).verdict.text
    formula = "but so does a formula" if "beyond" in text else "best formula"
    assert f"{formula}, motion, tau {scores:.2f}" in text


def test_a_formula_that_does_not_agree_itself_is_not_said_to(plant_rated):
    class Dim(Known):
        def scores(self, clips):
            noise = [np.random.default_rng(int(video)).normal(size=12) for video in clips.video]
            return super().scores(clips) + 3 * np.array(noise)

    found = evaluated(plant_rated(80), Dim("mine"), references=["random", "motion"])
    tau = {name: one.values["tau"].mean(axis=0) for name, one in found.agreement.items()}
    above_random, above_agent = (tau["motion"] - tau[name] for name in ("random", "mine"))
    assert found.draw(0).mean(above_random[None]).low < 0
    assert found.draw(0).mean(above_agent[None]).high > 0
    text = found.verdict.text
    assert text.startswith("Selection agrees with the raters beyond chance")
    assert "; though not certainly above a formula, motion, tau 0.04 (mine)." in text


def test_with_classes_to_predict_both_are_said(plant_rated, capsys):
    found = evaluated(plant_rated(classes=("a", "b")))
    first, second = found.verdict.text.split(". Selection agrees", 1)
    assert "Nothing is left out here" in first and "the raters beyond chance" in second
    print_table(found, full=True)
    said = capsys.readouterr().out
    assert "accuracy %" in said and "F %" in said


def test_importance_is_the_rater_where_there_is_nothing_else(plant_rated):
    found = evaluated(plant_rated(without=["raters", "summaries"]))
    assert "agrees with the known importance beyond chance" in found.verdict.text
    assert set(found.agreement["known"].figures) == {"tau", "rho"}
    assert "human" not in found.agreement


def test_nothing_to_judge_by_is_said(plant_rated):
    found = evaluated(plant_rated(without=["raters", "summaries", "importance"]))
    assert found.verdict.text.startswith("Whether selection helps cannot be measured")
    assert not found.agreement


def test_a_share_of_key_frames_is_checked(plant_rated):
    with pytest.raises(FrameSelectError, match="key_share=1.5: must be between 0 and 1"):
        evaluated(plant_rated(), key_share=1.5)
    cache = plant_rated()
    half, few = (evaluated(cache, key_share=share).row("random", 2) for share in (None, 0.1))
    assert half.average_precision > few.average_precision + 0.2
