"""Prioritised replay: how often sequences are drawn, weights by hand, what a run makes of it."""

import dataclasses

import numpy as np
import pytest
import torch
from gymnasium import spaces

from agents.registry import parse_agent
from agents.stable_baselines.prioritized_replay import PrioritizedReplayBuffer
from agents.stable_baselines.replay import SequenceReplayBuffer
from agents.training.task import make_task, seeded
from agents.training.trainer import make_learner
from frame_select_env import open_cache

SPACES = (spaces.Box(0, 100, (1,), np.int32), spaces.Discrete(2))


def fill(buffer, steps, first=0):
    """Transitions of all environments; observations count up, rewards are 100 env + step."""
    count = buffer.n_envs
    for step in range(first, first + steps):
        buffer.add(
            np.full((count, 1), step), np.full((count, 1), step + 1), np.zeros((count, 1)),
            100.0 * np.arange(count) + step, np.zeros(count, bool), [{}] * count,
        )  # fmt: skip
    return buffer


def make(size=6, n_envs=2, **keywords):
    chosen = {"sequence_length": 2, "alpha": 1.0, "beta": 1.0, "eps": 0.0, **keywords}
    return PrioritizedReplayBuffer(size, *SPACES, device="cpu", n_envs=n_envs, **chosen)


def sequences(sample, length):
    """The rewards of each sequence of a sample, which name its transitions."""
    return [tuple(one) for one in sample.rewards[:, 0].reshape(-1, length).tolist()]


def test_sequences_are_as_often_as_the_mean_of_their_priorities():
    buffer = fill(make(), 3)
    places = np.array([0, 1, 2, 0, 1, 2]), np.array([0, 0, 0, 1, 1, 1])
    buffer.update_priorities(places, np.array([1.0, -2.0, 3.0, 4.0, 0.0, 6.0]))
    np.random.seed(0)
    sample = buffer.sample(20_000)
    drawn = sequences(sample, 2)
    # The sum is 16. After the newest transition comes the oldest.
    means = {
        **{(0, 1): 1.5, (1, 2): 2.5, (2, 0): 2.0},
        **{(100, 101): 2.0, (101, 102): 3.0, (102, 100): 5.0},
    }
    assert set(drawn) == set(means)
    for pair, mean in means.items():
        assert drawn.count(pair) / len(drawn) == pytest.approx(mean / 16, abs=0.012)
    # 1 / (6 P) over the largest, that of the rarest sequence: 1.5 / mean.
    for pair, weight in zip(drawn, sample.weights[::2, 0].tolist(), strict=True):
        assert weight == pytest.approx(1.5 / means[pair], rel=1e-6)
    assert torch.equal(sample.weights[::2], sample.weights[1::2])


def test_alpha_is_the_exponent_of_errors_and_beta_that_of_weights():
    buffer = fill(make(4, 1, sequence_length=1, alpha=0.5, beta=0.25), 2)
    buffer.update_priorities((np.array([0, 1]), np.zeros(2, int)), np.array([9.0, 1.0]))
    assert buffer.priorities[:2, 0].tolist() == [3, 1]
    np.random.seed(0)
    sample = buffer.sample(4000)
    first = sample.rewards[:, 0] == 0
    assert first.float().mean().item() == pytest.approx(3 / 4, abs=0.02)
    # (2 P)^-1/4 over the largest: (1 / 3)^1/4 and 1.
    np.testing.assert_allclose(sample.weights[first], 3**-0.25, rtol=1e-6)
    assert (sample.weights[~first] == 1).all()


def test_a_weighted_batch_is_unbiased_where_beta_is_1():
    """Its weighted mean estimates that of the uniform buffer, whatever the priorities."""
    buffer = fill(make(20, 1, sequence_length=3), 20)
    buffer.update_priorities(
        (np.arange(20), np.zeros(20, int)), np.random.default_rng(1).uniform(0.1, 5, 20)
    )
    np.random.seed(0)
    sample = buffer.sample(60_000)
    weights = sample.weights / sample.weights.mean()
    mean = (weights * sample.rewards).mean().item()
    assert mean == pytest.approx(np.arange(20).mean(), abs=0.1)
    assert abs(sample.rewards.mean().item() - np.arange(20).mean()) > 0.3


