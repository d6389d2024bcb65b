"""The grid of a comparison: order, folders, labels, shards."""

import dataclasses
import json
import re
from pathlib import Path

import pytest

from agents.comparison.grid import (
    RunSpec,
    by_data_set,
    check_scoring,
    make_grid,
    make_labels,
    parse_shard,
)
from frame_select_env import FrameSelectError, open_cache

TINY = "reinforce@hidden_size=8,epochs=2"


def grid(planted, **changes):
    asked = {
        "data": [str(planted)],
        "folds": ["default"],
        "agents": [TINY],
        "rewards": ["sign_omega"],
        "target_frames": [4],
        "seeds": 2,
        "num_frames": 10,
        **changes,
    }
    return make_grid(**asked)


def test_every_combination_stands_once_with_the_seeds_varying_fastest(planted):
    specs = grid(
        planted, agents=[TINY, "soft-attention"], rewards=["margin", "span"], target_frames=[4, 2]
    )
    assert len(specs) == len(set(specs)) == 16
    assert [spec.seed for spec in specs] == [0, 1] * 8
    assert [spec.target_frames for spec in specs[:4]] == [4, 4, 2, 2]
    assert [spec.reward for spec in specs[:8]] == ["margin"] * 4 + ["span"] * 4
    assert [spec.agent for spec in specs] == [TINY] * 8 + ["soft-attention"] * 8
    again = [RunSpec(**json.loads(json.dumps(dataclasses.asdict(spec)))) for spec in specs]
    assert again == specs


def test_without_target_frames_every_agent_trains_for_its_presets(planted):
    paper = "reinforce@hidden_size=8,preset=paper"
    asked = {"agents": [TINY, paper], "num_frames": 14, "seeds": 1}
    specs = grid(planted, **asked, target_frames=[])
    assert [(spec.agent, spec.target_frames) for spec in specs] == [(TINY, 8), (paper, 12)]
    assert [spec.run().task(open_cache(planted)).target_frames for spec in specs] == [8, 12]
    assert [spec.target_frames for spec in grid(planted, **asked)] == [4, 4]
    # At most all frames.
    assert [spec.target_frames for spec in grid(planted, target_frames=[], num_frames=5)] == [5, 5]


def test_a_folder_is_readable_safe_and_no_other_specs(planted, tmp_path):
    texts = [
        "dqn",
        "dqn@dense=true,encoder=video",
        "dqn@dense=true+encoder=video",
        "../../etc:passwd",
        "..",
        "a" * 300,
        "a" * 299 + "b",
        "Ünïcode: 帧",
        "dqn\n",
    ]
    rewards = ["margin", '{"sign_omega": {"omega": 5}, "budget": 0.1}', '{"sign_omega": 1}']
    specs = [
        RunSpec(data, "default", agent, reward, 4, 0)
        for data in ("digits", "caches/digits.h5", "digits.h5", "/digits.h5")
        for agent in texts
        for reward in rewards
    ]
    folders = [spec.folder(tmp_path) for spec in specs]
    assert len(set(folders)) == len(specs)
    for folder in folders:
        assert folder.parent.parent == tmp_path / "runs" and folder.name == "seed-0"
        assert re.fullmatch(r"[\w.=,~-]{1,250}", folder.parent.name, re.ASCII)
        folder.mkdir(parents=True)
    plain = RunSpec("digits", "default", "dqn", "margin", 8, 3).folder(tmp_path)
    assert plain.relative_to(tmp_path).as_posix() == "runs/digits,default,dqn,margin,m8/seed-3"


def test_labels_say_what_tells_rows_apart_and_no_more(planted):
    plain = grid(planted)
    assert set(make_labels(plain).values()) == {TINY}
    several = grid(planted, rewards=["margin", '{"span":  2}'], target_frames=[2, 4])
    assert list(dict.fromkeys(make_labels(several).values())) == [
        f"{TINY}, margin, m=2",
        f"{TINY}, margin, m=4",
        f'{TINY}, {{"span": 2}}, m=2',
        f'{TINY}, {{"span": 2}}, m=4',
    ]


def test_shards_are_apart_and_together_the_whole():
    specs = list(range(10))
    parts = [specs[parse_shard(f"{i}/3")] for i in (1, 2, 3)]
    assert sorted(sum(parts, [])) == specs and max(map(len, parts)) == 4
    assert specs[parse_shard("")] == specs
    for wrong in ("0/3", "4/3", "1", "1/0", "a/b", "-1/2", "1/2/3"):
        with pytest.raises(FrameSelectError, match="must be i/n with i from 1 to n"):
            parse_shard(wrong)


