"""The reaction network as an agent: modalities, ranges, ranking, answers, and that it learns."""

import csv
import dataclasses
import json

import numpy as np
import pytest
import torch
from example_scripts import load_example

from agents.__main__ import main
from agents.reaction import DESIGN, ReactionConfig, make_reaction, modality_ranges
from agents.registry import parse_agent
from agents.training.task import make_task
from agents.training.trainer import make_learner
from frame_select_env import FrameSelectError, open_cache, write_cache

SMALL = ReactionConfig(hidden_size=8, num_heads=2, epochs=1, batch_size=4)
FAST = ["--hidden-size", "8", "--epochs", "2", "--num-frames", "8", "--target-frames", "2"]


@pytest.fixture(autouse=True)
def initial_weights():
    """The same in every run; some make a network of so few units answer alike for all frames."""
    torch.manual_seed(0)


def a_task(cache, **settings):
    return make_task(cache, cache.path, num_frames=8, target_frames=2, **settings)


def test_the_token_looks_at_the_frames_that_tell(tmp_path):
    example = load_example("planted_reactions")
    path = write_cache(tmp_path / "planted.h5", example.reactions(300), targets=["joy", "fear"])
    found = example.measure(
        path, "reaction@epochs=8,hidden_size=32,num_layers=1,learning_rate=0.005", seed=0
    )
    assert found["chance"] < 0.45 and found["average precision"] > 0.8
    assert found["of the best 4"] > found["PCC of all frames"] + 0.05
    assert found["of its own answer"] > 0.9


def test_streams_of_one_modality_are_side_by_side(tmp_path):
    sizes = {"audio": 2, "holistic": 3, "scene": 1, "local": 4}
    videos = [
        {
            "id": f"{row}",
            "label": np.float32([row]),
            "split": "train",
            "features": {name: np.ones((2, size), np.float32) for name, size in sizes.items()},
            "predictions": {name: np.ones((2, 1), np.float32) for name in sizes},
        }
        for row in range(5)
    ]
    cache = open_cache(write_cache(tmp_path / "four.h5", videos, targets=["joy"]))
    visual = ("holistic", "local")
    found = modality_ranges(cache, "audio+holistic+scene+local", visual)
    assert found == (((0, 2),), ((2, 5), (6, 10)), ((5, 6),))
    assert modality_ranges(cache, "local+audio", visual) == (((0, 4),), ((4, 6),))
    assert modality_ranges(cache, "holistic+local", ()) == (((0, 3),), ((3, 7),))
    # Without a named stream, all of them are used.
    assert DESIGN.default_stream(cache) == "+".join(cache.streams)
    network = make_reaction(cache, a_task(cache, stream="local+audio+holistic"), SMALL)
    assert [reader.gru.input_size for reader in network.reaction.readers] == [7, 2]


def test_answers_are_within_the_range_of_the_training_labels(regression):
    cache = open_cache(regression)
    task = a_task(cache, stream="audio+video")
    network = make_reaction(cache, task, SMALL)
    labels = cache.labels[task.fit_rows]
    assert len(labels) < len(cache)
    ends = network.answer(torch.tensor([[-50.0, 50.0], [0.0, -50.0]])).numpy()
    low, high = labels.min(axis=0), labels.max(axis=0)
    np.testing.assert_allclose(ends[0], [low[0], high[1]], rtol=1e-5)
    np.testing.assert_allclose(ends[1], [(low[0] + high[0]) / 2, low[1]], rtol=1e-5)
    # In units of the range, half is off by a half at both ends.
    logits, ends = torch.zeros(2, 2), torch.from_numpy(np.stack([low, high]))
    assert network.loss(logits, ends, "mse").item() == pytest.approx(0.25)
    assert network.loss(logits, ends, "l1").item() == pytest.approx(0.5)


def test_a_target_that_never_varies_is_predicted_as_it_is(regression):
    cache = open_cache(regression)
    task = a_task(cache, stream="audio")
    cache.labels = np.repeat(cache.labels[:1], len(cache), axis=0)
    learner = make_learner(DESIGN, cache, task, SMALL)
    assert np.isfinite(learner.epoch(1)["loss"])
    answer = DESIGN.agent(learner.network, task, SMALL).predict(
        cache.read(task.fit_rows, 8, stream="audio")
    )
    np.testing.assert_allclose(answer, cache.labels[task.fit_rows], rtol=1e-6)


@pytest.mark.parametrize("name", ["regression", "planted"])
def test_a_ranking_of_a_batch_is_that_of_each_video(name, request):
    cache = open_cache(request.getfixturevalue(name))
    stream = "audio+video" if name == "regression" else None
    task = a_task(cache, stream=stream)
    agent = DESIGN.agent(make_reaction(cache, task, SMALL), task, SMALL)
    clips = cache.read(np.arange(12), 14, stream=stream)
    scores, chosen, answers = agent.scores(clips), agent.select(clips), agent.predict(clips)
    assert answers.shape == (12, len(cache.classes))
    assert np.isneginf(scores[~clips.valid]).all() and (scores[clips.valid] > 0).all()
    assert chosen.any(1).all() and not chosen[~clips.valid].any()
    assert not chosen[clips.valid.sum(1) > 2].all()
    for row in range(12):
        alone = cache.read(np.array([row]), int(cache.lengths[row]), stream=stream)
        np.testing.assert_allclose(agent.scores(alone)[0], scores[row, clips.valid[row]], rtol=1e-4)
        np.testing.assert_allclose(agent.predict(alone)[0], answers[row], rtol=1e-4)


