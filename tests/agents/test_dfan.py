"""DFAN as an agent: roles of streams, ranking, vote, and that both attentions learn."""

import csv
import dataclasses
import json
import runpy
from pathlib import Path

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

EXAMPLE = runpy.run_path(str(Path(__file__).parents[2] / "examples" / "planted_emotions.py"))
FRAMES, OBJECTS, RUN = (EXAMPLE[name] for name in ("FRAMES", "OBJECTS", "RUN"))
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


@pytest.fixture(scope="module")
def emotional(tmp_path_factory):
    """A cache of the example's videos, with streams objects and action."""
    path = tmp_path_factory.mktemp("scenes") / "scenes.h5"
    videos = EXAMPLE["emotions"](seed=3)
    return write_cache(path, videos, classes=["a", "b"], axes={"objects": "object"})


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


def test_the_most_confident_objects_are_the_first(emotional):
    cache = open_cache(emotional)
    assert Layout.of(cache, "objects+action", max_objects=2) == Layout(((12, 15),), (0, 6), (2, 3))
    task = make_task(cache, emotional, stream="objects+action", num_frames=FRAMES)
    config = dataclasses.replace(SMALL, max_objects=2)
    agent = DESIGN.agent(make_dfan(cache, task, config), task, config)
    clips = cache.read(cache.rows("test"), FRAMES, "default", task.stream)
    assert agent.object_attention(clips).shape == (len(clips), FRAMES, 2)
    features = clips.features.copy()
    features[..., 6:12] += 1.0  # the other objects
    np.testing.assert_array_equal(
        agent.scores(dataclasses.replace(clips, features=features)), agent.scores(clips)
    )


@pytest.mark.parametrize("pooling", ["average", "max"])
def test_pooling_answers_and_ranks_as_the_network_does(emotional, pooling):
    cache = open_cache(emotional)
    task = make_task(cache, emotional, stream="objects+action", num_frames=FRAMES, holdout=False)
    config = dataclasses.replace(SMALL, pooling=pooling, epochs=2)
    epochs = []
    agent = train(DESIGN, cache, task, config, epochs.append).agent
    assert epochs[1].figures["loss"] < epochs[0].figures["loss"]
    clips = cache.read(cache.rows("test"), FRAMES, "default", task.stream)
    np.testing.assert_allclose(agent.scores(clips).sum(1), 1, rtol=1e-5)
    steps = agent.predict_frames(clips)
    np.testing.assert_array_equal(steps, np.repeat(steps[:, :1], FRAMES, axis=1))
    np.testing.assert_array_equal(agent.predict(clips).argmax(1), steps[:, 0].argmax(1))


def test_a_prediction_of_every_frame_is_that_of_its_step(planted):
    cache = open_cache(planted)
    task = make_task(cache, planted, num_frames=14, target_frames=4)
    agent = DESIGN.agent(make_dfan(cache, task, SMALL), task, SMALL)
    clips = cache.read(np.arange(12), 14)
    steps = agent.predict_frames(clips)
    np.testing.assert_allclose(steps.sum(2), clips.valid, atol=1e-6)
    votes = np.array([np.bincount(own[there].argmax(1)[-10:], minlength=4).argmax()
                      for own, there in zip(steps, clips.valid, strict=True)])  # fmt: skip
    told = agent.predict(clips)
    assert (told[np.arange(12), votes] >= told.max(1) - 1e-3).all()


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
