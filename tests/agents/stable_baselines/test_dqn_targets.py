"""What Q is regressed on: every target by hand, masks, and SB3's own update to the bit."""

import dataclasses
import types

import numpy as np
import pytest
import torch
from stable_baselines3 import DQN
from stable_baselines3.common.type_aliases import ReplayBufferSamples

from agents.networks.frame_set import FORBIDDEN
from agents.registry import parse_agent
from agents.stable_baselines.dqn_targets import (
    double_targets,
    munchausen_targets,
    plain_targets,
)
from agents.training.task import make_task, seeded
from agents.training.trainer import make_learner
from frame_select_env import FrameSelectError, open_cache

SMALL = {
    **{"hidden_size": 8, "num_envs": 8, "batch_size": 48, "learning_starts": 30},
    **{"episodes": 1, "gradient_steps": 2, "dropout": 0.2},
}


def batch(rewards, dones, actions, discounts=None):
    """Transitions from the states 0, 1, ... to the states 10, 11, ..."""
    column = torch.tensor(rewards, dtype=torch.float32)[:, None]
    states = torch.arange(len(rewards))
    return ReplayBufferSamples(
        states,
        torch.tensor(actions)[:, None],
        states + 10,
        torch.tensor(dones, dtype=torch.float32)[:, None],
        column,
        torch.ones_like(column) if discounts is None else torch.tensor(discounts)[:, None],
    )


def table(values):
    """Q-values by state."""
    return lambda states: torch.stack([torch.tensor(values[int(state)]) for state in states])


TARGET = table({10: [1.0, 3.0, 2.0], 11: [7.0, 8.0, 9.0]})
ONLINE = table({10: [5.0, 0.0, 6.0], 11: [9.0, 0.0, 0.0]})


def test_plain_and_double_targets_by_hand():
    transitions = batch([0.5, 4.0], [0, 1], [0, 0])
    # The largest is 3; the online network prefers action 2, worth 2. The second episode is over.
    assert plain_targets(transitions, TARGET, ONLINE)[:, 0].tolist() == [3.5, 4.0]
    assert double_targets(transitions, TARGET, ONLINE)[:, 0].tolist() == [2.5, 4.0]
    halved = batch([0.5], [0], [0], [0.5])
    assert double_targets(halved, TARGET, ONLINE).item() == 0.5 + 0.5 * 2


def test_an_action_that_is_not_legal_is_never_bootstrapped_from():
    target = table({10: [FORBIDDEN, 3.0, FORBIDDEN, 2.0]})
    online = table({10: [FORBIDDEN, -2.0, FORBIDDEN, -1.0]})
    transitions = batch([0.5], [0], [0])
    assert plain_targets(transitions, target, online).item() == 3.5
    assert double_targets(transitions, target, online).item() == 2.5


def test_munchausen_targets_by_hand():
    # With tau = 1 the policy at state 0 is (1, 3) / 4; the soft value of state 10 is log(2 + 6).
    log = np.log
    target = table({0: [log(1.0), log(3.0)], 1: [0.0, 0.0], 10: [log(2.0), log(6.0)], 11: [9, 9.0]})
    transitions = batch([0.5, 4.0], [0, 1], [1, 0])
    found = munchausen_targets(transitions, target, ONLINE, alpha=0.9, tau=1.0, clip=-10.0)
    expected = [0.5 + 0.9 * log(3 / 4) + log(8), 4 + 0.9 * log(1 / 2)]
    np.testing.assert_allclose(found[:, 0].numpy(), expected, rtol=1e-6)
    # log(1 / 4) is less than the clip.
    clipped = munchausen_targets(batch([0.5], [0], [0]), target, ONLINE, 0.9, 1.0, clip=-1.0)
    np.testing.assert_allclose(clipped.item(), 0.5 - 0.9 + log(8), rtol=1e-6)
    # The sum over actions as the paper writes it, at another temperature.
    tau, values = 0.25, np.array([log(2.0), log(6.0)])
    policy = np.exp(values / tau) / np.exp(values / tau).sum()
    soft = (policy * (values - tau * log(policy))).sum()
    alone = munchausen_targets(batch([0.5], [0], [1]), target, ONLINE, alpha=0.0, tau=tau)
    np.testing.assert_allclose(alone.item(), 0.5 + soft, rtol=1e-6)


