"""The leaderboard: figures by hand, from results.csv alone."""

from dataclasses import replace

import numpy as np
import pytest

from agents.suite.leaderboard import leaderboard_markdown, make_leaderboard, score_table
from agents.suite.results import ResultRow, read_results, write_results
from frame_select_env import FrameSelectError

ROW = ResultRow(
    *("f" * 64, 0, "context", "one", "one", 0, "chosen", 1),
    *(0.5, 3.0, 0.5, 0.3, 0.7, 0.5, 128, 128, 1, 2.0, 1.5),
)


def rows(scores):
    """Headline rows of {(agent, task): scores by seed}."""
    return [
        replace(ROW, agent=agent, trained=agent, task=task, seed=seed, score=score)
        for (agent, task), own in scores.items()
        for seed, score in enumerate(own)
    ]


BOARD = make_leaderboard(
    rows(
        {
            ("one", "context"): [0.1, 0.1, 0.4],
            ("one", "glance"): [0.5, 0.5, 0.5],
            ("two", "needle"): [2.0],
            ("two", "context"): [0.3, 0.5, 0.7],
        }
    )
)


def test_means_and_aggregates_over_what_all_agents_have() -> None:
    assert BOARD.tasks == ("context", "needle", "glance") and BOARD.shared == ("context",)
    assert BOARD.agents == ("two", "one")  # best first
    found = BOARD.interval("one", "context")
    assert found.value == pytest.approx(0.2)
    assert (found.low, found.high) == pytest.approx((0.1, 0.4))  # as three equal draws
    assert BOARD.interval("one", "needle") is None
    assert BOARD.interval("two", "needle").low == BOARD.interval("two", "needle").high == 2.0
    # The quarter that is trimmed of three runs is none of them.
    assert BOARD.iqm("two").value == pytest.approx(0.5) == BOARD.mean("two").value


def test_the_interquartile_mean_leaves_out_the_extreme_runs_of_all_tasks() -> None:
    own = {("one", "context"): [0.0, 0.2], ("one", "needle"): [0.4, 9.0]}
    assert make_leaderboard(rows(own)).iqm("one").value == pytest.approx(0.3)


def test_the_gap_and_the_profile_are_over_the_shared_tasks() -> None:
    own = {("one", "context"): [0.5, 1.5], ("one", "needle"): [0.2, 0.2], ("one", "long"): [9.0]}
    own |= {("two", "context"): [1.0], ("two", "needle"): [1.0]}
    board = make_leaderboard(rows(own))
    # Short of 1 by .5 and 0 on one task, by .8 twice on the other.
    assert board.gap("one").value == pytest.approx((0.25 + 0.8) / 2)
    assert board.gap("two").value == 0
    profile = board.profiles()["one"]
    found = {tau: profile.share[np.abs(profile.threshold - tau).argmin()] for tau in (0, 0.4, 1)}
    assert found == {0: 1.0, 0.4: 0.5, 1: 0.25}
    assert profile.threshold[0] < 0 and profile.threshold[-1] > 1.5
    assert BOARD.gap("one").low < BOARD.gap("one").value < BOARD.gap("one").high


def test_agents_that_are_one_where_looks_cost() -> None:
    """Their runs stand in both rows, and the page says so."""
    made = rows({("dqn", "context"): [0.2, 0.4], ("dqn-pick", "context"): [0.1, 0.1]})
    made += [
        replace(ROW, agent=agent, trained="dqn-glance", task="glance", seed=seed, score=0.5)
        for agent in ("dqn", "dqn-pick")
        for seed in range(2)
    ]
    board = make_leaderboard(made)
    assert board.twins() == {("glance", "dqn-glance"): ["dqn", "dqn-pick"]}
    assert board.interval("dqn", "glance") == board.interval("dqn-pick", "glance")
    page = leaderboard_markdown(board)
    assert "On `glance`, dqn and dqn-pick are the same runs of `dqn-glance`, trained once." in page
    assert "trained once" not in leaderboard_markdown(BOARD)


def test_the_page_says_which_plan_and_which_tasks() -> None:
    page = leaderboard_markdown(BOARD)
    row = "| two | 0.50 [0.30, 0.70] | 0.50 [0.30, 0.70] | 0.50 [0.30, 0.70] | 0.50 [0.30, 0.70] |"
    assert f"{row} 2.00" in page
    assert "over the tasks that all agents have: context." in page
    assert f"sha256 `{'f' * 64}`" in page
    apart = make_leaderboard(rows({("a", "context"): [0.1], ("b", "glance"): [0.2]}))
    assert [row[1] for row in score_table(apart).rows] == ["", ""]
    assert "that all agents have: none." in leaderboard_markdown(apart)


def test_results_are_read_as_they_were_written(tmp_path) -> None:
    path = tmp_path / "results.csv"
    made = rows({("reinforce@lr=1,b=2", "context"): [0.25, -0.5]})
    write_results(path, made)
    assert read_results(path) == made


def test_rows_at_other_frames_do_not_count() -> None:
    made = [ROW, replace(ROW, frames="3", headline=0, score=9.0)]
    assert make_leaderboard(made).interval("one", "context").value == 0.5


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ([], "no run is finished"),
        ([ROW, ROW], "one, context, seed 0: is there twice"),
        ([replace(ROW, task="chess")], "task 'chess': is not one of the suite"),
    ],
)
def test_what_makes_no_leaderboard(made, words) -> None:
    with pytest.raises(FrameSelectError, match=words):
        make_leaderboard(made)


def test_files_that_are_no_results(tmp_path) -> None:
    path = tmp_path / "results.csv"
    path.write_text("agent,task\none,context\n")
    with pytest.raises(FrameSelectError, match="no column 'plan'"):
        read_results(path)
    write_results(path, [ROW])
    path.write_text(path.read_text().replace("128", "many"))
    with pytest.raises(FrameSelectError, match=r"results.csv, line 2: .*'many'"):
        read_results(path)
    with pytest.raises(FrameSelectError, match="cannot be read"):
        read_results(tmp_path / "none.csv")
