"""What a table says its intervals and its choice of m cannot tell."""

from dataclasses import replace

import numpy as np
import pytest

from agents.evaluation import evaluate
from agents.evaluation.intervals import resampled_groups
from agents.evaluation.tables import brief_notes, evaluation_markdown

LENGTHS = np.random.default_rng(0).integers(4, 14, 100)


def accuracy(cache):
    """Of all frames on the 40 test videos, with the table."""
    found = evaluate(cache, {}, references=False)
    return found.row("all", "all").figures["accuracy"], evaluation_markdown(found), found


def test_eight_groups_are_resampled_whole(plant):
    plain, _, _ = accuracy(plant(lengths=LENGTHS))
    group = [f"g{i // 5}" for i in range(100)]
    grouped, text, found = accuracy(plant(lengths=LENGTHS, group=group))
    assert grouped != plain and "too few" not in text
    # Every resample has eight groups of five videos.
    weight = found.draw(0).weight.reshape(-1, 8, 5)
    assert (weight == weight[:, :, :1]).all() and (weight[:, :, 0].sum(axis=1) == 8).all()


@pytest.mark.parametrize(("many", "said"), [(1, "1 group is"), (2, "2 groups are")])
def test_of_fewer_groups_videos_are_resampled_and_the_table_says_so(plant, many, said):
    plain, _, _ = accuracy(plant(lengths=LENGTHS))
    grouped, text, _ = accuracy(plant(lengths=LENGTHS, group=[f"g{i % many}" for i in range(100)]))
    assert grouped == plain
    line = (
        f"- {said} too few to resample (below 8): intervals resample videos, and say nothing about "
        "other groups"
    )
    assert text.splitlines().count(line) == 1


def test_seven_groups_are_few_and_eight_are_not():
    for many in (7, 8):
        group = np.arange(40) % many
        drawn, line = resampled_groups(group)
        assert (drawn is None, bool(line)) == (many == 7, many == 7)
    assert resampled_groups(None) == (None, "")


def test_few_validation_videos_are_said(plant, telling):
    cache = plant()
    options = {"frames": (2,), "resamples": 10, "references": False}
    for count in (19, 20):
        sets = {"mine": [np.arange(20), np.arange(count)]}
        found = evaluate(cache, {"mine": [telling(), telling(1)]}, validation=sets, **options)
        line = "the number of frames was chosen on 19 validation videos; at least 20 are needed"
        assert (line in evaluation_markdown(found)) == (count == 19)


def test_the_brief_table_says_what_is_left_out_in_whatever_words(plant, telling):
    options = {"frames": (2,), "resamples": 10, "references": ["centre"]}
    found = evaluate(plant(), {"mine": [telling()]}, **options)
    worded = replace(
        found,
        omissions=("Pooled videos are missing", "There is no oracle"),
        rules={"chosen": "by the weather", "one-se": "by the stars"},
        levels=("no formula is like the agent",),
    )
    assert {*worded.omissions, "chosen: by the weather"} <= set(brief_notes(worded))
    assert not {"one-se: by the stars", *worded.levels} & set(brief_notes(worded))
    text = evaluation_markdown(worded)
    assert all(f"- {note}\n" in text for note in worded.notes) and len(worded.notes) == 5
