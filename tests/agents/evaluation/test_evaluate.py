"""evaluate: Algorithm 2 worked by hand, what chooses on what, and what must never matter."""

from dataclasses import FrozenInstanceError, replace

import gymnasium as gym
import numpy as np
import pytest
from judges import write_random_judge

from agents.evaluation import evaluate, scoring
from agents.evaluation.choosing import lowest_error
from agents.evaluation.scoring import (
    EvaluationSettings,
    ScoringRequest,
    VideoBatch,
    VideoResults,
)
from agents.evaluation.tables import evaluation_table, table_notes
from agents.training.task import holdout
from baselines import RANKINGS, make_ranking, ranking_names, splits
from baselines.fitted_formula import FITTED_FORMULAS
from frame_select_env import FeatureCache, FrameSelectError, open_cache, write_cache
from frame_select_env.consensus import consensus
from frame_select_env.ranking import top_frames


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


def test_algorithm_2_by_hand(by_hand):
    found = evaluate(by_hand, {"mine": [ByTime()]}, frames=(1, 2, 3), references=False)
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


def test_what_was_evaluated_cannot_be_changed(by_hand):
    found = evaluate(by_hand, {"mine": [ByTime()]}, references=False)
    for one in (found.settings, found.results["all", "all"], ScoringRequest(ByTime(), [1])):
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


def test_a_regression_by_hand(tmp_path):
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
    found = evaluate(cache, {"mine": [ByTime()]}, frames=(1,), references=False)
    whole, last = found.results["all", "all"], found.results["mine", "1"]
    assert whole.predicted.tolist() == [[[3.0, -1.0]]] and last.predicted.tolist() == [[[4, -2]]]
    assert whole.error.tolist() == [[1.0]] and last.error.tolist() == [[2.0]]
    assert np.isnan(whole.true_probability).all()
    row = found.row("mine", 1)
    assert (row.figures["mae"].value, row.figures["gain"].value) == (2.0, -1.0)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_the_batches_in_which_videos_are_read_change_nothing(
    plant, telling_free, monkeypatch, task
):
    cache = plant(regression=True) if task == "regression" else plant()
    few = telling_free(noise=1.0)
    few.name = "few"

    def found():
        rankings = {"one": [telling_free(), telling_free(1)], "few": [few]}
        references = ["uniform", "random"]  # the last bits of `pooled` come from the batch's shape
        return evaluate(
            cache, rankings, frames=(2, 4), draws=2, resamples=20, references=references
        )

    whole = found()
    monkeypatch.setattr(splits, "BATCH", 7)
    parts = found()
    assert parts.table == whole.table and parts.chosen == whole.chosen
    assert list(parts.results) == list(whole.results)
    for key, one in whole.results.items():
        for name, values in vars(one).items():
            np.testing.assert_array_equal(values, getattr(parts.results[key], name))
    assert set(parts.scores) == set(whole.scores)
    for name, scores in whole.scores.items():
        np.testing.assert_array_equal(scores, parts.scores[name])


def test_what_is_left_to_its_default(plant, telling):
    cache = plant()
    found = evaluate(cache, {"mine": [telling(0, 1.0)]})
    said = evaluate(
        cache, {"mine": [telling(0, 1.0)]}, fold="default", split="test", train_split="train",
        num_frames=25, frames=(1, 2, 4, 8, 12), alpha=0.0, stream="main",
        validation={"mine": [holdout(cache, seed=0)[1]]}, references=True, draws=10,
        resamples=2000, seed=0, progress=False,
    )  # fmt: skip
    assert found.table == said.table and found.chosen == said.chosen
    assert found.resamples == 2000 and found.row("random", 4).runs == 10
    assert found.valid.shape == (40, 25)


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


def test_a_score_of_padding_may_be_anything_and_nan_is_told_with_its_video(by_hand):
    at_padding = Wrong(lambda clips: np.where(clips.valid, clips.time, np.nan))
    found = evaluate(by_hand, {"mine": [at_padding]}, frames=(1,), references=False)
    assert found.results["mine", "1"].selected[0, 1, 0].tolist()[:3] == [False, True, False]
    assert (found.scores["mine"][0, 1, 0, 2:] == -np.inf).all()
    second = Wrong(lambda clips: np.where(clips.video[:, None] == 1, np.nan, clips.time))
    with pytest.raises(FrameSelectError, match="a score of video 1 is NaN"):
        evaluate(by_hand, {"mine": [second]}, references=False)
    every = Wrong(lambda clips: np.where(clips.valid, np.nan, 0))  # the first of them is named
    with pytest.raises(FrameSelectError, match="a score of video 0 is NaN"):
        evaluate(by_hand, {"mine": [every]}, references=False)