def test_munchausen_policies_are_over_legal_actions():
    no = FORBIDDEN
    values = {0: [0.2, no, 0.1], 10: [no, 0.3, no], 1: [0.4, no, no], 11: [no, no, no]}
    transitions = batch([0.5, 4.0], [0, 1], [0, 0])
    found = munchausen_targets(transitions, table(values), ONLINE, alpha=1.0, tau=0.1)
    own = 0.1 * np.log(np.exp(2) / (np.exp(2) + np.exp(1)))
    # One legal action: its soft value is its value, and its log-policy is 0. At the end none is.
    np.testing.assert_allclose(found[:, 0].numpy(), [0.5 + own + 0.3, 4.0], rtol=1e-6)


def learner_of(planted, text, **changes):
    cache = open_cache(planted)
    task = make_task(cache, planted, num_frames=8, target_frames=3, seed=2)
    choice = parse_agent(text)
    choice.design.check(choice.config)
    config = dataclasses.replace(choice.config, **{**SMALL, **changes})
    with seeded(task):
        return make_learner(choice.design, cache, task, config), task


def weights_after_an_epoch(learner, task):
    with seeded(task, 1):
        figures = learner.epoch(1)
    return learner.model.policy.state_dict(), figures


@pytest.mark.parametrize("agent", ["dqn", "dqn@n_steps=1", "dqn-pick", "dqn-glance"])
def test_without_switches_an_update_is_sb3s_to_the_bit(planted, agent):
    ours, task = learner_of(planted, agent)
    theirs, _ = learner_of(planted, agent)
    theirs.model.train = types.MethodType(DQN.train, theirs.model)
    weights, figures = weights_after_an_epoch(ours, task)
    expected, their_figures = weights_after_an_epoch(theirs, task)
    assert ours.updates == theirs.updates > 3
    for name, value in expected.items():
        assert torch.equal(weights[name], value), name
    assert figures["reward"] == their_figures["reward"]
    assert figures["loss"] == pytest.approx(their_figures["loss"], rel=1e-6)


def test_every_switch_changes_the_weights_that_are_learnt(planted):
    found = []
    for switch in ("", ",double_q=true", ",munchausen=true", ",prioritized_replay=true"):
        more = {"dropout": 0.0, "learning_rate": 0.05}  # the online network leaves the target
        learner, task = learner_of(planted, f"dqn-pick@n_steps=1{switch}", **more)
        weights, figures = weights_after_an_epoch(learner, task)
        assert np.isfinite(figures["loss"])
        found.append(torch.cat([value.flatten().float() for value in weights.values()]))
    for first, one in enumerate(found):
        assert torch.isfinite(one).all()
        assert not any(torch.equal(one, other) for other in found[first + 1 :])


def test_the_action_of_double_q_is_chosen_without_dropout(planted):
    learner, task = learner_of(planted, "dqn-pick@double_q=true", dropout=0.9)
    model = learner.model
    with seeded(task, 1):
        observations = torch.from_numpy(learner.env.reset())
    model.policy.set_training_mode(True)
    with torch.no_grad():
        values = [model._greedy_values(observations) for _ in range(2)]
        assert torch.equal(*values)
        assert not torch.equal(model.q_net(observations), values[0])  # dropout is on again


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dqn@munchausen=true,double_q=true", "double_q=True: Munchausen targets take no maximum"),
        ("dqn-glance@munchausen_clip=0.5", "munchausen_clip=0.5: must be at most 0"),
        ("dqn@munchausen_tau=0", "munchausen_tau=0.0: must be above 0"),
        ("dqn-chunk@munchausen_alpha=1.5", r"munchausen_alpha=1.5: must be in \[0, 1\]"),
        ("dqn-pick@prioritized_replay_alpha=-1", r"prioritized_replay_alpha=-1.0: must be in"),
        ("dqn@prioritized_replay_eps=0", "prioritized_replay_eps=0.0: must be above 0"),
    ],
)
def test_hyper_parameters_that_make_no_sense(text, message):
    with pytest.raises(FrameSelectError, match=message):
        parse_agent(text)
