"""The heat map and the table of agreement, also where runs are missing."""

import numpy as np

from agents.reproduction.reward_files import Grid, _plot, agreement_table

LEARNERS = ("reinforce@beta=0.0", "dqn")
DESIGNS = ("margin", "correct", "spread")


def grid(gain, scale="unit"):
    return Grid("cues", scale, "free", LEARNERS, DESIGNS, np.array(gain))


FULL = grid([[[0.1, 0.12], [0.2, 0.2], [-0.3, -0.3]], [[0.05, 0.05], [0.1, 0.1], [0.0, 0.0]]])
# One run of margin failed, and both of spread with dqn.
TORN = grid(
    [[[0.1, np.nan], [0.2, 0.2], [0.0, 0.0]], [[0.05, 0.05], [0.1, 0.1], [np.nan, np.nan]]], "raw"
)


def test_cells_have_the_mean_gain_in_points_and_missing_ones_are_blank(tmp_path, figures):
    _plot(tmp_path / "figure.png", "title", [FULL, TORN], ["correct", "margin", "spread"])
    full, torn = figures["figure.png"].axes
    assert full.get_title(loc="left") == "cues, unit, free"
    texts = {(text.get_position()): text.get_text() for text in full.texts}
    assert [texts[0, row] for row in range(3)] == ["+20", "+11", "-30"]  # in the order given
    assert [texts[1, row] for row in range(3)] == ["+10", "+5.0", "+0.0"]
    assert [label.get_text() for label in full.get_xticklabels()] == ["reinforce", "dqn"]
    assert len(torn.texts) == 5
    assert (tmp_path / "figure.png").stat().st_size > 5000


def test_agreement_is_of_the_designs_that_every_learner_has_all_runs_of():
    full, torn = agreement_table([FULL, TORN]).rows
    assert full[0] == "cues, unit, free"
    assert abs(sum(map(float, full[1:5])) - 100) < 0.3
    assert full[5:] == ["1.00", "1.00"]
    # With `correct` alone, designs vary in nothing, and a single design has no ranking.
    assert torn[2:4] == ["0.0", "0.0"] and torn[5:] == ["–", "–"]