def test_frames_are_25_unless_told(by_hand):
    assert EvaluationSettings(by_hand).num_frames == 25
    with pytest.raises(FrameSelectError, match="num_frames=0: must be at least 1"):
        EvaluationSettings(by_hand, num_frames=0)


def test_alpha_weighs_the_frames_left_out(by_hand):
    found = evaluate(by_hand, {"mine": [ByTime()]}, frames=(1,), references=False, alpha=0.5)
    # AS Eq. 10: (0.9 + 0.5 * (0.2 + 0.3)) / (1 + 0.5 * 2) and (0.2 + 0.5 * 0.9) / 1.5
    np.testing.assert_allclose(
        found.results["mine", "1"].true_probability, [[0.575, 0.65 / 1.5]], rtol=1e-6
    )
    np.testing.assert_allclose(found.results["all", "all"].true_probability[0, 0], 1.4 / 3)


def test_a_free_choice_that_is_empty_is_the_best_frame(by_hand):
    agent = ByTime(free={0: [0, 2]})  # nothing of the second video
    found = evaluate(by_hand, {"mine": [agent]}, references=["uniform", "random"])
    free = found.results["mine", "free"]
    assert free.selected[0, :, 0, :3].tolist() == [[True, False, True], [False, True, False]]
    assert free.frames.tolist() == [[2, 1]]
    for name in ("uniform", "random"):
        assert (found.results[name, "free"].frames == [[2, 1]]).all()
    # Of 3 frames the two of floor((t + 1/2) 3 / 2): 0 and 2; of 2 the one at 1.
    uniform = found.results["uniform", "free"].selected[0, :, 0, :3]
    assert uniform.tolist() == [[True, False, True], [False, True, False]]


def test_a_ranking_fitted_on_every_video_chooses_nothing_and_the_others_do(plant, telling):
    cache = plant()
    fit, held_out = holdout(cache)
    rankings = {"whole": [telling(), telling(1)], "mine": [telling(2)]}
    validation = {"whole": [held_out[:0], held_out[:0]], "mine": [held_out]}
    keywords = {"frames": (2, 4), "resamples": 20}
    found = evaluate(cache, rankings, validation=validation, **keywords)
    assert "whole" not in found.chosen and {"mine", "uniform"} <= set(found.chosen)
    assert found.frames("whole") == ["2", "4"]
    # What the others chose does not depend on it.
    alone = evaluate(cache, {"mine": [telling(2)]}, validation={"mine": [held_out]}, **keywords)
    assert {name: found.chosen[name] for name in alone.chosen} == alone.chosen
    # A set of one run alone is nothing that all runs could choose on.
    validation["whole"][1] = held_out
    half = evaluate(cache, rankings, validation=validation, **keywords)
    assert half.chosen == found.chosen
    # With nothing held out, no reference chooses either: "mine" was fitted on all videos.
    none = evaluate(cache, {"mine": [telling()]}, validation={"mine": [fit[:0]]}, **keywords)
    assert none.chosen == {} and any("no rows chosen" in note for note in none.notes)


def test_the_headline_without_a_choice_is_at_the_m_that_was_trained_for(plant, telling_free):
    cache = plant()
    rows = holdout(cache)[1]
    rankings = {"whole": [telling_free()], "other": [telling_free()], "mine": [telling_free()]}
    validation = {"whole": [rows[:0]], "other": [rows[:0]], "mine": [rows]}
    found = evaluate(
        cache,
        rankings,
        validation=validation,
        target_frames={"whole": 4, "other": 3, "mine": 2},
        frames=(8, 2, 4),
        resamples=20,
    )
    # 3 was not scored: the least m.
    headlines = {name: found.headline(name) for name in ("whole", "other", "mine", "uniform")}
    assert headlines == {"whole": "4", "other": "2", "mine": "chosen", "uniform": "chosen"}
    assert found.headline("all") == "all"
    text = {cells[0]: cells for cells in evaluation_table(found).rows}
    for name, frames in headlines.items():
        assert text[name][3] == f"{found.row(name, frames).mean_frames:.1f}"
    assert text["uniform as other"][1:4] == ["", "", ""]  # it has a row `free` alone
    notes = table_notes(found)
    assert "the first figures of whole are at 4 frames, where no number was chosen" in notes
    # References go with the first ranking that was trained.
    bare = replace(found, choices={}, results={
        key: one for key, one in found.results.items() if key[1] != "chosen"
    })  # fmt: skip
    assert bare.headline("uniform") == "4" and bare.headline("mine") == "2"
    assert evaluation_table(bare).heading[1] == "accuracy %"


