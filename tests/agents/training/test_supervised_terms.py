"""Imitation of the oracle and the list-wise loss: by hand, and what a run does with them."""

import dataclasses

import numpy as np
import pytest
import torch

from agents.networks.feature_table import FeatureTable
from agents.reinforce import DESIGN
from agents.training.supervised_terms import FrameTargets, imitation_loss, listwise_loss, support
from agents.training.task import make_task
from agents.training.trainer import make_learner, train
from baselines import Oracle
from frame_select_env import open_cache, top_frames

SMALL = dataclasses.replace(
    DESIGN.presets["tuned"], hidden_size=12, epochs=3, batch_size=10, dropout=0.0
)


def test_what_a_frame_says_for_the_label_by_hand():
    told = np.array([[[0.2, 0.8], [1.0, 0.0]]], np.float32)
    np.testing.assert_allclose(support(told, np.array([1]))[0, 0], np.log(0.8), rtol=1e-6)
    assert np.isfinite(support(told, np.array([1]))).all()  # of probability 0 too
    values = np.array([[[1.0, 4.0], [2.0, 2.0]]])
    np.testing.assert_allclose(support(values, np.array([[2.0, 2.0]])), [[-1.5, 0.0]])


def test_the_imitation_loss_by_hand():
    logits, valid = torch.tensor([[0.0, np.log(3.0), 9.0]]), torch.tensor([[True, True, False]])
    picked = torch.tensor([[True, False, False]])
    # Keeping with probability 1/2 what is picked, and with 3/4 what is not.
    assert imitation_loss(logits, picked, valid).item() == pytest.approx(np.log(8) / 2)


def test_the_list_wise_loss_by_hand_and_its_least_value_is_the_entropy():
    valid = torch.tensor([[True, True, False]])
    relevance = torch.tensor([[np.log(0.6), np.log(0.2), -np.inf]])  # 3/4 and 1/4
    flat = torch.zeros(1, 3)
    assert listwise_loss(flat, relevance, valid).item() == pytest.approx(np.log(2))
    entropy = -(0.75 * np.log(0.75) + 0.25 * np.log(0.25))
    assert listwise_loss(relevance.clamp(min=-9) + 5, relevance, valid).item() == pytest.approx(
        entropy
    )


@pytest.mark.parametrize("kind", ["planted", "viewed"])
def test_the_targets_are_those_of_the_table_s_entries(kind, request):
    path = request.getfixturevalue(kind)
    cache = open_cache(path)
    more = {"stream": "rgb", "view": "random"} if kind == "viewed" else {}
    task = make_task(cache, path, num_frames=6, target_frames=2, **more)
    table = FeatureTable.read(
        cache, task.fit_rows, 6, task.fold, task.stream, task.device, task.view
    )
    targets = FrameTargets(cache, task, table)
    entries = table.draw(task.fit_rows[[3, 0]], np.random.default_rng(0))
    picked, relevance = targets(entries)
    for place, row in enumerate(table.rows(entries)):
        view = entries[place] % table.views if table.views > 1 else None
        clips = cache.read(
            np.array([row]), 6, stream=task.stream, view=None if view is None else np.array([view])
        )
        label = cache.labels[[row]]
        best = top_frames(Oracle().scores(clips, label=label), clips.valid, 2)
        assert picked[place].tolist() == best[0].tolist()
        own = np.where(clips.valid, support(clips.predictions, label), -np.inf)
        np.testing.assert_allclose(relevance[place].numpy(), own[0], rtol=1e-5)


def test_the_first_epochs_cost_no_episodes_and_teach_the_oracles_frames(planted):
    cache = open_cache(planted)
    task = make_task(cache, planted, num_frames=14, target_frames=4)
    config = dataclasses.replace(
        SMALL, warm_start=12, epochs=13, learning_rate=0.01, keep="last", patience=0
    )
    epochs = []
    trained = train(DESIGN, cache, task, config, epochs.append)
    assert [epoch.episodes for epoch in epochs[:12]] == [0] * 12
    assert epochs[12].episodes == len(task.fit_rows) // 10 * 10 * config.episodes
    assert epochs[11].figures["loss"] < epochs[0].figures["loss"] - 0.1
    clips = cache.read(cache.rows("test"), 14)
    key = cache.read_frames("importance", cache.rows("test"), 14) > 0
    best = trained.agent.scores(clips).argmax(1)
    assert key[np.arange(len(best)), best].mean() > 0.8


def test_the_list_wise_term_is_added_with_its_coefficient(planted):
    cache = open_cache(planted)
    task = make_task(cache, planted, num_frames=8, target_frames=3)
    losses = []
    for coefficient in (0.0, 1.0, 3.0):
        config = dataclasses.replace(SMALL, listwise_coef=coefficient)
        learner = make_learner(DESIGN, cache, task, config)
        torch.manual_seed(0)
        losses.append(float(learner.update(task.fit_rows[:10])["loss"]))
    assert losses[1] > losses[0]
    assert losses[2] - losses[0] == pytest.approx(3 * (losses[1] - losses[0]), rel=1e-4)
