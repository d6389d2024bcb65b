"""A study: its caches, the runs that its lines need, and the paper's figures."""

import re
from collections import Counter
from dataclasses import replace

import pytest

from agents.comparison.grid import DataSet, make_labels
from agents.registry import parse_agent, parse_reward
from agents.reproduction.ablations import ABLATION, AGGRESSIVENESS, PROPOSAL
from agents.reproduction.attention_aware import TABLES
from agents.reproduction.dual_focus import TABLES as DUAL_FOCUS
from agents.reproduction.study import (
    AGENT,
    Line,
    PaperData,
    Study,
    agents_of,
    data_sets_of,
    make_specs,
    parse_sources,
)
from frame_select_env import FrameSelectError, open_cache
from frame_select_env.rewards import Reward

BY_NAME = {study.name: study for study in TABLES}
EVERY = [*TABLES, *DUAL_FOCUS, ABLATION, AGGRESSIVENESS, PROPOSAL]
TINY = ("reinforce@hidden_size=4,epochs=1", "ppo@hidden_size=4,epochs=1")


def names(study):
    return study.name


def papers(name):
    """The paper's figures of a table, by the labels of its lines."""
    return {line.label: line.paper for line in BY_NAME[name].lines}


@pytest.mark.parametrize(
    ("name", "figures"),
    [
        ("as-table1", [66.7, 68.6, 69.9, 71.2, 75.8, 75.4, 77.3]),
        ("as-table2", [67.1, 68.0, 69.1, 70.9, 71.3, 72.2]),
        ("as-table4", [71.24, 71.00, 71.15, 70.94]),
    ],
)
def test_the_papers_figures_are_in_its_order(name, figures):
    assert list(papers(name).values()) == figures


def test_the_papers_figures_of_table_3():
    of = papers("as-table3")
    assert of.pop("all frames") == 63.5
    assert of == {
        **{"m = 4, random": 61.5, "m = 4, frame": 63.3, "m = 4, region": 63.6},
        **{"m = 8, random": 62.7, "m = 8, frame": 63.4, "m = 8, region": 63.7},
        **{"m = 12, random": 63.1, "m = 12, frame": 64.1, "m = 12, region": 64.3},
        **{"m = 16, random": 63.1, "m = 16, frame": 63.8, "m = 16, region": 63.7},
        **{"m = 20, random": 63.6, "m = 20, frame": 63.3, "m = 20, region": 63.3},
    }
    for line in BY_NAME["as-table3"].lines[1:]:
        m, scheme = re.fullmatch(r"m = (\d+), (\w+)", line.label).groups()
        assert (line.frames, line.streams, line.folds) == (int(m), "first", "first")
        assert line.ranking == ("random" if scheme == "random" else AGENT)
        assert line.view_scheme == ("frame" if scheme == "frame" else "region")


def test_the_papers_figures_of_table_5():
    assert papers("as-table5") == {
        **{"UCF101, TSN": 94.2, "HMDB51, TSN": 69.9},
        **{"UCF101, TSN + Kinetics": 96.5, "HMDB51, TSN + Kinetics": 75.8},
        **{"UCF101, TSN + AS": 94.6, "HMDB51, TSN + AS": 71.2},
        **{"UCF101, TSN + Kinetics + AS": 96.8, "HMDB51, TSN + Kinetics + AS": 77.3},
    }


def test_alpha_and_the_state_are_what_the_lines_say():
    for line in BY_NAME["as-table4"].lines:
        assert line.label == f"alpha = {line.alpha:g}"
    assert [line.alpha for line in BY_NAME["as-table4"].lines] == [0.0, 0.1, 0.2, 0.3]
    for line in BY_NAME["as-table2"].lines:
        for text in agents_of(line, ["reinforce@preset=paper"]):
            both = line.label.endswith("s^r")
            state = "feature+prediction" if both else "feature"
            assert parse_agent(text).config.state == state
            assert parse_agent(text).preset == "paper"


@pytest.mark.parametrize("study", EVERY, ids=names)
def test_every_agent_and_reward_of_a_line_can_be_made(study):
    labels = [line.label for line in study.lines]
    assert len(set(labels)) == len(labels)
    assert {line.source for line in study.lines} <= set(study.sources)
    assert set(study.own) < set(study.sources)
    assert {label for pair in study.pairs for label in pair} <= set(labels)
    for line in study.lines:
        for text in agents_of(line, study.agents):
            config = parse_agent(text).config
            assert {name: getattr(config, name) for name, _ in line.changes} == dict(line.changes)
        Reward(parse_reward(line.reward))


def test_the_lines_of_aggressiveness_are_what_they_say():
    for line in AGGRESSIVENESS.lines[1:]:
        said = re.fullmatch(r"([\w-]+), chunk (\d+), omega ([\d.]+), budget ([\d.]+)", line.label)
        agent, chunk, omega, budget = said.groups()
        (choice,) = map(parse_agent, agents_of(line, ()))
        assert choice.design.name.removesuffix("-chunk") == agent
        assert choice.config.chunk == int(chunk)
        reward = parse_reward(line.reward)
        assert reward["sign_omega"] == {"omega": float(omega)}
        assert reward.get("budget", 0) == float(budget)


