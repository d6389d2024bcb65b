"""Each run chooses m on its own validation videos, never on the split that is scored."""

from dataclasses import replace

import numpy as np
import pytest

from agents.evaluation import evaluate
from agents.evaluation.choosing import lowest_error
from agents.evaluation.scoring import (
    VideoResults,
)
from agents.evaluation.tables import evaluation_table, table_notes
from baselines import make_ranking
from frame_select_env import FrameSelectError
from frame_select_env.consensus import consensus
from frame_select_env.ranking import top_frames
from frame_select_env.validation import holdout


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


def test_without_validation_videos_nothing_is_chosen(by_hand, by_time):
    found = evaluate(by_hand, {"mine": [by_time()]})
    assert found.chosen == {}
    assert any("no rows chosen" in note for note in found.notes)
    assert any("no fitted references" in note for note in found.notes)
    assert {row.frames for row in found.table} == {"all", "1", "2", "4", "8", "12"}


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


def test_the_split_that_is_scored_is_never_chosen_on(plant, telling):
    cache = plant()
    found = evaluate(cache, {"mine": [telling()]}, split="train", resamples=20)
    assert found.chosen == {}
    assert ("pooled", "all") not in found.results
    with pytest.raises(FrameSelectError, match="no row 'mine' at frames chosen"):
        found.row("mine", "chosen")
