"""Factored Q-learning: its value and its memory by hand, and that it learns the key frames."""

import dataclasses

import numpy as np
import pytest
import torch

from agents.q_factored import DESIGN, Memory, QFactoredConfig, factored_value
from agents.training.task import make_task
from agents.training.trainer import make_learner, train
from agents.training.validation import Validation
from frame_select_env import FrameSelectError, open_cache

SMALL = QFactoredConfig(
    hidden_size=12,
    batch_size=10,
    dropout=0.0,
    patience=0,
    learning_rate=0.01,
    exploration_final_eps=0.1,
)


def test_the_value_of_a_selection_is_the_sum_over_frames_by_hand():
    keep = torch.tensor([[1.0, -2.0, 0.5]])
    discard = torch.tensor([[0.5, 0.25, -1.0]])
    selected = torch.tensor([[[True, False, True]], [[False, False, False]]])
    values = factored_value(keep - discard, discard.sum(1), selected)
    # Q_t(keep) of frames 0 and 2 and Q_t(discard) of frame 1; then all discarded.
    assert values[:, 0].tolist() == [1.0 + 0.25 + 0.5, 0.5 + 0.25 - 1.0]


def test_the_memory_holds_the_last_selections_of_each_video():
    memory = Memory(videos=3, size=4, frames=1)
    for first in (0.0, 10.0, 20.0):
        reward = torch.tensor([[first], [first + 1]])
        memory.add(torch.tensor([1]), torch.ones(2, 1, 1, dtype=torch.bool), reward)
    memory.add(torch.tensor([2]), torch.zeros(2, 1, 1, dtype=torch.bool), torch.zeros(2, 1))
    selected, reward, known = memory(torch.tensor([1, 2]))
    assert sorted(reward[:, 0].tolist()) == [10, 11, 20, 21]
    assert known.tolist() == [[True, True], [True, True], [True, False], [True, False]]
    assert selected[:, 0].all() and not selected[:2, 1].any()


def test_a_restored_memory_holds_the_same():
    memory, again = (Memory(videos=3, size=4, frames=2) for _ in range(2))
    rng = torch.Generator().manual_seed(0)
    index = torch.tensor([2, 0])
    memory.add(index, torch.rand(3, 2, 2, generator=rng) < 0.5, torch.rand(3, 2, generator=rng))
    again.load_state_dict(memory.state_dict())
    for one, other in zip(memory(index), again(index), strict=True):
        assert torch.equal(one, other)


def test_the_loss_by_hand(planted):
    """Q_t(keep) is 3 and Q_t(discard) 2 in every frame; every selection earns 4, scaled by 1/2."""
    cache = open_cache(planted)
    task = make_task(
        cache, planted, num_frames=9, target_frames=4,
        reward=lambda facts: 4.0 + 0 * facts.selected.sum(axis=1),
    )  # fmt: skip
    config = dataclasses.replace(SMALL, reward_scale=0.5, episodes=3, exploration_initial_eps=1.0)
    learner = make_learner(DESIGN, cache, task, config)
    with torch.no_grad():
        for layer, value in ((learner.network.head, 1.0), (learner.discard, 2.0)):
            layer.weight.zero_()
            layer.bias.fill_(value)
    played, step = [], learner.env.step
    learner.env.step = lambda actions: played.append(actions) or step(actions)
    videos = learner.rows[:10]
    figures = learner.update(videos)
    length = np.minimum(cache.lengths[videos], 9)
    kept = played[0].reshape(3, 10, 9).sum(axis=2)
    assert (kept <= length).all()  # padding is never chosen
    # The Huber loss of an error e of at least 1 is |e| - 1/2; here e is at least 2 * 3 - 2.
    assert figures["loss"] == pytest.approx((2 * length + kept - 4 / 2 - 1 / 2).mean(), rel=1e-5)
    assert figures["reward"] == 4.0
    assert figures["kept"] == pytest.approx(kept.sum() / (3 * length.sum()))
    assert (learner.episodes, learner.timesteps) == (30, 30)
    # What is remembered is fitted again with what is new.
    learner.update(videos)
    _, earned, known = learner.memory(learner.table.index(torch.from_numpy(videos)))
    assert earned.tolist() == [[2.0] * 10] * 6 and known.all()


def test_it_fits_a_reward_that_is_a_sum_over_frames(planted):
    """Each kept frame of even number pays 1: then Q_t(keep) - Q_t(discard) is 1 there, 0 else."""
    cache = open_cache(planted)
    task = make_task(
        cache, planted, num_frames=4, target_frames=2, budget=10**6,
        reward=lambda facts: facts.selected[:, ::2].sum(axis=1),
    )  # fmt: skip
    config = dataclasses.replace(SMALL, reward_scale=1.0, exploration_final_eps=1.0, ema_decay=0.0)
    learner = make_learner(DESIGN, cache, task, config)
    torch.manual_seed(0)
    for number in range(1, 101):
        learner.epoch(number)
    advantage = learner.network(*learner.table(learner.rows)).detach().mean(0)
    np.testing.assert_allclose(advantage, [1, 0, 1, 0], atol=0.25)


@pytest.mark.parametrize(
    ("bias", "epsilon", "kept"),
    [
        # Greedily, a frame is kept if that is better: not if it is as good.
        *((1.0, 0.0, 1.0), (0.0, 0.0, 0.0), (-1.0, 0.0, 0.0)),
        # With the probability epsilon a coin decides: 1 - 1/2 + 1/4, 1/4, 1/2.
        *((1.0, 0.5, 0.75), (-1.0, 0.5, 0.25), (1.0, 1.0, 0.5)),
    ],
)
def test_a_frame_is_kept_if_that_is_better_or_else_at_random(planted, bias, epsilon, kept):
    cache = open_cache(planted)
    config = dataclasses.replace(
        SMALL,
        episodes=100,
        memory=100,
        exploration_initial_eps=epsilon,
        exploration_final_eps=epsilon,
    )
    learner = make_learner(DESIGN, cache, make_task(cache, planted), config)
    with torch.no_grad():  # Q_t(keep) - Q_t(discard) is the bias, in every frame
        learner.network.head.weight.zero_()
        learner.network.head.bias.fill_(bias)
    torch.manual_seed(0)
    figures = learner.update(learner.rows[:10])
    assert figures["exploration_rate"] == epsilon
    assert figures["kept"] == pytest.approx(kept, abs=0.03 if epsilon else 0.0)


def test_it_learns_where_the_key_frames_are_and_repeats_bit_for_bit(planted):
    cache = open_cache(planted)
    task = make_task(cache, planted, num_frames=14, target_frames=4, seed=1, budget=7000)
    epochs = []
    agent = train(DESIGN, cache, task, SMALL, epochs.append).agent
    assert (
        epochs[0].figures["exploration_rate"] > 0.9
        and epochs[-1].figures["exploration_rate"] < 0.11
    )
    validation = Validation(cache, task)
    assert validation(agent)[1] > validation.all_frames[1] + 0.1
    again = train(DESIGN, cache, task, SMALL).agent
    for name, value in agent.network.state_dict().items():
        assert torch.equal(value, again.network.state_dict()[name]), name


def test_hyper_parameters_that_make_no_sense():
    with pytest.raises(FrameSelectError, match="memory=3: must be at least episodes, 4"):
        DESIGN.check(dataclasses.replace(SMALL, memory=3))
    DESIGN.check(dataclasses.replace(SMALL, memory=4))