def test_a_cache_without_a_name_is_that_of_every_row_but_the_own():
    study = Study("name", "", "", (), sources=("a", "b", "c"), own=("c",))
    assert parse_sources(study, ["x.h5"]) == {"a": "x.h5", "b": "x.h5"}
    assert parse_sources(study, ["x.h5", "c=y.h5"]) == {"a": "x.h5", "b": "x.h5", "c": "y.h5"}
    assert parse_sources(study, ["b=x.h5", "a=y.h5"]) == {"b": "x.h5", "a": "y.h5"}
    assert parse_sources(ABLATION, ["x.h5"]) == {"cross-fitted": "x.h5"}
    assert parse_sources(PROPOSAL, ["x.h5"]) == {"": "x.h5"}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            ["tns=x.h5"],
            "--data tns=x.h5: unknown row 'tns'; did you mean 'tsn'? "
            "known: tsn, tsn-kinetics, two-stream",
        ),
        (["tsn=x.h5", "tsn=y.h5"], "--data tsn=y.h5: tsn is named twice"),
        (["tsn=x.h5", "y.h5"], "--data y.h5: tsn is named twice"),
        ([], "--data: name a cache, or ROW=CACHE"),
    ],
)
def test_a_row_that_is_unknown_or_named_twice_is_refused(values, message):
    with pytest.raises(FrameSelectError) as caught:
        parse_sources(BY_NAME["as-table1"], values)
    assert str(caught.value) == message


def test_a_second_cache_without_a_name_is_refused():
    with pytest.raises(FrameSelectError, match="--data y.h5: the cache is named twice"):
        parse_sources(PROPOSAL, ["x.h5", "y.h5"])


def test_folds_are_all_but_the_default_and_streams_and_views_all(folded):
    both = ("s1", "s2")
    assert data_sets_of(Line(""), folded) == [
        DataSet(folded, fold, both, "random", "region") for fold in ("one", "two")
    ]
    first = Line("", folds="first", streams="first", view_scheme="frame", alpha=0.2)
    assert data_sets_of(first, folded) == [
        DataSet(folded, "one", ("s1",), "random", "frame", alpha=0.2)
    ]


def test_a_cache_with_one_of_each_has_neither_streams_nor_views(plain):
    # Without views there is no scheme, so both schemes are the same data set.
    for scheme in ("region", "frame"):
        assert data_sets_of(Line("", view_scheme=scheme), plain) == [DataSet(plain)]


def test_every_run_is_in_the_grid_once(folded):
    same = Line("one", "tsn"), Line("two", "tsn", paper=1.0), Line("other", "tsn-kinetics")
    study = Study("name", "", "", same, ("tsn", "tsn-kinetics"))
    specs = make_specs(study, {"tsn": folded, "tsn-kinetics": folded}, TINY, 2, num_frames=6)
    assert len(specs) == len(set(specs)) == 2 * 2 * 2 * 2  # folds, streams, agents, seeds
    assert Counter((spec.fold, spec.stream) for spec in specs) == dict.fromkeys(
        ((fold, stream) for fold in ("one", "two") for stream in ("s1", "s2")), 4
    )
    assert {spec.view for spec in specs} == {"random"}
    assert {spec.target_frames for spec in specs} == {6}  # m = 12, but there are 6 frames
    assert {spec.agent for spec in specs} == set(TINY)
    # A line without a cache needs no runs.
    assert make_specs(study, {"tsn": folded}, TINY, 2, num_frames=6) == specs


def test_both_schemes_of_table_3_are_the_same_runs(folded, tmp_path):
    specs = make_specs(BY_NAME["as-table3"], {"tsn-kinetics": folded}, TINY[:1], 1, num_frames=25)
    found = {(spec.target_frames, spec.view_scheme) for spec in specs}
    assert found == {(m, scheme) for m in (4, 8, 12, 16, 20) for scheme in ("region", "frame")}
    assert {(spec.fold, spec.stream) for spec in specs} == {("one", "s1")}
    assert len({spec.folder(tmp_path) for spec in specs}) == 5
    assert len(make_labels(specs)) == 10


def test_a_reference_without_an_agent_beside_it_gets_the_first_agents_run(folded, plain):
    lines = Line("all", "x", ranking="all"), Line("agent", "x", agents=TINY[1:])
    alone = replace(lines[0], label="alone", source="y")
    study = Study("name", "", "", (*lines, alone), ("x", "y"))
    specs = make_specs(study, {"x": folded, "y": plain}, TINY, 1, num_frames=6)
    assert {spec.agent for spec in specs if spec.data == folded} == {TINY[1]}
    assert [spec.agent for spec in specs if spec.data == plain] == [TINY[0]]
    # Another alpha is another data set, where the reference has no agent.
    weighted = replace(study, lines=(replace(lines[0], alpha=0.5), lines[1]))
    specs = make_specs(weighted, {"x": folded}, TINY, 1, num_frames=6)
    assert {spec.agent for spec in specs if spec.alpha == 0.5} == {TINY[0]}


def test_how_a_cache_differs_from_the_papers_data(folded, plain):
    paper = PaperData("paper", {"": 3, "other": 4}, folds={"": 2}, views=2, num_frames=6)
    cache = open_cache(folded)
    assert paper.differences(Line(""), cache, 6) == []
    assert paper.differences(Line("", "other"), cache, 5) == [
        "classes 3, not 4",
        "frames 5, not 6",
    ]
    assert paper.differences(Line("", folds="first", streams="first"), cache, 6) == []
    assert paper.differences(Line(""), open_cache(plain), 6) == [
        "splits 1, not 2",
        "streams 1, not 2",
        "views 1, not 2",
    ]


def test_cross_fitted_predictions_differ_from_the_papers(folded, monkeypatch):
    paper = PaperData("paper", {"": 3}, folds={"": 2}, views=2, num_frames=6)
    cache = open_cache(folded)
    for crossfit, words in (("none", []), ("video", ["cross-fitted by video"])):
        monkeypatch.setattr(cache, "provenance", {"crossfit": crossfit})
        assert paper.differences(Line(""), cache, 6) == words
