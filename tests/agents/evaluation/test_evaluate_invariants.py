"""evaluate: what must never matter, and the rows that every evaluation has."""

import numpy as np
import pytest

from agents.evaluation import evaluate
from baselines import RANKINGS, ranking_names, splits
from baselines.fitted_formula import FITTED_FORMULAS
from frame_select_env import FrameSelectError, open_cache
from frame_select_env.validation import holdout


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
