"""DFAN as an agent: roles of streams, ranking, vote, and that both attentions learn."""

import csv
import dataclasses
import json

import numpy as np
import pytest
import torch

from agents.__main__ import main
from agents.dfan import DESIGN, DFANConfig, Layout, make_dfan
from agents.registry import parse_agent
from agents.training.design import check_ranges
from agents.training.load import load_run
from agents.training.provenance import code_digests
from agents.training.task import make_task
from agents.training.trainer import Run, make_learner, train
from frame_select_env import FrameSelectError, open_cache, write_cache

FRAMES, OBJECTS, RUN = 10, 4, 4
FAST = ["--hidden-size", "8", "--epochs", "1", "--batch-size", "10", "--num-frames", "10"]
SMALL = DFANConfig(
    hidden_size=16,
    epochs=5,
    batch_size=16,
    learning_rate=0.02,
    dropout=0.0,
    keep="last",
    patience=0,
    holdout=False,
)


def scenes(videos=240):
    """Videos with a run that tells the label and one that misleads.

    The runs differ in a sign. One of the objects of each frame, which is marked, says the sign of
    the run to believe; the signs of the others are drawn.
    """
    rng = np.random.default_rng(3)
    for row in range(videos):
        label, sign = row % 2, rng.choice([-1.0, 1.0])
        run, other = np.zeros((2, FRAMES), bool)
        first, second = rng.permutation([0, 5])
        run[first : first + RUN], other[second : second + RUN] = True, True
        action = rng.normal(scale=0.3, size=(FRAMES, 3))
        action[:, 0] = np.where(run, sign, np.where(other, -sign, 0.0))
        action[:, 1] += np.where(run, 2 * label - 1, np.where(other, rng.choice([-1, 1]), 0))
        objects = rng.normal(scale=0.3, size=(FRAMES, OBJECTS, 3))
        objects[:, :, 0], objects[:, :, 1] = 0.0, rng.choice([-1.0, 1.0], (FRAMES, OBJECTS))
        objects[np.arange(FRAMES), rng.integers(0, OBJECTS, FRAMES), :2] = 1.0, sign
        even = np.full((FRAMES, 2), 0.5, np.float32)
        yield {
            "id": f"scene {row}",
            "label": label,
            "split": ("train", "train", "train", "test")[row // 2 % 4],
            "features": {
                "objects": objects.astype(np.float32),
                "action": action.astype(np.float32),
            },
            "predictions": {"objects": even, "action": even},
            "importance": run.astype(np.float32),
        }


@pytest.fixture(scope="module")
def emotional(tmp_path_factory):
    """A cache of these videos, with streams objects and action."""
    path = tmp_path_factory.mktemp("scenes") / "scenes.h5"
    return write_cache(path, scenes(), classes=["a", "b"], axes={"objects": "object"})


def rows_of(folder):
    with (folder / "evaluation.csv").open() as file:
        return {(row["ranking"], row["frames"]): row for row in csv.DictReader(file)}


def test_both_attentions_find_what_is_informative(emotional):
    cache = open_cache(emotional)
    task = make_task(
        cache, emotional, stream="objects+action", num_frames=FRAMES, target_frames=RUN,
        holdout=False,
    )  # fmt: skip
    epochs = []
    agent = train(DESIGN, cache, task, SMALL, epochs.append).agent
    figures = [one.figures for one in epochs]
    assert figures[-1]["loss"] < figures[0]["loss"] / 4
    for name, most in (("time_entropy", np.log(FRAMES)), ("object_entropy", np.log(OBJECTS))):
        assert figures[-1][name] < figures[0][name] < most
    rows = cache.rows("test")
    clips = cache.read(rows, FRAMES, "default", task.stream)
    key = cache.read_frames("importance", rows, FRAMES) > 0
    assert agent.scores(clips)[key].sum() / len(rows) > RUN / FRAMES + 0.05
    marked = clips.features.reshape(len(rows), FRAMES, -1)[..., : OBJECTS * 3]
    marked = marked.reshape(len(rows), FRAMES, OBJECTS, 3)[..., 0] == 1
    weights = agent.object_attention(clips)
    assert (weights.argmax(2) == marked.argmax(2)).mean() > 0.8 > 1 / OBJECTS
    assert (agent.predict(clips).argmax(1) == cache.labels[rows]).mean() > 0.85


def test_it_trains_and_evaluates_through_the_command_lines(planted, tmp_path, capsys):
    out = tmp_path / "run"
    main(["train", "--data", str(planted), "--agent", "dfan", "--out", str(out), *FAST])
    main(["evaluate", str(out), "--data", str(planted), "--frames", "3", "--resamples", "20"])
    assert {("dfan", "3"), ("dfan", "free"), ("untrained dfan", "3")} <= set(rows_of(out))
    with (out / "metrics.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert 0 < float(row["time_entropy"]) < np.log(10) and "object_entropy" not in row
    assert row["episodes"] == "0"


def test_without_a_named_stream_it_sees_all_and_evaluation_agrees(viewed, tmp_path, capsys):
    out = tmp_path / "run"
    main(["train", "--data", str(viewed), "--agent", "dfan", "--out", str(out), *FAST])
    task = json.loads((out / "config.json").read_text())["task"]
    assert sorted(task["stream"].split("+")) == ["flow", "rgb"]
    main(["evaluate", str(out), "--data", str(viewed), "--frames", "3", "--resamples", "20"])
    assert ("dfan", "3") in rows_of(out)
    one = tmp_path / "one"
    command = ["train", "--data", str(viewed), "--agent", "dfan", "--out", str(one), *FAST]
    main([*command, "--stream", "rgb", "--view", "random"])
    task = json.loads((one / "config.json").read_text())["task"]
    assert (task["stream"], task["view"]) == ("rgb", "random")
    main(["evaluate", str(one), "--data", str(viewed), "--frames", "3", "--resamples", "20"])


def test_other_agents_still_ask_for_a_stream(viewed):
    run = Run(str(viewed), parse_agent("soft-attention"))
    with pytest.raises(FrameSelectError, match="choose one"):
        run.task(open_cache(viewed))


def test_the_layout_follows_the_streams(emotional, viewed, planted):
    cache = open_cache(emotional)
    assert Layout.of(cache, "objects+action") == Layout(((12, 15),), (0, 12), (4, 3))
    assert Layout.of(cache, "action+objects") == Layout(((0, 3),), (3, 15), (4, 3))
    assert Layout.of(cache, "action") == Layout(((0, 3),))
    assert Layout.of(cache, "objects") == Layout((), (0, 12), (4, 3))
    views = open_cache(viewed)
    assert Layout.of(views, "rgb+flow") == Layout(((0, 18), (18, 36)))
    assert Layout.of(views, "rgb+flow", 1) == Layout(((0, 6), (6, 12)))
    assert Layout.of(open_cache(planted), None) == Layout(((0, 6),))


@pytest.mark.parametrize("stream", ["objects", "action", "action+objects"])
def test_any_of_the_streams_may_be_absent(emotional, stream):
    cache = open_cache(emotional)
    task = make_task(cache, emotional, stream=stream, num_frames=FRAMES, target_frames=RUN)
    learner = make_learner(DESIGN, cache, task, SMALL)
    assert np.isfinite(learner.epoch(1)["loss"])


def test_objects_are_standardised_alike_and_only_where_they_are(emotional):
    cache = open_cache(emotional)
    task = make_task(cache, emotional, stream="action+objects", num_frames=FRAMES)
    network = make_dfan(cache, task, SMALL)
    features = torch.zeros(1, 2, 15)
    features[0, :, :3] = torch.tensor([[0.0, 0.0, 1e-6], [2.0, 4.0, 3e-6]])
    features[0, 0, 3:6] = torch.tensor([1.0, 5.0, -1.0])  # two of eight objects are there
    features[0, 1, 9:12] = torch.tensor([3.0, 5.0, 1.0])
    network.standardise(features, torch.ones(1, 2, dtype=torch.bool))
    assert network.mean[3:].view(4, 3).tolist() == [[2.0, 5.0, 0.0]] * 4
    assert network.scale[3:].view(4, 3).tolist() == [[1.0, 0.0, 1.0]] * 4
    assert network.mean[:2].tolist() == [1.0, 2.0] and network.scale[:2].tolist() == [1.0, 0.5]


def test_a_ranking_of_a_batch_is_that_of_each_video(planted):
    cache = open_cache(planted)
    task = make_task(cache, planted, num_frames=14, target_frames=4)
    agent = DESIGN.agent(make_dfan(cache, task, SMALL), task, SMALL)
    clips = cache.read(np.arange(12), 14)
    scores, chosen, share = agent.scores(clips), agent.select(clips), agent.predict(clips)
    assert np.isneginf(scores[~clips.valid]).all()
    np.testing.assert_allclose(np.where(clips.valid, scores, 0).sum(1), 1, rtol=1e-5)
    np.testing.assert_allclose(share.sum(1), 1)
    assert share.shape == (12, 4) and chosen.any(1).all() and not chosen[~clips.valid].any()
    for row in range(12):
        alone = cache.read(np.array([row]), int(cache.lengths[row]))
        np.testing.assert_allclose(agent.scores(alone)[0], scores[row, clips.valid[row]], rtol=1e-4)
        np.testing.assert_allclose(agent.predict(alone)[0], share[row], atol=1e-6)


def test_a_regression_is_refused(regression, tmp_path, capsys):
    out = tmp_path / "run"
    arguments = ["--data", str(regression), "--reward", "delta_error", "--out", str(out)]
    with pytest.raises(SystemExit) as stopped:
        main(["train", "--agent", "dfan", *arguments, "--num-frames", "4", "--target-frames", "2"])
    assert stopped.value.code == 2 and not out.exists()
    error = capsys.readouterr().err.splitlines()
    assert len(error) == 1 and "predicts classes, but regression.h5 is a regression" in error[0]


def test_two_streams_of_objects_are_refused(tmp_path):
    rng = np.random.default_rng(0)
    videos = [
        {
            "id": f"{row}",
            "label": row % 2,
            "split": "train",
            "features": {name: rng.normal(size=(3, 2, 4)).astype(np.float32) for name in "xy"},
            "predictions": {name: np.full((3, 2), 0.5, np.float32) for name in "xy"},
        }
        for row in range(4)
    ]
    axes = dict.fromkeys("xy", "object")
    cache = open_cache(write_cache(tmp_path / "two.h5", videos, classes=["a", "b"], axes=axes))
    with pytest.raises(FrameSelectError, match="several streams of objects in 'x\\+y'"):
        Layout.of(cache, "x+y")


def test_a_scrambler_keeps_a_share():
    with pytest.raises(FrameSelectError, match="scrambler=1.5: must be in"):
        check_ranges(dataclasses.replace(SMALL, scrambler=1.5))


def test_the_modules_of_a_design_count_as_its_code(monkeypatch):
    choice = parse_agent("dfan")
    whole = code_digests(choice, "sign_omega")["dfan"]
    monkeypatch.setattr("agents.dfan.DESIGN", dataclasses.replace(DESIGN, modules=()))
    assert code_digests(choice, "sign_omega")["dfan"] != whole


def test_a_literal_run_is_loaded_as_it_was(planted, tmp_path, capsys):
    out = tmp_path / "run"
    command = ["train", "--data", str(planted), "--agent", "dfan", "--out", str(out), *FAST]
    main([*command, "--time-attention", "literal", "--learned-scale"])
    cache = open_cache(planted)
    run = load_run(out, cache)
    assert run.agent.network.dfan.literal and "time_attention=literal" in run.text
    assert np.isfinite(run.agent.scores(cache.read(np.arange(2), 10))).any(1).all()
