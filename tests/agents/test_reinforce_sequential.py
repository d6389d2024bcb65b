"""REINFORCE on Sequential: returns by hand, what a gradient is made of, and that it learns."""

import dataclasses

import numpy as np
import pytest
import torch

from agents.reinforce_sequential import (
    DESIGN,
    rewards_to_go,
)
from agents.training.task import make_task
from agents.training.trainer import make_learner, train
from agents.training.validation import Validation
from frame_select_env import FrameSelectError, open_cache

SMALL = dataclasses.replace(
    DESIGN.presets["tuned"],
    hidden_size=16,
    batch_size=10,
    episodes=4,
    patience=0,
    learning_rate=0.01,
    ema_decay=0.9,
)


def test_rewards_to_go_by_hand():
    rewards = torch.tensor([[1.0, 0.0], [2.0, 0.0], [4.0, 3.0]])
    assert rewards_to_go(rewards).tolist() == [[7.0, 3.0], [6.0, 3.0], [4.0, 3.0]]


@pytest.mark.parametrize("dense", [False, True])
def test_episodes_are_played_to_the_end_and_pay_what_the_environment_pays(planted, dense):
    cache = open_cache(planted)
    task = make_task(cache, planted, num_frames=10, target_frames=3)
    learner = make_learner(DESIGN, cache, task, dataclasses.replace(SMALL, dense=dense, chunk=3))
    videos = np.tile(learner.rows[:10], 4)
    states, actions, rewards = learner._play(videos)
    _, selected, cursor, going = states
    lengths = learner.table.length[learner.table.index(torch.from_numpy(videos))]
    assert torch.equal(going.sum(0), -(-lengths // 3))
    assert not rewards[~going].any()
    assert cursor[:, 0].tolist()[:2] == [0, 3]
    # What has been kept is what the observation says at the next decision.
    both = (going[:-1] & going[1:])[0]
    assert torch.equal(selected[1][both, 0] > 0, actions[0][both])
    if not dense:
        last = going & ~torch.cat([going[1:], torch.zeros_like(going[:1])])
        assert not rewards[~last].any() and rewards[last].any()


def test_the_baseline_is_of_the_same_videos_episodes(planted):
    """Paid by its label alone, no episode is better than another of its video: nothing moves."""
    cache = open_cache(planted)
    task = make_task(
        cache, planted, num_frames=8, target_frames=3, reward=lambda facts: 1.0 * facts.label
    )
    learner = make_learner(DESIGN, cache, task, dataclasses.replace(SMALL, episodes=2))
    videos = learner.rows[:10]
    assert len(set(cache.labels[videos])) == 4
    before = [value.clone() for value in learner.network.parameters()]
    for _ in range(3):
        learner.update(videos)
    assert all(map(torch.equal, before, learner.network.parameters()))


def test_the_gradient_points_to_the_paid_decision(planted):
    """With frame 0 paid whatever else is kept, it is soon kept more often."""
    cache = open_cache(planted)
    task = make_task(
        cache, planted, num_frames=8, target_frames=3,
        reward=lambda facts: 1.0 * facts.selected[:, 0],
    )  # fmt: skip
    learner = make_learner(DESIGN, cache, task, dataclasses.replace(SMALL, episodes=32))
    videos = learner.rows[:10]

    def kept():
        """The mean probability of keeping frame 0."""
        state = torch.from_numpy(videos), torch.zeros(10, 8), torch.zeros(10)
        with torch.no_grad():
            return torch.softmax(learner.network(learner.table, *state), dim=1)[:, 1].mean().item()

    before = kept()
    torch.manual_seed(0)
    for _ in range(20):
        learner.update(videos)
    assert kept() - before > 0.3


@pytest.mark.parametrize("bias", [-2.0, 2.0])
def test_an_entropy_bonus_draws_the_policy_to_one_half(planted, bias):
    cache = open_cache(planted)
    task = make_task(
        cache, planted, num_frames=8, target_frames=3,
        reward=lambda facts: np.zeros(len(facts.selected)),
    )  # fmt: skip
    learner = make_learner(
        DESIGN, cache, task, dataclasses.replace(SMALL, ent_coef=1.0, learning_rate=0.05)
    )
    with torch.no_grad():
        learner.network.head.bias.copy_(torch.tensor([0.0, bias]))
    figures = [learner.update(learner.rows[:10]) for _ in range(20)]
    # The entropy of 0.88 and 0.12 is 0.37; that of one half is log 2 = 0.69.
    assert figures[0]["entropy"] == pytest.approx(0.37, abs=0.07)
    assert figures[-1]["entropy"] == pytest.approx(np.log(2), abs=0.05)
    assert figures[-1]["kept"] == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("chunk", [1, 2])
def test_the_loss_of_a_policy_that_keeps_every_frame_alike_by_hand(planted, chunk):
    """Every decision is to keep with the probability 3/4, and each kept frame pays 1 at the end."""
    cache = open_cache(planted)
    task = make_task(
        cache, planted, num_frames=9, target_frames=4,
        reward=lambda facts: 1.0 * facts.selected.sum(axis=1),
    )  # fmt: skip
    config = dataclasses.replace(
        SMALL, beta=0.5, ent_coef=2.0, episodes=3, reward_scale=0.1, chunk=chunk
    )
    learner = make_learner(DESIGN, cache, task, config)
    with torch.no_grad():
        learner.network.head.weight.zero_()
        learner.network.head.bias.copy_(torch.tensor([0.0, np.log(3)]))
    played, play = [], learner._play
    learner._play = lambda videos: played.append(play(videos)) or played[0]
    videos = learner.rows[:10]
    figures = learner.update(videos)
    length = np.minimum(cache.lengths[videos], 9)
    (*_, active), actions, rewards = played[0]
    active, actions = active.numpy(), actions.numpy() & active.numpy()
    paid = rewards.numpy().sum(axis=0)  # of 30 episodes, three of each video
    decisions = active.sum(axis=0)
    np.testing.assert_array_equal(decisions, np.tile(-(-length // chunk), 3))
    if chunk == 1:
        np.testing.assert_array_equal(paid, actions.sum(axis=0))
    # Paid at the end, the reward to go is the same at every decision.
    by_video = paid.reshape(3, 10)
    advantage = 0.1 * (by_video - (by_video.sum(axis=0) - by_video) / 2).ravel()
    kept = actions.sum(axis=0)
    likelihood = kept * np.log(3 / 4) + (decisions - kept) * np.log(1 / 4)
    policy = -(advantage * likelihood).mean()
    entropy = -(3 / 4 * np.log(3 / 4) + 1 / 4 * np.log(1 / 4))
    sampling = np.abs(3 / 4 - np.minimum(4, length) / length).mean()
    assert figures["entropy"] == pytest.approx(entropy, rel=1e-5)
    assert figures["loss"] == pytest.approx(policy + 0.5 * sampling - 2 * entropy, rel=1e-4)
    assert figures["reward"] == pytest.approx(paid.mean())
    assert figures["kept"] == pytest.approx(kept.sum() / decisions.sum())
    assert (learner.episodes, learner.timesteps) == (30, decisions.sum())


@pytest.mark.parametrize(("anneal", "rates"), [(True, [0.4, 0.3, 0.1]), (False, [0.4] * 3)])
def test_the_step_size_falls_to_0_as_the_budget_is_spent(planted, anneal, rates):
    cache = open_cache(planted)
    task = make_task(cache, planted, num_frames=4, target_frames=2, budget=160)
    config = dataclasses.replace(SMALL, learning_rate=0.4, anneal_lr=anneal)
    learner = make_learner(DESIGN, cache, task, config)
    found = []
    learner.optimiser.register_step_pre_hook(
        lambda optimiser, *_: found.append(optimiser.param_groups[0]["lr"])
    )
    for _ in range(2):
        learner.update(learner.rows[:10])  # four episodes of each video: 0 and 40 of 160 are spent
    learner.episodes = 120
    learner.update(learner.rows[:10])
    np.testing.assert_allclose(found, rates)


@pytest.mark.parametrize("encoder", ["frame", "video"])
def test_it_learns_where_the_key_frames_are_and_repeats_bit_for_bit(planted, encoder):
    cache = open_cache(planted)
    task = make_task(cache, planted, num_frames=14, target_frames=4, seed=1, budget=5000)
    config = dataclasses.replace(SMALL, encoder=encoder)
    epochs = []
    agent = train(DESIGN, cache, task, config, epochs.append).agent
    assert epochs[-1].figures["reward"] > epochs[0].figures["reward"] + 0.5
    validation = Validation(cache, task)
    assert validation(agent)[1] > validation.all_frames[1] + 0.1
    short = dataclasses.replace(task, budget=500)
    one, two = (train(DESIGN, cache, short, config).agent for _ in range(2))
    for name, value in one.network.state_dict().items():
        assert torch.equal(value, two.network.state_dict()[name]), name


def test_l_sampling_draws_the_kept_share_to_m(planted):
    cache = open_cache(planted)
    task = make_task(
        cache, planted, num_frames=8, target_frames=2, budget=4000,
        reward=lambda facts: np.zeros(len(facts.selected)),
    )  # fmt: skip
    learner = make_learner(
        DESIGN, cache, task, dataclasses.replace(SMALL, beta=1.0, anneal_lr=False)
    )
    figures = [learner.epoch(number) for number in range(1, 60)]
    lengths = learner.table.length.float()
    share = float((2 / lengths).clamp(max=1).mean())
    assert abs(figures[-1]["kept"] - share) < abs(figures[0]["kept"] - share)
    assert figures[-1]["kept"] == pytest.approx(share, abs=0.15)


def test_one_episode_has_nothing_to_be_compared_with():
    with pytest.raises(FrameSelectError, match="episodes=1: the leave-one-out baseline"):
        DESIGN.check(dataclasses.replace(SMALL, episodes=1))
    DESIGN.check(dataclasses.replace(SMALL, episodes=2))
