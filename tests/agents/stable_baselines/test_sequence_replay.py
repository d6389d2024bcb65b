"""The replay buffer of whole stretches: n-step returns, samples, what is held and restored."""

import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3.common.buffers import NStepReplayBuffer

from agents.stable_baselines.replay import SequenceReplayBuffer

SPACES = (spaces.Box(0, 100, (1,), np.int32), spaces.Discrete(2))


def fill(buffer, steps: int, seed: int = 0, cut: bool = False) -> None:
    """Random transitions of three environments; observations count up."""
    rng = np.random.default_rng(seed)
    for step in range(steps):
        done = rng.random(3) < 0.3
        truncated = done & (rng.random(3) < 0.3)
        buffer.add(
            np.full((3, 1), step), np.full((3, 1), step + 1), rng.integers(0, 2, (3, 1)),
            rng.normal(size=3), done, [{"TimeLimit.truncated": bool(t)} for t in truncated],
        )  # fmt: skip


@pytest.mark.parametrize("steps", [15, 20, 47])
def test_n_step_returns_are_those_of_sb3(steps):
    """On the same transitions, before the buffer is full and after it has wrapped around."""
    keywords = {"device": "cpu", "n_envs": 3}
    ours = SequenceReplayBuffer(60, *SPACES, n_steps=4, sequence_length=5, **keywords)
    theirs = NStepReplayBuffer(60, *SPACES, n_steps=4, gamma=1.0, **keywords)
    for buffer in (ours, theirs):
        fill(buffer, steps)
    size, oldest = ours.size(), ours.oldest()
    for slot in range(3):
        age = np.arange(size)
        got = ours.transitions(age, np.full(size, slot))
        draw, np.random.randint = np.random.randint, lambda *_, size, at=slot: np.full(size, at)
        try:
            expected = theirs._get_samples((oldest + age) % theirs.buffer_size)
        finally:
            np.random.randint = draw
        for name in ("observations", "actions", "next_observations", "dones"):
            torch.testing.assert_close(getattr(got, name), getattr(expected, name))
        torch.testing.assert_close(got.rewards, expected.rewards, rtol=1e-5, atol=1e-6)


def test_a_return_by_hand_stops_at_the_end_and_at_a_cut():
    buffer = SequenceReplayBuffer(8, *SPACES, n_steps=3, device="cpu", n_envs=1)
    assert buffer.sequence_length == 1
    for step, (reward, done) in enumerate([(1, 0), (2, 0), (4, 1), (8, 0), (16, 0)]):
        buffer.add(
            np.array([[step]]), np.array([[step + 1]]), np.array([[0]]),
            np.array([reward]), np.array([bool(done)]), [{}],
        )  # fmt: skip
    buffer.truncate()
    got = buffer.transitions(np.arange(5), np.zeros(5, int))
    # 1 + 2 + 4 ends, 2 + 4 ends, 4 ends; 8 + 16 is cut off, so it bootstraps from frame 5.
    assert got.rewards[:, 0].tolist() == [7, 6, 4, 24, 16]
    assert got.dones[:, 0].tolist() == [1, 1, 1, 0, 0]
    assert got.next_observations[:, 0].tolist() == [3, 3, 3, 5, 5]
    # What comes after the cut is not added up.
    buffer.add(np.array([[9]]), np.array([[10]]), np.array([[0]]), np.array([32.0]), [False], [{}])
    assert buffer.transitions(np.array([3]), np.array([0])).rewards.item() == 24


def test_a_sample_is_of_whole_stretches():
    buffer = SequenceReplayBuffer(60, *SPACES, sequence_length=5, device="cpu", n_envs=3)
    fill(buffer, 20)
    np.random.seed(0)
    sample = buffer.sample(42)  # eight whole ones
    stretches = sample.observations.reshape(8, 5)
    assert ((stretches[:, 1:] - stretches[:, :-1]) % 20 == 1).all()


@pytest.mark.parametrize("size", [1, 4, 5, 9, 10])
def test_a_sample_has_at_least_one_sequence_and_no_more_than_was_asked(size):
    buffer = SequenceReplayBuffer(60, *SPACES, sequence_length=5, device="cpu", n_envs=3)
    fill(buffer, 20)
    assert len(buffer.sample(size).observations) == (10 if size == 10 else 5)


@pytest.mark.parametrize("steps", [1, 13, 20, 33])
def test_every_transition_is_sampled_and_a_restored_buffer_samples_the_same(steps):
    keywords = {"sequence_length": 2, "n_steps": 3, "device": "cpu", "n_envs": 3}
    buffer, again = (SequenceReplayBuffer(60, *SPACES, **keywords) for _ in range(2))
    fill(buffer, steps)
    again.load_state_dict(buffer.state_dict())
    samples = []
    for one in (buffer, again):
        np.random.seed(0)
        samples.append(one.sample(2000))
    for name in ("observations", "actions", "next_observations", "dones", "rewards"):
        assert torch.equal(*(getattr(sample, name) for sample in samples)), name
    held = range(max(0, steps - 20), steps)  # 60 transitions are 20 of each environment
    assert set(samples[0].observations[:, 0].tolist()) == set(held)
    # And of every environment: their rewards differ.
    alone = samples[0].rewards[samples[0].observations[:, 0] == held[-1], 0]
    assert len(set(alone.tolist())) == 3
    for one in (buffer, again):  # it goes on at the same place
        fill(one, 3, seed=1)
    assert again.pos == buffer.pos and again.full == buffer.full
    assert np.array_equal(again.observations, buffer.observations)


def test_a_full_buffer_begins_with_its_oldest_transition():
    buffer = SequenceReplayBuffer(4, *SPACES, sequence_length=4, n_steps=3, device="cpu", n_envs=1)
    for step in range(6):  # the rewards are 1, 2, 4, ...; no episode ends
        buffer.add(
            np.array([[step]]), np.array([[step + 1]]), np.array([[0]]),
            np.array([2.0**step]), np.array([False]), [{}],
        )  # fmt: skip
    np.random.seed(0)
    sample = buffer.sample(160)
    seen, paid, following = (
        part[:, 0].tolist()
        for part in (sample.observations, sample.rewards, sample.next_observations)
    )
    # 2 to 5 are held. A return stops at the newest one, which the oldest does not follow.
    assert set(zip(seen, paid, following, strict=True)) == {
        *((2, 4 + 8 + 16, 5), (3, 8 + 16 + 32, 6), (4, 16 + 32, 6), (5, 32, 6))
    }
    stretches = {tuple(seen[first : first + 4]) for first in range(0, 160, 4)}
    assert stretches == {(2, 3, 4, 5), (3, 4, 5, 2), (4, 5, 2, 3), (5, 2, 3, 4)}
    assert sample.dones.sum() == 0 and (sample.discounts == 1).all()
