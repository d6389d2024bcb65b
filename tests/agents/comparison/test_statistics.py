"""Aggregates and pairs: hand-worked numbers, and intervals that hold what they should."""

import csv
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from agents.comparison.anchors import Anchors, data_set_anchors
from agents.comparison.finished import FinishedRun
from agents.comparison.results import headline, labels_of, shared_frames
from agents.comparison.samples import Sample
from agents.comparison.statistics import (
    aggregate,
    average_pairs,
    compare_data_sets,
    data_set_pairs,
    write_statistics,
)
from agents.comparison.tables import all_notes
from agents.evaluation import Resamples
from frame_select_env import FrameSelectError, open_cache

TWO = {"sharp": 0.1, "blunt": 2.0}


def at(pairs, frames):
    """The first pair, or aggregate, at these frames."""
    return next(pair for pair in pairs if pair.frames == frames)


def read(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_what_was_computed_cannot_be_changed(make_data_set, planted):
    made = compare_data_sets([make_data_set(planted, TWO)])
    for one in (made, made.aggregates[0], made.pairs[0][0], Sample(np.ones(1), np.ones((2, 1)))):
        for name in vars(one):
            with pytest.raises(FrozenInstanceError):
                setattr(one, name, None)


def test_the_pairs_to_report_first(make_data_set, planted):
    data_set = make_data_set(planted, TWO)
    made = compare_data_sets([data_set, data_set])
    average, *own = made.headline_pairs()
    assert [len(pairs) for pairs in (average, *own)] == [1, 1, 1]
    assert {pairs[0].frames for pairs in (average, *own)} == {"chosen"}
    assert average[0].title == "average of 2 data sets"
    assert own[0][0].title == data_set.title
    assert compare_data_sets([make_data_set(planted, {"alone": 0.5})]).headline_pairs() == []


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


def keep_seeds(data_set, label, seeds, agent="reinforce"):
    """The data set after all other runs of the label have failed."""
    kept = [row for row, run in enumerate(data_set.runs[label]) if run.spec.seed in seeds]
    results, runs = dict(data_set.evaluation.results), dict(data_set.runs)
    for key, one in results.items():
        if key[0] == label:
            results[key] = type(one).stack([one.run(row) for row in kept])
    own = [runs[label][row] for row in kept]
    runs[label] = tuple(replace(run, spec=replace(run.spec, agent=agent)) for run in own)
    return replace(data_set, evaluation=replace(data_set.evaluation, results=results), runs=runs)


def test_after_failed_runs_the_seeds_that_both_have_are_paired(make_data_set, planted):
    whole = make_data_set(planted, {**TWO, "third": 1.0}, seeds=range(5))
    left = keep_seeds(whole, "sharp", {0, 1, 3, 4})
    left = keep_seeds(left, "blunt", {0, 1, 2, 4})
    left = keep_seeds(left, "third", range(5))
    expected = data_set_pairs(make_data_set(planted, TWO, seeds=(0, 1, 4)))
    found = [pair for pair in data_set_pairs(left) if pair.second == "blunt"]
    for one, same in zip(found, expected, strict=True):
        assert (one.difference, one.improvement) == (same.difference, same.improvement)
    one, same = at(average_pairs([left] * 2), "2"), at(expected, "2")
    assert (one.data_sets, one.difference.value) == (2, same.difference.value)
    assert aggregate([left], {})[0].runs == 4  # a label by itself keeps all its runs
    (note,) = (note for note in all_notes([left]) if "lacks" in note)
    assert note == (
        f"{left.title}: sharp lacks seed 2, blunt lacks seed 3: two agents are compared on the "
        "seeds that both have, and their other runs are left out of the difference"
    )
    assert not any("lacks" in note for note in all_notes([whole]))


def test_labels_without_a_common_seed_are_no_pair(make_data_set, planted):
    whole = make_data_set(planted, TWO)
    apart = keep_seeds(keep_seeds(whole, "sharp", {0}), "blunt", {1, 2})
    assert data_set_pairs(apart) == [] and average_pairs([apart, apart]) == []
    assert {pair.data_sets for pair in average_pairs([whole, apart])} == {1}
    assert compare_data_sets([apart]).headline_pairs() == []
    (note,) = (note for note in all_notes([apart]) if "lacks" in note)
    assert "sharp lacks seeds 1, 2, blunt lacks seed 0" in note
    assert note.endswith("; sharp and blunt have none in common and are not compared")


def test_a_policy_without_seeds_is_compared_with_every_seed(make_data_set, planted, monkeypatch):
    monkeypatch.setattr(FinishedRun, "is_policy", property(lambda run: run.spec.agent == "policy"))
    whole = make_data_set(planted, TWO)
    data_set = keep_seeds(whole, "blunt", {0}, agent="policy")
    scores = {label: data_set.score(label, "2") for label in TWO}
    assert [len(one) for one in scores.values()] == [3, 1]
    value = scores["sharp"].mean() - scores["blunt"].mean()
    assert at(data_set_pairs(data_set), "2").difference.value == pytest.approx(value)
    assert not any("lacks" in note for note in all_notes([data_set]))


def test_aggregate(make_data_set, planted):
    data_set = make_data_set(planted, TWO)
    found = aggregate([data_set, data_set], {})
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
    assert [one.task for one in aggregate(data_sets, {})] == ["classification"] * 8 + [
        "regression"
    ] * 8
    assert compare_data_sets(data_sets).averages == [[], []]
    error = data_sets[1].evaluation.results["sharp", "2"].error
    found = at([one for one in aggregate(data_sets, {}) if one.task == "regression"], "2")
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
    assert {one.label: one.data_sets for one in aggregate(data_sets, {})} == {
        "a": 1,
        "b": 2,
        "c": 1,
    }
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
    assert aggregate([data_set], {})[0].runs == 1


def test_files(make_data_set, planted, tmp_path):
    data_set = make_data_set(planted, TWO)
    made = compare_data_sets([data_set, data_set])
    paths = write_statistics(tmp_path, made)
    assert [path.name for path in paths] == ["aggregate.csv", "pairs.csv"]
    whole, pairs = read(paths[0]), read(paths[1])
    for record, one in zip(whole, made.aggregates, strict=True):
        assert (record["label"], record["frames"]) == (one.label, one.frames)
        for name in ("iqm", "iqm_gain", "gain", "score_iqm", "score", "optimality_gap"):
            figure = getattr(one, name)
            for end, value in (("", figure.value), ("_low", figure.low), ("_high", figure.high)):
                assert float(record[name + end]) == pytest.approx(value, abs=1e-6)
    assert [record["data"] for record in pairs] == [""] * 4 + [str(planted)] * 8
    own = data_set_pairs(data_set)
    assert float(pairs[4]["difference"]) == pytest.approx(own[0].difference.value, abs=1e-6)
    assert float(pairs[5]["improvement_low"]) == pytest.approx(own[1].improvement.low, abs=1e-6)
    assert float(pairs[4]["p"]) == pytest.approx(own[0].p, abs=1e-6)
    assert float(pairs[4]["p_holm"]) == pytest.approx(own[0].p_holm, abs=1e-6)


def test_files_of_a_single_agent(make_data_set, planted, tmp_path):
    paths = write_statistics(tmp_path, compare_data_sets([make_data_set(planted, {"alone": 0.5})]))
    assert len(read(paths[0])) == 4
    assert read(paths[1]) == []
    assert (
        paths[1].read_text().startswith("data,fold,task,data_sets,first,second,frames,difference")
    )


def test_p_values_are_adjusted_over_the_pairs_of_one_table(make_data_set, planted):
    pairs = data_set_pairs(make_data_set(planted, {**TWO, "third": 1.0}))
    for frames in ("chosen", "2", "4"):
        own = [pair for pair in pairs if pair.frames == frames]
        least, middle, most = sorted(own, key=lambda pair: pair.p)
        assert least.p_holm == pytest.approx(min(1, 3 * least.p))
        assert middle.p_holm == pytest.approx(min(1, max(least.p_holm, 2 * middle.p)))
        assert most.p_holm == pytest.approx(max(middle.p_holm, most.p))


def test_the_ends_of_the_scale(make_data_set, planted, regression):
    """The key frames where a cache knows them, else the oracle."""
    data_set = make_data_set(planted, {"alone": 0.5})
    own = data_set_anchors(data_set)
    assert own.top == "key frames"
    assert own.floor == pytest.approx(1 - data_set.evaluation.results["all", "all"].error.mean())
    cache, rows = open_cache(planted), data_set.evaluation.rows
    clips = cache.read(rows, 25)
    key = (cache.read_frames("importance", rows, 25) == 1) & clips.valid
    told = (clips.predictions * key[:, :, None]).sum(axis=1).argmax(axis=1)
    assert own.ceiling == pytest.approx((told == cache.labels[rows]).mean())
    assert own.ceiling > own.floor
    other = make_data_set(regression, {"alone": 0.5}, stream="video")
    everything = other.evaluation.results["all", "all"]
    floor = -everything.error.mean()
    for worse, expected in ((0.5, Anchors(floor, 0.5 * floor, "oracle")), (1.0, None)):
        oracle = replace(everything, error=worse * everything.error)
        results = {**other.evaluation.results, ("oracle", "chosen"): oracle}
        told = replace(other, evaluation=replace(other.evaluation, results=results))
        assert data_set_anchors(told) == expected
    assert compare_data_sets([told]).aggregates[0].score is None


def test_normalised_scores_are_gains_in_units_of_the_scale(make_data_set, planted):
    data_set = make_data_set(planted, TWO)
    anchors = {data_set.where: Anchors(0.25, 0.75)}
    for one in aggregate([data_set, data_set], anchors):
        for scaled, gain in ((one.score, one.gain), (one.score_iqm, one.iqm_gain)):
            assert (scaled.value, scaled.low, scaled.high) == pytest.approx(
                (2 * gain.value, 2 * gain.low, 2 * gain.high)
            )
        assert one.optimality_gap.value >= 1 - one.score.value - 1e-12


def test_profiles_are_of_gains_on_one_data_set_and_of_scores_on_several(make_data_set, planted):
    data_set = make_data_set(planted, TWO)
    (own,) = compare_data_sets([data_set]).profiles
    assert (own.frames, own.normalised, list(own.by_label)) == ("chosen", False, list(TWO))
    gains = data_set.gain("sharp", "chosen").mean(axis=1)
    curve = own.by_label["sharp"]
    expected = [(np.round(gains, 12) > tau).mean() for tau in curve.threshold]
    assert curve.share.tolist() == expected and (curve.low <= curve.high).all()
    (both,) = compare_data_sets([data_set, data_set]).profiles
    assert both.normalised and both.data_sets == 2
    assert both.by_label["sharp"].threshold[-1] >= 1  # the key frames are in the picture
