"""Aggregates and pairs: hand-worked numbers, and intervals that hold what they should."""

import csv
from dataclasses import FrozenInstanceError, replace
from types import SimpleNamespace

import numpy as np
import pytest

from agents.comparison.results import headline, labels_of, shared_frames
from agents.comparison.statistics import (
    Sample,
    aggregate,
    average_pairs,
    compare_data_sets,
    data_set_pairs,
    improvement,
    interquartile_mean,
    pooled_difference,
    pooled_improvement,
    pooled_iqm,
    pooled_mean,
    sample,
    seeds_needed,
    write_statistics,
)
from agents.evaluation import Resamples
from frame_select_env import FrameSelectError

TWO = {"sharp": 0.1, "blunt": 2.0}


def still(*scores):
    """A sample whose resamples are the scores themselves."""
    return Sample(np.array(scores, float), np.array([scores, scores], float))


def at(pairs, frames):
    """The first pair, or aggregate, at these frames."""
    return next(pair for pair in pairs if pair.frames == frames)


def read(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_interquartile_mean_by_hand():
    # Of 8 numbers the 2 lowest and the 2 highest go: (3 + 4 + 5 + 6) / 4.
    assert interquartile_mean(np.array([8, 1, 7, 2, 6, 3, 5, 4])) == 4.5
    assert interquartile_mean(np.array([100, 3, 4, 5, 6, -100, 7, 2])) == 4.5
    # Of 5 one each, of fewer than 4 none.
    assert interquartile_mean(np.array([0, 1, 2, 3, 99])) == 2
    np.testing.assert_allclose(interquartile_mean(np.array([[0, 1, 5], [1, 1, 1]])), [2, 1])


def test_interquartile_mean_is_over_the_runs_of_all_data_sets():
    found = pooled_iqm([still(1, 8, 3, 4), still(2, 5, 6, 7)])
    assert (found.value, found.low, found.high) == (4.5, 4.5, 4.5)


def test_pooled_mean_weighs_data_sets_alike():
    assert pooled_mean([still(0, 0, 0, 0), still(1)]).value == 0.5


def test_improvement_by_hand():
    # 1 beats nothing; 2 ties twice; 3 beats two: (0 + 1 + 2) / 9.
    assert improvement(np.array([1, 2, 3]), np.array([2, 2, 4])) == pytest.approx(1 / 3)
    assert improvement(np.array([2, 2, 4]), np.array([1, 2, 3])) == pytest.approx(2 / 3)
    assert improvement(np.array([5]), np.array([1, 2])) == 1
    found = pooled_improvement([(still(1, 2, 3), still(2, 2, 4)), (still(1), still(0))])
    assert found.value == pytest.approx((1 / 3 + 1) / 2)


@pytest.mark.parametrize(
    ("effect", "seeds"), [(0.5, 34), (0.8, 15), (1.0, 10), (-1.0, 10), (2.0, 5), (100.0, 2)]
)
def test_seeds_needed_of_known_effects(effect, seeds):
    """The sample sizes of a paired t-test (5 %, power .8) that tables of statistics print."""
    spread = np.array([-1.0, 0.0, 1.0])  # its standard deviation is 1
    assert seeds_needed(spread + effect, 1000) == seeds


def test_seeds_needed_where_there_is_no_answer():
    assert seeds_needed(np.array([0.2]), 1000) is None  # one run says nothing of the spread
    assert seeds_needed(np.array([-0.3, 0.3]), 1000) is None  # no effect
    assert seeds_needed(np.array([-1.0, 1.1]), 1000) is None  # too small for 1,000 seeds
    assert seeds_needed(np.array([0.3, 0.3, 0.3]), 1000) == 2  # no spread


def test_what_was_computed_cannot_be_changed(make_data_set, planted):
    made = compare_data_sets([make_data_set(planted, TWO)])
    for one in (made, made.aggregates[0], made.pairs[0][0], still(1)):
        for name in vars(one):
            with pytest.raises(FrozenInstanceError):
                setattr(one, name, None)


def test_a_sample_by_hand():
    # Two resamples: the first video twice and the first run twice; then each once.
    drawn = SimpleNamespace(
        count=2,
        weight=np.array([[2.0, 0.0], [1.0, 1.0]]),
        size=np.array([2.0, 2.0]),
        run_weight=lambda runs: np.array([[1.0, 0.0], [0.5, 0.5]]),
    )
    found = sample(np.array([[1.0, 0.0], [0.0, 0.5]]), drawn)
    assert found.score.tolist() == [0.5, 0.25]
    assert found.resampled.tolist() == [[1.0, 1.0], [0.5, 0.25]]


def test_scores_that_differ_by_rounding_are_ties():
    values = np.random.default_rng(0).random((1, 30))
    drawn = Resamples(30, count=50)
    one, turned = sample(values, drawn), sample(values + 1e-14, drawn)
    assert pooled_improvement([(one, turned)]).value == 0.5
    assert np.array_equal(one.resampled, turned.resampled)
    found = pooled_difference([(still(0.1 + 0.2), still(0.3))])
    assert (found.value, found.low, found.high) == (0, 0, 0)


def test_differences_are_averaged_over_data_sets():
    found = pooled_difference([(still(1, 3), still(1)), (still(5), still(0, 2, 4))])
    assert (found.value, found.low, found.high) == (2.0, 2.0, 2.0)  # of 1 and 3


def test_the_pairs_to_report_first(make_data_set, planted):
    data_set = make_data_set(planted, TWO)
    made = compare_data_sets([data_set, data_set])
    average, *own = made.headline_pairs()
    assert [len(pairs) for pairs in (average, *own)] == [1, 1, 1]
    assert {pairs[0].frames for pairs in (average, *own)} == {"chosen"}
    assert average[0].title == "average of 2 data sets"
    assert own[0][0].title == data_set.title
    assert compare_data_sets([make_data_set(planted, {"alone": 0.5})]).headline_pairs() == []


def test_a_sample_agrees_with_the_intervals_of_the_evaluation():
    values = np.random.default_rng(0).random((3, 20))
    drawn = Resamples(20, np.arange(20) // 4, count=300, seed=5)
    mean, usual = pooled_mean([sample(values, drawn)]), drawn.mean(values)
    assert (mean.value, mean.low, mean.high) == pytest.approx((usual.value, usual.low, usual.high))


def test_runs_and_videos_are_paired():
    values = np.random.default_rng(0).random((4, 30))
    drawn = Resamples(30, count=200)
    # The second is the first and 0.1: so it is in every resample.
    lower, higher = sample(values, drawn), sample(values + 0.1, drawn)
    found = pooled_difference([(higher, lower)])
    assert (found.value, found.low, found.high) == pytest.approx((0.1, 0.1, 0.1))


def test_the_interval_of_a_difference_covers_the_truth():
    rng = np.random.default_rng(1)
    covered = []
    for _ in range(150):
        easy = rng.normal(scale=0.15, size=40)  # shared by both, as videos are
        first, second = (
            rng.random((5, 40)) < 0.5 + above + easy + rng.normal(scale=0.05, size=(5, 1))
            for above in (0.1, 0.0)
        )
        drawn = Resamples(40, count=200, seed=int(rng.integers(1 << 30)))
        samples = [(sample(one.astype(float), drawn)) for one in (first, second)]
        found = pooled_difference([(samples[0], samples[1])])
        covered.append(found.low <= 0.1 <= found.high)
    assert 0.9 <= np.mean(covered) <= 1


def test_equal_agents_differ_by_nothing(make_data_set, planted):
    data_set = make_data_set(planted, {"one": 0.5, "other": 0.5})
    for pair in data_set_pairs(data_set):
        assert (pair.difference.value, pair.difference.low, pair.difference.high) == (0, 0, 0)
        assert (pair.improvement.value, pair.improvement.low, pair.improvement.high) == (0.5,) * 3


def test_pairs_of_a_data_set(make_data_set, planted):
    data_set = make_data_set(planted, {**TWO, "third": 1.0})
    pairs = data_set_pairs(data_set)
    order = [("sharp", "blunt"), ("sharp", "third"), ("blunt", "third")]
    assert list(dict.fromkeys((pair.first, pair.second) for pair in pairs)) == order
    assert [pair.frames for pair in pairs[:4]] == ["chosen", "one-se", "2", "4"]
    # By the resamples of the evaluation: of videos, as its five groups are too few.
    evaluation = data_set.evaluation
    errors = (evaluation.results[label, "2"].error for label in ("sharp", "blunt"))
    first, second = errors
    usual = Resamples(first.shape[1], None, evaluation.resamples).mean(second - first)
    found = at(pairs, "2").difference
    assert (found.value, found.low, found.high) == pytest.approx(
        (usual.value, usual.low, usual.high)
    )
    assert found.value > 0


def test_seeds_are_paired_in_whatever_order_they_come(make_data_set, planted):
    data_set = make_data_set(planted, TWO)
    results, runs = dict(data_set.evaluation.results), dict(data_set.runs)
    turned = [2, 0, 1]
    for key, one in results.items():
        if key[0] == "blunt":
            results[key] = type(one).stack([one.run(run) for run in turned])
    runs["blunt"] = tuple(runs["blunt"][run] for run in turned)
    other = replace(data_set, evaluation=replace(data_set.evaluation, results=results), runs=runs)
    for one, same in zip(data_set_pairs(data_set), data_set_pairs(other), strict=True):
        assert (one.difference, one.improvement) == (same.difference, same.improvement)


def test_aggregate(make_data_set, planted):
    data_set = make_data_set(planted, TWO)
    found = aggregate([data_set, data_set])
    assert {one.label for one in found[:4]} == {"sharp"}
    assert [one.frames for one in found[:4]] == ["chosen", "one-se", "2", "4"]
    one = at(found, "2")
    assert (one.task, one.data_sets, one.runs) == ("classification", 2, 6)
    right = 1 - data_set.evaluation.results["sharp", "2"].error.mean(axis=1)
    everything = 1 - data_set.evaluation.results["all", "all"].error.mean()
    # Of 6 runs, which are 3 twice, the lowest and the highest go.
    middle = np.sort(np.tile(right, 2))[1:-1].mean()
    assert one.iqm.value == pytest.approx(middle)
    assert one.iqm_gain.value == pytest.approx(middle - everything)
    assert one.gain.value == pytest.approx(right.mean() - everything)
    assert one.iqm.low <= one.iqm.value <= one.iqm.high


def test_data_sets_are_drawn_apart(make_data_set, planted):
    data_set = make_data_set(planted, TWO)
    single = at(data_set_pairs(data_set), "2").difference
    pooled = at(average_pairs([data_set] * 4), "2")
    assert (pooled.data_set, pooled.data_sets) == (None, 4)
    assert pooled.difference.value == pytest.approx(single.value)
    # Were all data_sets resampled alike, the interval would be as wide as that of one.
    width = pooled.difference.high - pooled.difference.low
    assert width < 0.75 * (single.high - single.low)
    assert average_pairs([data_set]) == []


def test_tasks_are_not_averaged_together(make_data_set, planted, regression):
    data_sets = [make_data_set(planted, TWO), make_data_set(regression, TWO, stream="audio")]
    assert [one.task for one in aggregate(data_sets)] == ["classification"] * 8 + ["regression"] * 8
    assert compare_data_sets(data_sets).averages == [[], []]
    error = data_sets[1].evaluation.results["sharp", "2"].error
    found = at([one for one in aggregate(data_sets) if one.task == "regression"], "2")
    assert found.gain.value == pytest.approx(
        data_sets[1].evaluation.results["all", "all"].error.mean() - error.mean()
    )
    assert found.iqm.value == pytest.approx(-error.mean())


def test_data_sets_need_not_have_the_same_labels(make_data_set, planted):
    data_sets = [
        make_data_set(planted, {"a": 0.1, "b": 1.0}),
        make_data_set(planted, {"b": 1.0, "c": 2.0}),
    ]
    assert labels_of(data_sets) == ["a", "b", "c"]
    assert {one.label: one.data_sets for one in aggregate(data_sets)} == {"a": 1, "b": 2, "c": 1}
    found = {(pair.first, pair.second): pair.data_sets for pair in average_pairs(data_sets)}
    assert found == {("a", "b"): 1, ("b", "c"): 1}


def test_the_row_looked_at_first(make_data_set, planted):
    data_set = make_data_set(planted, TWO)
    assert shared_frames([data_set], TWO) == ["chosen", "one-se", "2", "4"]
    assert headline([data_set], TWO) == "chosen"
    # The scored split holds the validation videos: nothing is chosen.
    bare = make_data_set(planted, TWO, split="val", train_split="val")
    assert headline([bare], TWO) == "2"
    assert headline([data_set, bare], TWO) == "2"
    with pytest.raises(FrameSelectError, match="no number of frames in common"):
        headline([], TWO)


def test_one_seed(make_data_set, planted):
    data_set = make_data_set(planted, TWO, seeds=(7,))
    pair = at(data_set_pairs(data_set), "2")
    assert pair.difference.low < pair.difference.value < pair.difference.high
    assert aggregate([data_set])[0].runs == 1


def test_files(make_data_set, planted, tmp_path):
    data_set = make_data_set(planted, TWO)
    paths = write_statistics(tmp_path, compare_data_sets([data_set, data_set]))
    assert [path.name for path in paths] == ["aggregate.csv", "pairs.csv"]
    whole, pairs = read(paths[0]), read(paths[1])
    for record, one in zip(whole, aggregate([data_set, data_set]), strict=True):
        assert (record["label"], record["frames"]) == (one.label, one.frames)
        for name in ("iqm", "iqm_gain", "gain"):
            figure = getattr(one, name)
            for end, value in (("", figure.value), ("_low", figure.low), ("_high", figure.high)):
                assert float(record[name + end]) == pytest.approx(value, abs=1e-6)
    assert [record["data"] for record in pairs] == [""] * 4 + [str(planted)] * 8
    own = data_set_pairs(data_set)
    assert float(pairs[4]["difference"]) == pytest.approx(own[0].difference.value, abs=1e-6)
    assert float(pairs[5]["improvement_low"]) == pytest.approx(own[1].improvement.low, abs=1e-6)


def test_files_of_a_single_agent(make_data_set, planted, tmp_path):
    paths = write_statistics(tmp_path, compare_data_sets([make_data_set(planted, {"alone": 0.5})]))
    assert len(read(paths[0])) == 4
    assert read(paths[1]) == []
    assert (
        paths[1].read_text().startswith("data,fold,task,data_sets,first,second,frames,difference")
    )
