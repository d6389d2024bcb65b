"""--seeds: one number is a count, several are the seeds."""

from functools import partial

import pytest
import tyro

from agents.commands.compare import CompareArguments
from agents.commands.search import SearchArguments
from agents.commands.suite import SuiteArguments
from agents.comparison.grid import make_grid
from agents.registry import parse_agent
from agents.search.study import SearchTrial, make_runs
from agents.training.seeds import expand_seeds
from frame_select_env import FrameSelectError


def test_a_count_is_the_first_seeds_and_a_list_is_itself():
    assert expand_seeds(3) == (0, 1, 2)
    assert expand_seeds((3, 7, 11)) == (3, 7, 11)
    assert expand_seeds([7]) == (7,)


@pytest.mark.parametrize(
    ("seeds", "words"),
    [
        (0, "seeds=0: must be at least 1"),
        (True, "seeds=True: must be a number of seeds, or a list of them"),
        ("3", "seeds='3': must be a number of seeds"),
        ((), "seeds: give their number"),
        ((1, -1), "seeds: -1 must be an integer of at least 0"),
        ((1, 2.0), "seeds: 2.0 must be an integer"),
        ((4, 2, 4), "seeds: 4 is duplicated"),
    ],
)
def test_other_values_are_refused(seeds, words):
    with pytest.raises(FrameSelectError) as caught:
        expand_seeds(seeds)
    assert words in str(caught.value)


def test_a_grid_has_the_seeds_that_were_named(planted):
    asked = [str(planted)], ["default"], ["reinforce", "dqn"], [], [4]
    specs = make_grid(*asked, (3, 7, 11), num_frames=10)
    assert [spec.seed for spec in specs] == [3, 7, 11] * 2
    # A run is the same, whatever others are asked for.
    assert specs[1] in make_grid(*asked, 8, num_frames=10)


def test_so_have_the_runs_of_a_search(planted, tmp_path):
    trial = SearchTrial(0, parse_agent("reinforce"), {}, 0)
    runs = make_runs("reinforce", trial, [str(planted)], {"num_frames": 10}, (5, 2), tmp_path, 1.0)
    assert [work.run.settings["seed"] for work in runs] == [5, 2]


@pytest.mark.parametrize("kind", [CompareArguments, SuiteArguments, SearchArguments])
def test_every_command_reads_a_count_or_the_seeds(kind):
    names = {"--data": "cues", "--agent": "dqn", "--agents": "dqn", "--out": "x"}
    if kind is SuiteArguments:
        del names["--data"]
    del names["--agents" if kind is SearchArguments else "--agent"]
    required = [text for pair in names.items() for text in pair]
    read = partial(tyro.cli, kind)
    assert read(args=[*required, "--seeds", "3"]).seeds == 3
    assert read(args=[*required, "--seeds", "3", "7", "11"]).seeds == (3, 7, 11)