def test_without_validation_videos_nothing_is_chosen(by_hand):
    found = evaluate(by_hand, {"mine": [ByTime()]})
    assert found.chosen == {}
    assert any("no rows chosen" in note for note in found.notes)
    assert any("no fitted references" in note for note in found.notes)
    assert {row.frames for row in found.table} == {"all", "1", "2", "4", "8", "12"}


def test_every_reference_has_its_rows_and_agents_come_last(plant, telling, telling_free):
    cache = plant()
    found = evaluate(
        cache, {"one": [telling_free()], "two": [telling(1)]}, frames=(2, 4), resamples=50
    )
    names = list(dict.fromkeys(row.ranking for row in found.table))
    fitted = ["pooled", "pooled-and-all", "pooled-agreement"]
    fitted += FITTED_FORMULAS
    assert names == ["all", "all-logits", *fitted, *RANKINGS, "one", "two"]
    for name in (*RANKINGS, "one", "two"):
        assert {"chosen", "2", "4"} <= {row.frames for row in found.table if row.ranking == name}
    assert found.row("random", 4).runs == 10
    assert found.row("oracle", 4).kind == "oracle"
    assert {row.ranking for row in found.table if row.kind == "agent"} == {"one", "two"}
    assert found.row("oracle", 2).figures["accuracy"].value >= max(
        row.figures["accuracy"].value for row in found.table if row.frames == "2"
    )
    assert found.row("one", 2).average_precision == 1.0
    assert found.row("random", 2).average_precision < 0.7
    assert found.row("one", 2).spearman > 0.99 > 0.1 > abs(found.row("random", 2).spearman)
    assert found.row("uniform", 2).average_precision is None
    assert found.row("uniform", 2).spearman is None
    assert found.row("random", "free").average_precision is None


def test_a_second_free_agent_gets_rows_beside_it_too(plant, telling_free):
    few = telling_free(noise=1.0)
    few.name = "few"
    found = evaluate(plant(), {"one": [telling_free()] * 3, "few": [few]}, resamples=20, draws=4)
    one, few_ = found.results["one", "free"], found.results["few", "free"]
    np.testing.assert_array_equal(found.results["uniform", "free"].frames, one.frames)
    np.testing.assert_array_equal(found.results["uniform as few", "free"].frames, few_.frames)
    # Three runs share four draws or more, each as many: two.
    assert found.row("random", "free").runs == 6
    assert found.row("random as few", "free").runs == 4
    assert found.row("random as few", "free").mean_frames == few_.frames.mean()


def test_scoring_happens_once_a_run_and_split_in_batches(plant, telling):
    cache = plant()
    agent = telling()
    validation = holdout(cache, seed=3)[1]
    evaluate(cache, {"mine": [agent]}, validation={"mine": [validation]}, references=False)
    seen = np.concatenate(agent.batches)
    assert seen.tolist() == [*validation, *cache.rows("test")]


def test_a_run_is_scored_on_no_other_runs_validation_videos(plant, telling):
    cache = plant()
    runs = [telling(seed) for seed in range(3)]
    sets = [holdout(cache, seed=seed)[1] for seed in range(3)]
    evaluate(cache, {"mine": runs}, validation={"mine": sets}, references=False, resamples=5)
    for run, rows in zip(runs, sets, strict=True):
        assert np.concatenate(run.batches).tolist() == [*rows, *cache.rows("test")]