def test_new_transitions_have_the_highest_priority_so_far_and_replace_the_oldest():
    buffer = fill(make(4, 1), 4)
    assert buffer.priorities[:, 0].tolist() == [1, 1, 1, 1]
    buffer.update_priorities((np.array([1, 2]), np.zeros(2, int)), np.array([5.0, 0.5]))
    buffer.update_priorities((np.array([1]), np.zeros(1, int)), np.array([2.0]))
    fill(buffer, 1, first=4)
    assert buffer.priorities[:, 0].tolist() == [5, 2, 0.5, 1] and buffer.pos == 1
    # Only the newest, at index 0, may be drawn: it is the last of a sequence, or the first of one
    # that goes on with the oldest.
    buffer.update_priorities((np.arange(4), np.zeros(4, int)), np.array([1.0, 0, 0, 0]))
    np.random.seed(0)
    assert set(sequences(buffer.sample(80), 2)) == {(3, 4), (4, 1)}


def test_equal_priorities_have_equal_weights_and_a_restored_buffer_samples_the_same():
    buffer, again = fill(make(alpha=0.6, beta=0.4), 5), make(alpha=0.6, beta=0.4)
    np.random.seed(0)
    assert (buffer.sample(100).weights == 1).all()
    buffer.update_priorities((np.array([0, 1]), np.array([1, 0])), np.array([3.0, 0.01]))
    again.load_state_dict(buffer.state_dict())
    for steps in (0, 2):  # also after it has gone on
        samples = []
        for one in (buffer, again):
            fill(one, steps, first=5)
            np.random.seed(1)
            samples.append(one.sample(40))
        assert torch.equal(samples[0].rewards, samples[1].rewards)
        assert torch.equal(samples[0].weights, samples[1].weights)
    assert again.highest == buffer.highest == pytest.approx(3.0**0.6)


def test_uniform_samples_weigh_1_and_take_no_note_of_errors():
    buffer = SequenceReplayBuffer(6, *SPACES, sequence_length=2, device="cpu", n_envs=2)
    fill(buffer, 3)
    sample = buffer.sample(8)
    assert sample.weights.shape == (8, 1) and (sample.weights == 1).all()
    index, slots = sample.places
    found = buffer.rewards[index, slots]
    assert np.array_equal(found, sample.rewards[:, 0])  # where the transitions are
    before = buffer.state_dict()
    buffer.update_priorities(sample.places, np.full(8, 9.0))
    assert before.keys() == buffer.state_dict().keys()


def test_a_run_sets_priorities_from_td_errors_and_anneals_beta(planted):
    cache = open_cache(planted)
    task = make_task(cache, planted, num_frames=8, target_frames=3, budget=400)
    choice = parse_agent("dqn-pick@prioritized_replay=true,prioritized_replay_beta0=0.2")
    small = {"hidden_size": 8, "num_envs": 8, "batch_size": 48, "learning_starts": 30}
    config = dataclasses.replace(choice.config, **small, prioritized_replay_alpha=1.0)
    with seeded(task):
        learner = make_learner(choice.design, cache, task, config)
    buffer, found = learner.buffer, []
    update = buffer.update_priorities

    def listen(places, errors):
        update(places, errors)
        # A transition may be drawn twice; dropout makes two errors of it, of which one stays.
        kept = np.abs(buffer.priorities[places] - np.abs(errors)) < 1e-4
        found.append((kept.mean(), len(errors), buffer.beta))

    buffer.update_priorities = listen
    with seeded(task, 1):
        learner.epoch(1)
    share, sizes, betas = zip(*found, strict=True)
    assert len(found) == learner.updates > 3 and min(share) > 0.5
    assert set(sizes) == {48}  # six sequences of eight
    assert betas == tuple(sorted(betas)) and 0.2 < betas[0] < betas[-1] < 1
    assert buffer.beta == pytest.approx(0.2 + 0.8 * learner.progress())
