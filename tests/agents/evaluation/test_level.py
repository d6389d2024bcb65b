"""The line that says outright that a formula is level with the best agent."""

import numpy as np

from agents.evaluation import evaluate
from agents.evaluation.tables import table_notes
from agents.evaluation.text_tables import interval_text
from baselines import make_ranking
from frame_select_env import FeatureCache, write_cache

NO_LEAD = "one; the lead of one is +0.0 [+0.0, +0.0]"


class Centre:
    """An agent that has learnt nothing but the formula `centre`, or its opposite."""

    def __init__(self, name, sign=1):
        self.name, self.sign = name, sign

    def scores(self, clips):
        scores = make_ranking("centre").scores(clips)
        return np.where(clips.valid, self.sign * scores, -np.inf)


def lines(cache, rankings, references, frames=2):
    found = evaluate(cache, rankings, frames=(frames,), resamples=200, references=references)
    return [note for note in table_notes(found) if " the best agent, " in note]


def large_frames(path):
    """Videos of nine frames of which three in a row are right, and have the largest features."""

    def videos():
        for row in range(60):
            key = (np.arange(9) - row % 7) // 3 == 0
            yield {
                "id": f"v{row}",
                "label": row % 2,
                "split": "train" if row < 40 else "test",
                "features": np.where(key, 5.0, 1.0).astype(np.float32)[:, None],
                "predictions": np.eye(2, dtype=np.float32)[np.where(key, row % 2, 1 - row % 2)],
            }

    return FeatureCache(write_cache(path, videos(), classes=["a", "b"]))


def test_an_agent_that_is_a_formula_is_level_with_it(tmp_path):
    cache = large_frames(tmp_path / "large.h5")
    said = lines(cache, {"one": [Centre("one")]}, ["centre"], frames=1)
    # The middle frame is right in three videos of seven, all frames are always wrong.
    assert said == ["centre, a formula, is level with the best agent, " + NO_LEAD]


def test_the_headline_counts_and_not_the_row_of_the_other_rule(plant, telling):
    cache = plant(seed=1)  # on which the two rules differ
    options = {"frames": (1, 2, 4, 8), "resamples": 50, "references": ["motion"]}
    leads = {}
    for rule, other in (("best", "one-se"), ("one-se", "best")):
        found = evaluate(cache, {"mine": [telling(0, 1.0)]}, choose_by=rule, **options)
        for row in ("chosen", other):
            errors = (found.results[name, row].error for name in ("motion", "mine"))
            lead = found.draw(0).mean(next(errors).mean(axis=0) - next(errors))
            leads[rule, row] = "; the lead of mine is " + interval_text(lead, "gain", True)
        (line,) = [note for note in found.notes if note.startswith("motion, a formula")]
        assert line.endswith(leads[rule, "chosen"])
    assert leads["best", "chosen"] == leads["one-se", "best"] != leads["best", "one-se"]


def test_a_formula_above_every_agent_is_said_to_be(tmp_path):
    cache = large_frames(tmp_path / "large.h5")
    agents = {"one": [Centre("one")], "two": [Centre("two", -1)]}
    (line,) = lines(cache, agents, ["feature-norm"], frames=3)
    # The three frames in the middle, 3 to 5, are right where two of them are: for runs from 2 to 4,
    # 3 of 7, among the test videos 40 to 59 eight. The formula is right for all.
    assert line.startswith(
        "feature-norm, a formula, is above the best agent, one; the lead of one is -60.0 [-"
    )


def test_a_formula_that_is_certainly_below_is_not_mentioned(tmp_path, telling):
    agents = {"worse": [Centre("worse")], "best": [telling()]}
    assert not lines(large_frames(tmp_path / "large.h5"), agents, ["centre"], frames=1)


def test_formulas_that_chose_all_frames_are_named_once_as_all_frames(tmp_path):
    """All nine frames are as wrong as all are: every ranking chooses all."""
    cache = large_frames(tmp_path / "large.h5")
    agents = {"one": [Centre("one", -1)], "two": [Centre("two", -1)]}
    found = lines(cache, agents, ["motion", "confidence"], frames=9)
    assert found == ["keeping all frames is level with the best agent, " + NO_LEAD]


def test_references_that_see_the_label_or_throw_dice_are_no_formulas(plant):
    found = lines(plant(), {"one": [Centre("one", -1)]}, ["oracle", "random"])
    assert all(line.startswith("keeping all frames") for line in found)
    assert not lines(plant(), {}, ["centre"])