def test_each_run_chooses_on_its_own_videos_and_formulas_on_all_of_them(plant, telling):
    cache = plant()
    sets = [holdout(cache, seed=seed)[1] for seed in range(3)]
    runs = [telling(seed, noise=0.8) for seed in range(3)]
    found = evaluate(
        cache, {"mine": runs}, validation={"mine": sets}, frames=(1, 3), resamples=20, draws=6
    )
    cases = [("mine", run, runs[run], sets[run]) for run in range(3)]
    formula = make_ranking("confidence")
    cases += [("confidence", turn, formula, rows) for turn, rows in enumerate(sets)]
    cases += [
        ("random", seed, make_ranking("random", seed=seed), sets[seed % 3]) for seed in (0, 4)
    ]
    for name, run, ranking, rows in cases:
        clips, label = cache.read(rows), cache.labels[rows]
        scores = ranking.scores(clips)
        errors = {}
        for m in (1, 3, 25):
            kept = top_frames(scores, clips.valid, m)
            p1 = consensus(clips.predictions, kept, clips.valid)
            errors[m] = (p1.argmax(1) != label).mean()
        best = max(m for m, error in errors.items() if error == min(errors.values()))
        chosen = found.chosen[name][run]
        assert chosen == ("all" if best == 25 else best)
        at = ("all", "all") if chosen == "all" else (name, str(chosen))
        turn = 0 if chosen == "all" or name == "confidence" else run
        np.testing.assert_array_equal(
            found.results[name, "chosen"].error[run], found.results[at].error[turn]
        )
    assert found.row("mine", "chosen").runs == found.row("confidence", "chosen").runs == 3
    assert found.row("random", "chosen").runs == 6


def flat(errors):
    """Results with the same error for each of two videos; labels make no difference."""
    results = {m: VideoResults(None, None, None, np.full(2, one)) for m, one in errors.items()}
    return results, None


def test_ties_take_more_frames_and_all_is_the_most():
    assert lowest_error(*flat({4: 0.2, 8: 0.1, 12: 0.1, "all": 0.3})) == 12
    assert lowest_error(*flat({4: 0.1, 8: 0.2, "all": 0.1})) == "all"
    assert lowest_error(*flat({4: 0.1, 8: 0.2, "all": 0.15})) == 4


def test_the_test_labels_do_not_reach_the_choice_of_m(plant, telling):
    label = np.arange(100) % 3
    turned = np.concatenate([label[:60], (label[60:] + 1) % 3])
    lengths = np.full(100, 9)
    one, other = (plant(label=which, lengths=lengths) for which in (label, turned))
    found = [evaluate(c, {"mine": [telling(0, 1.0)]}, frames=(1, 2, 4)) for c in (one, other)]
    assert found[0].chosen == found[1].chosen


@pytest.mark.parametrize("m", [13, 20])
def test_m_of_all_valid_frames_or_more_is_keeping_all(plant, telling, m):
    found = evaluate(plant(), {"mine": [telling()]}, frames=(m,), resamples=50)  # 13 is the longest
    for name in (*RANKINGS, "mine"):
        np.testing.assert_array_equal(
            found.results[name, str(m)].true_probability[0],
            found.results["all", "all"].true_probability[0],
        )
        gain = found.row(name, m).figures["gain"]
        assert (gain.value, gain.low, gain.high) == (0, 0, 0)


def test_neither_num_frames_beyond_the_longest_nor_other_videos_matter(plant, telling):
    cache = plant()
    short, long = (
        evaluate(cache, {"mine": [telling()]}, frames=(3,), num_frames=t, resamples=50, seed=1)
        for t in (13, 40)
    )
    for key in (("mine", "3"), ("uniform", "3"), ("confidence", "3"), ("oracle", "3")):
        np.testing.assert_array_equal(
            short.results[key].true_probability, long.results[key].true_probability
        )
    assert short.row("pooled", "all").figures == long.row("pooled", "all").figures


def test_unlabelled_videos_are_left_out(plant, telling):
    label = np.arange(100) % 3
    label[[5, 70, 71]] = -1
    cache = plant(label=label)
    found = evaluate(cache, {"mine": [telling()]}, resamples=20)
    assert found.rows.tolist() == [row for row in range(60, 100) if row not in (70, 71)]