def test_a_frame_is_predicted_by_the_answer_for_the_video_so_far(regression):
    cache = open_cache(regression)
    task = a_task(cache, stream="audio+video")
    agent = DESIGN.agent(make_reaction(cache, task, SMALL), task, SMALL)
    clips = cache.read(np.arange(4), 6, stream="audio+video")
    steps = agent.predict_frames(clips)
    np.testing.assert_allclose(steps[:, -1], agent.predict(clips), rtol=1e-5)
    clips.features[:, 3:] = 0  # what comes later makes no difference
    np.testing.assert_allclose(agent.predict_frames(clips)[:, :3], steps[:, :3], rtol=1e-5)
    assert np.abs(np.diff(steps[:, :2], axis=1)).max() > 0


def test_classes_are_probabilities_learnt_by_cross_entropy(planted):
    cache = open_cache(planted)
    network = make_reaction(cache, a_task(cache), SMALL)
    logits = torch.tensor([[1.0, 2.0, 0.0, 0.0], [0.0, 0.0, 0.0, 3.0]])
    shares = network.answer(logits)
    torch.testing.assert_close(shares.sum(1), torch.ones(2))
    expected = -(shares[0, 1].log() + shares[1, 0].log()) / 2
    torch.testing.assert_close(network.loss(logits, torch.tensor([1, 0]), "mse"), expected)


def test_streams_are_standardised_by_themselves(regression):
    cache = open_cache(regression)
    network = make_reaction(cache, a_task(cache, stream="audio+video"), SMALL)
    features = torch.zeros(1, 2, 8)
    features[0, 0, 0], features[0, 0, 3] = 4e6, 2.0
    network.standardise(features, torch.ones(1, 2, dtype=torch.bool))
    assert network.mean[[0, 3]].tolist() == [2e6, 1.0] and network.scale[3] == 1.0


def test_the_learning_rate_is_halved_and_decay_is_decoupled(regression):
    cache = open_cache(regression)
    config = dataclasses.replace(SMALL, halve_every=2, learning_rate=0.1, weight_decay=0.5)
    learner = make_learner(DESIGN, cache, a_task(cache, stream="audio"), config)
    rates = []
    for number in range(1, 6):
        rates.append(learner.optimiser.param_groups[0]["lr"])
        learner.epoch(number)
    assert rates == [0.1, 0.1, 0.05, 0.05, 0.025]
    assert isinstance(learner.optimiser, torch.optim.AdamW)
    steady = dataclasses.replace(SMALL, epochs=1)
    learner = make_learner(DESIGN, cache, a_task(cache, stream="audio"), steady)
    for number in range(1, 4):
        learner.epoch(number)
    assert learner.optimiser.param_groups[0]["lr"] == SMALL.learning_rate


def test_the_papers_preset():
    paper = DESIGN.presets["paper"]
    expected = {
        **{"hidden_size": 256, "num_layers": 2, "depth": 4, "num_heads": 4, "dropout": 0.2},
        **{"head_dropout": 0.3, "loss": "mse", "learning_rate": 1e-4, "weight_decay": 0.5},
        **{"halve_every": 10, "epochs": 100, "batch_size": 16, "max_grad_norm": 1.0},
        **{"keep": "best", "patience": 0, "validation_metric": "pcc", "validate": "answer"},
    }
    assert {name: getattr(paper, name) for name in expected} == expected


def test_it_trains_and_evaluates_through_the_command_lines(regression, tmp_path, capsys):
    out = tmp_path / "run"
    command = ["train", "--data", str(regression), "--agent", "reaction", "--out", str(out), *FAST]
    main([*command, "--preset", "paper", "--num-heads", "2", "--depth", "2"])
    assert "validation videos" in (text := capsys.readouterr().out) and "PCC" in text
    config = json.loads((out / "config.json").read_text())
    assert sorted(config["task"]["stream"].split("+")) == ["audio", "video"]
    main(["evaluate", str(out), "--data", str(regression), "--frames", "2", "--resamples", "20"])
    with (out / "evaluation.csv").open() as file:
        rows = {(row["ranking"], row["frames"]): row for row in csv.DictReader(file)}
    assert {("reaction", "2"), ("reaction", "free"), ("reaction-network", "all")} <= set(rows)


def test_bad_hyper_parameters(regression, planted):
    for text, cache, message in (
        ("loss=pcc", planted, "loss=pcc: is for regressions, but planted.h5 has classes"),
        ("num_heads=3", regression, "num_heads=3: must divide hidden_size=64"),
        ("depth=0", regression, "depth=0: must be at least 1"),
        ("head_dropout=1.0", regression, "head_dropout=1.0: must be in"),
    ):
        with pytest.raises(FrameSelectError, match=message):
            choice, opened = parse_agent(f"reaction@{text}"), open_cache(cache)
            make_reaction(opened, a_task(opened), choice.config)