def test_everything_is_checked_before_anything_is_trained(planted, regression):
    for changes, message in (
        ({"agents": ["dream"]}, "unknown agent 'dream'"),
        ({"agents": ["reinforce@hidden_size=wide"]}, "hidden_size=wide: must be of type int"),
        ({"agents": [TINY, TINY]}, "--agents: reinforce@hidden_size=8,epochs=2 is duplicated"),
        ({"rewards": ["luck"]}, "unknown reward 'luck'"),
        ({"rewards": ["{luck"]}, "is not valid JSON"),
        ({"rewards": ['{"span": 1}', '{"span":1}']}, "is duplicated"),
        ({"folds": ["9"]}, "unknown fold '9'; known: default"),
        ({"target_frames": [11]}, "target_frames=11: must be from 1 to the number of frames, 10"),
        ({"seeds": 0}, "seeds=0"),
        ({"data": [str(planted), "absent.h5"]}, "absent.h5: no such file"),
        ({"data": [str(regression)]}, "has the streams audio, video"),
        ({"split": "dev"}, "unknown split 'dev'"),
        ({"device": "tpu"}, "device='tpu'"),
        ({"alphas": [-1.0]}, "alpha"),
        ({"budget": -1}, "budget=-1"),
    ):
        with pytest.raises(FrameSelectError, match=re.escape(message)):
            grid(planted, **changes)


def test_aggregators_are_an_axis(planted):
    specs = grid(planted, aggregators=["mean", "max"], seeds=1)
    assert [spec.aggregator for spec in specs] == ["mean", "max"]
    assert len({spec.folder(Path("out")) for spec in specs}) == len(by_data_set(specs)) == 2
    assert str(specs[1]) == f"planted, judged by max, {TINY}, sign_omega, m=4, seed 0"
    assert specs[1].run().task(open_cache(planted)).aggregator == "max"
    with pytest.raises(FrameSelectError, match="aggregator='min': is none of mean, max"):
        grid(planted, aggregators=["mean", "min"])


def test_streams_views_and_alphas_are_axes(viewed):
    asked = {"streams": ["rgb", "flow"], "views": [None, "random"], "alphas": [0.0, 0.1]}
    specs = grid(viewed, view_schemes=["frame", "region"], seeds=1, **asked)
    # With views together there is one scheme, with random views there are two.
    assert len(specs) == len(set(specs)) == 2 * 2 * (1 + 2)
    assert len(by_data_set(specs)) == 12
    folders = {spec.folder(Path()).parent.name for spec in specs}
    assert len(folders) == 8  # a run is trained once and scored by both schemes
    assert {str(spec) for spec in specs} >= {
        f"viewed, rgb, {TINY}, sign_omega, m=4, seed 0",
        f"viewed, flow, by frame, alpha 0.1, {TINY}, sign_omega, m=4, seed 0",
    }


def test_what_cannot_be_pooled_is_refused_before_anything_is_trained(planted, regression):
    check_scoring(grid(planted), [2], (), 10, pool=True)
    targets = grid(regression, streams=["audio"], rewards=["delta_error"])
    with pytest.raises(FrameSelectError, match="--pool: only for a classification"):
        check_scoring(targets, [2], (), 10, pool=True)
    check_scoring(targets, [2], (), 10)
    without = f"{TINY},holdout=false,keep=last,patience=0"
    asked = {"split": "val", "agents": [TINY, without]}
    with pytest.raises(FrameSelectError, match=f"--pool: {without} held out no validation videos"):
        check_scoring(grid(planted, **asked), [2], (), 10, pool=True)
    # There the rows are left out, with a note.
    check_scoring(grid(planted, **asked, alphas=[0.5]), [2], (), 10, pool=True)


def test_axes_that_do_not_fit_are_refused(viewed, planted):
    for data, changes, message in (
        (viewed, {"streams": ["depth"]}, "unknown stream 'depth'; known: flow, rgb"),
        (viewed, {"streams": ["rgb"], "views": [3]}, "view=3: must be from 0 to 2"),
        (planted, {"views": ["random"]}, "has no axis of views"),
        (viewed, {"streams": ["rgb"], "alphas": []}, "--alphas: give at least one value"),
        (viewed, {"view_schemes": ["frame", "region"]}, "only with --views random"),
    ):
        with pytest.raises(FrameSelectError, match=message):
            grid(data, **changes)