def test_regression(plant, telling):
    cache = plant(regression=True)
    found = evaluate(cache, {"mine": [telling()]}, frames=(3,), resamples=100)
    names = {row.ranking for row in found.table}
    assert names == {"all", "pooled", "feature-norm", *ranking_names("regression"), "mine"}
    mine, whole = found.row("mine", 3).figures, found.row("all", "all").figures
    # The three telling frames (fewer at a short video's end) hold the label itself.
    assert mine["mae"].value < 0.1 < whole["mae"].value
    np.testing.assert_allclose(mine["gain"].value, whole["mae"].value - mine["mae"].value)
    np.testing.assert_allclose(mine["pcc_gain"].value, mine["pcc"].value - whole["pcc"].value)
    assert mine["gain"].low > 0 and mine["pcc_gain"].low > 0
    with pytest.raises(FrameSelectError, match="'confidence' is undefined for a regression"):
        evaluate(cache, {}, references=["confidence"])


def test_streams(regression):
    cache = open_cache(regression)
    with pytest.raises(FrameSelectError, match="streams audio, video"):
        evaluate(cache, {}, references=False)
    audio, video = (
        evaluate(cache, {}, stream=name, references=["pooled"]) for name in ("audio", "video")
    )
    assert audio.row("all", "all") != video.row("all", "all")


def test_the_bundled_digits(telling):
    cache = open_cache("digits")
    found = evaluate(cache, {}, references=["uniform", "confidence", "oracle"], resamples=200)
    accuracy = {
        row.ranking: row.figures["accuracy"].value for row in found.table if row.frames == "4"
    }
    assert accuracy["oracle"] > accuracy["confidence"] > accuracy["uniform"]


class Wrong:
    name = "wrong"

    def __init__(self, scores=None, select=None):
        self._scores = scores or (lambda clips: np.zeros(clips.valid.shape))
        if select:
            self.select = select

    def scores(self, clips):
        return self._scores(clips)


@pytest.mark.parametrize(
    ("ranking", "message"),
    [
        (Wrong(lambda c: np.full(c.valid.shape, np.nan)), "'wrong': a score of video .* is NaN"),
        (Wrong(lambda c: np.zeros((len(c), 2))), "scores have the shape"),
        (Wrong(select=lambda c: np.ones((len(c), 25))), "select gave float64"),
        (Wrong(select=lambda c: c.valid.astype(np.int8)), "select gave int8"),
        (Wrong(select=lambda c: c.valid[:, :1]), "select gave bool .*expected bool"),
        (Wrong(select=lambda c: np.ones((len(c), 99), bool)), "select gave bool .*expected bool"),
        (Wrong(select=lambda c: np.ones((len(c), 2), bool)), "select gave bool .*expected bool"),
    ],
)
def test_rankings_that_break_their_promise(plant, ranking, message):
    with pytest.raises(FrameSelectError, match=message):
        evaluate(plant(), {"wrong": [ranking]}, references=False)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"frames": ()}, r"frames=\[\]"),
        ({"frames": (4, 0)}, r"frames=\[4, 0\]"),
        ({"frames": (2.5,)}, r"frames=\[2.5\]"),
        ({"num_frames": 0}, "num_frames=0"),
        ({"alpha": -1.0}, "alpha=-1.0"),
        ({"alpha": float("nan")}, "alpha=nan"),
        ({"draws": 0}, "draws=0"),
        ({"resamples": 0}, "resamples=0"),
        ({"split": "dev"}, "unknown split 'dev'"),
        ({"fold": "second"}, "unknown fold 'second'"),
        ({"references": ["best"]}, "unknown reference 'best'"),
        ({"rankings": {"all": [Wrong()]}}, "'all' is a reference's name"),
        ({"rankings": {"oracle": [Wrong()]}}, "'oracle' is a reference's name"),
        ({"rankings": {"mine": []}}, "'mine' has no run"),
        ({"validation": {"mine": []}}, "'mine' has 0 sets of videos for 1 runs"),
        ({"validation": {"yours": [np.arange(3)]}}, "'yours' has 1 sets of videos for 0 runs"),
    ],
)
def test_bad_arguments(plant, arguments, message):
    rankings = arguments.pop("rankings", {"mine": [Wrong()]})
    with pytest.raises(FrameSelectError, match=message):
        evaluate(plant(), rankings, **arguments)


def test_the_split_that_is_scored_is_never_chosen_on(plant, telling):
    cache = plant()
    found = evaluate(cache, {"mine": [telling()]}, split="train", resamples=20)
    assert found.chosen == {}
    assert ("pooled", "all") not in found.results
    with pytest.raises(FrameSelectError, match="no row 'mine' at frames chosen"):
        found.row("mine", "chosen")
