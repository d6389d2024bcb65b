"""Soft attention: its loss by hand, its free choice, and that it learns the key frames."""

import dataclasses

import numpy as np
import pytest
import torch

from agents.networks.frame_scorer import FrameScorer
from agents.soft_attention import (
    DESIGN,
    SoftAttentionAgent,
    attention,
    attention_loss,
)
from agents.training.task import make_task
from agents.training.trainer import make_learner, train
from agents.training.validation import Validation
from frame_select_env import Clips, open_cache

SMALL = dataclasses.replace(
    DESIGN.presets["tuned"],
    hidden_size=12,
    epochs=25,
    batch_size=10,
    learning_rate=0.01,
    patience=0,
)


def test_attention_sums_to_one_over_valid_frames():
    logits = torch.log(torch.tensor([[1.0, 3.0, 100.0], [1.0, 1.0, 2.0]]))
    valid = torch.tensor([[True, True, False], [True, True, True]])
    expected = [[0.25, 0.75, 0.0], [0.25, 0.25, 0.5]]
    torch.testing.assert_close(attention(logits, valid), torch.tensor(expected))


def test_the_loss_is_the_cross_entropy_of_the_weighted_mean_by_hand():
    weights = torch.tensor([[0.25, 0.75]])
    predictions = torch.tensor([[[0.8, 0.2], [0.4, 0.6]]])
    # p1 of class 1: 0.25 * 0.2 + 0.75 * 0.6 = 0.5.
    loss = attention_loss(weights, predictions, torch.tensor([1]))
    assert loss.item() == pytest.approx(np.log(2))
    # Regression: |0.5 - 1| and |0.5 - 0.5| are 0.25 on average, |0.5 + 1| and |0.5 - 3| are 2.
    loss = attention_loss(weights, predictions, torch.tensor([[1.0, 0.5]]))
    assert loss.item() == pytest.approx(0.25)
    loss = attention_loss(weights, predictions, torch.tensor([[-1.0, 3.0]]))
    assert loss.item() == pytest.approx(2.0)


def test_a_probability_of_nothing_is_a_millionth():
    weights, predictions = torch.ones(1, 1), torch.tensor([[[1.0, 0.0]]])
    loss = attention_loss(weights, predictions, torch.tensor([1]))
    assert loss.item() == pytest.approx(-np.log(1e-6))


def test_equal_weights_attend_to_every_frame(planted):
    """Then the loss is the cross-entropy of the mean of all frames."""
    cache = open_cache(planted)
    learner = make_learner(DESIGN, cache, make_task(cache, planted), SMALL)
    with torch.no_grad():
        learner.network.head.weight.zero_()
    videos = learner.rows[3:13]
    figures = learner.update(videos)
    assert figures["attended_frames"] == pytest.approx(cache.lengths[videos].mean(), rel=1e-5)
    clips = cache.read(videos)
    mean = clips.predictions.sum(axis=1) / clips.valid.sum(axis=1, keepdims=True)
    own = mean[np.arange(10), cache.labels[videos]]
    assert figures["loss"] == pytest.approx(-np.log(own).mean(), rel=1e-4)


class FixedScorer(FrameScorer):
    """A network whose logits are its first feature."""

    def forward(self, features, predictions, valid):
        return features[..., 0].float()


def test_the_free_choice_are_the_frames_with_more_than_their_share():
    agent = SoftAttentionAgent("fixed", FixedScorer(1, 1))
    features = np.log(np.float32([[[4.0], [1.0], [2.0]], [[1.0], [1.0], [9.0]]]))
    valid = np.array([[True, True, True], [True, True, False]])
    clips = Clips(features, np.zeros((2, 3, 1), np.float32), valid, np.zeros((2, 3)), np.arange(2))
    # Weights 4/7, 1/7, 2/7 against 1/3; equal weights all have their share.
    assert agent.select(clips).tolist() == [[True, False, False], [True, True, False]]


def test_equal_frames_all_have_their_share_whatever_their_number():
    """Although 1 / L of float32 may be less than 1 / L of float64."""
    agent = SoftAttentionAgent("fixed", FixedScorer(1, 1))
    valid = np.arange(30) < np.arange(1, 31)[:, None]
    none = np.zeros((30, 30, 1), np.float32)
    clips = Clips(none, none, valid, np.zeros((30, 30)), np.arange(30))
    assert np.array_equal(agent.select(clips), valid)
    # A frame just below its share is not chosen: of 3 e^-0.001, 1, 1.
    logits = np.float32([[[-1e-3], [0.0], [0.0]]])
    clips = Clips(logits, logits, np.ones((1, 3), bool), np.zeros((1, 3)), np.arange(1))
    assert agent.select(clips).tolist() == [[False, True, True]]


def test_it_learns_where_the_key_frames_are_and_repeats_bit_for_bit(planted):
    cache = open_cache(planted)
    task = make_task(cache, planted, num_frames=14, target_frames=4, seed=1)
    epochs = []
    agent = train(DESIGN, cache, task, SMALL, epochs.append).agent
    assert epochs[-1].figures["loss"] < epochs[0].figures["loss"] - 0.2
    assert epochs[-1].episodes == 0  # the environment scored nothing
    validation = Validation(cache, task)
    assert validation(agent)[1] > validation.all_frames[1] + 0.1
    again = train(DESIGN, cache, task, SMALL).agent
    for name, value in agent.network.state_dict().items():
        assert torch.equal(value, again.network.state_dict()[name]), name


def test_regression_learns_from_its_error(regression):
    cache = open_cache(regression)
    task = make_task(
        cache, regression, stream="video", reward="delta_error", num_frames=4, target_frames=2
    )
    config = dataclasses.replace(SMALL, batch_size=8)
    learner = make_learner(DESIGN, cache, task, config)
    losses = [learner.epoch(number)["loss"] for number in range(1, 26)]
    assert losses[-1] < losses[0]
