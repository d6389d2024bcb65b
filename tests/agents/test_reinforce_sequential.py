"""REINFORCE on Sequential: returns by hand, what a gradient is made of, and that it learns."""

import dataclasses

import numpy as np
import pytest
import torch

from agents.reinforce_sequential import DESIGN, Learner, SequentialReinforceConfig, returns_to_come
from agents.task import make_task
from agents.training import train
from agents.validation import Validation
from frame_select_env import FrameSelectError, open_cache

SMALL = SequentialReinforceConfig(
    hidden=16, batch_size=10, episodes=4, patience=0, learning_rate=0.01, average=0.9
)


def test_returns_to_come_by_hand():
    rewards = torch.tensor([[1.0, 0.0], [2.0, 0.0], [4.0, 3.0]])
    assert returns_to_come(rewards).tolist() == [[7.0, 3.0], [6.0, 3.0], [4.0, 3.0]]


@pytest.mark.parametrize("dense", [False, True])
def test_episodes_are_played_to_the_end_and_pay_what_the_environment_pays(planted, dense):
    cache = open_cache(planted)
    task = make_task(cache, planted, num_frames=10, select=3)
    learner = Learner(cache, task, dataclasses.replace(SMALL, dense=dense, chunk=3))
    videos = np.tile(learner.rows[:10], 4)
    states, actions, rewards = learner._play(videos)
    _, selected, cursor, going = states
    lengths = learner.table.length[learner.table.place(torch.from_numpy(videos))]
    assert torch.equal(going.sum(0), -(-lengths // 3))
    assert not rewards[~going].any()
    assert cursor[:, 0].tolist()[:2] == [0, 3]
    # What has been kept is what the observation says at the next decision.
    both = (going[:-1] & going[1:])[0]
    assert torch.equal(selected[1][both, 0] > 0, actions[0][both])
    if not dense:
        last = going & ~torch.cat([going[1:], torch.zeros_like(going[:1])])
        assert not rewards[~last].any() and rewards[last].any()


@pytest.mark.parametrize("encoder", ["frame", "video"])
def test_it_learns_where_the_key_frames_are_and_repeats_bit_for_bit(planted, encoder):
    cache = open_cache(planted)
    task = make_task(cache, planted, num_frames=14, select=4, seed=1, budget=5000)
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
        cache, planted, num_frames=8, select=2, budget=4000,
        reward=lambda facts: np.zeros(len(facts.selected)),
    )  # fmt: skip
    learner = Learner(cache, task, dataclasses.replace(SMALL, beta=1.0, anneal=False))
    figures = [learner.epoch(number) for number in range(1, 60)]
    lengths = learner.table.length.float()
    share = float((2 / lengths).clamp(max=1).mean())
    assert abs(figures[-1]["kept"] - share) < abs(figures[0]["kept"] - share)
    assert figures[-1]["kept"] == pytest.approx(share, abs=0.15)


def test_one_episode_has_nothing_to_be_compared_with():
    with pytest.raises(FrameSelectError, match="episodes=1: the leave-one-out baseline"):
        DESIGN.check(dataclasses.replace(SMALL, episodes=1))
