"""Our networks inside Stable-Baselines3: policies, exploration, hyper-parameters, learning."""

import dataclasses
import warnings

import numpy as np
import pytest
import torch
from stable_baselines3 import DQN, PPO

from agents.networks.decision import DecisionNetwork
from agents.networks.feature_table import FeatureTable
from agents.registry import parse_agent
from agents.stable_baselines.policies import IndexExtractor
from agents.stable_baselines.vec_env import BatchVecEnv
from agents.training.task import make_task, seeded
from agents.training.trainer import make_learner, train
from agents.training.validation import Validation
from frame_select_env import FrameSelectError, open_cache

SB3_AGENTS = ["ppo", "ppo-sequential", "dqn", "dqn-chunk@chunk=3", "dqn-pick", "maskable-ppo"]

SMALL = {"hidden_size": 16, "num_envs": 16, "batch_size": 64, "patience": 0}


def small(text: str, **changes: object):
    choice = parse_agent(text)
    if hasattr(choice.config, "learning_starts"):
        changes = {"learning_starts": 100, "gradient_steps": 8, **changes}
    config = dataclasses.replace(choice.config, **{**SMALL, **changes})
    return choice.design, config


@pytest.mark.parametrize("algorithm", [PPO, DQN])
def test_plain_policies_of_sb3_take_index_observations_through_the_extractor(planted, algorithm):
    cache = open_cache(planted)
    rows = cache.rows("train")
    env = BatchVecEnv(
        "FrameSelect/Sequential-v0", 4, flatten=True, data=str(planted), observation="index"
    )
    keywords = {
        "features_extractor_class": IndexExtractor,
        "features_extractor_kwargs": {
            "table": FeatureTable.read(cache, rows, 25),
            "network": DecisionNetwork(6, 4, hidden_size=8),
        },
    }
    more = {"n_steps": 8, "batch_size": 8} if algorithm is PPO else {"learning_starts": 8}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = algorithm("MlpPolicy", env, policy_kwargs=keywords, device="cpu", **more)
        model.learn(64)
    names = model.policy.state_dict()
    assert any("network.lstm" in name for name in names)
    assert not any("table" in name or "feature_table" in name for name in names)


def test_the_table_keeps_the_caches_float16(planted):
    cache = open_cache(planted)
    table = FeatureTable.read(cache, cache.rows("train"), 10)
    assert table.features.dtype == torch.float16
    assert len(table.features) == len(cache.rows("train"))


@pytest.mark.parametrize("agent", SB3_AGENTS)
def test_the_policy_begins_as_the_untrained_network_and_the_average_follows_it(planted, agent):
    cache = open_cache(planted)
    task = make_task(cache, planted, num_frames=8, target_frames=3)
    design, config = small(agent, ema_decay=0.5)
    with seeded(task):
        learner = make_learner(design, cache, task, config)
        first = design.initial_network(cache, task, config)
        for name, value in learner.network.named_parameters():
            assert torch.equal(value, first.state_dict()[name]), name
        weights = []
        learner.model.policy.optimizer.register_step_post_hook(
            lambda *_: weights.append(learner.network.head.bias.detach().clone())
        )
        learner.epoch(1)
    assert learner.updates == len(weights) > 3
    # After k updates a plain mean while 1 - 1 / k < 1 / 2, then halfway to each new one.
    mean = weights[0]
    for count, value in enumerate(weights[1:], 2):
        momentum = min(0.5, 1 - 1 / count)
        mean = momentum * mean + (1 - momentum) * value
    torch.testing.assert_close(learner.average.head.bias.detach(), mean, rtol=1e-4, atol=1e-6)
    assert learner.episodes == learner.env.episodes > 0


@pytest.mark.parametrize("agent", SB3_AGENTS)
def test_it_learns_where_the_key_frames_are_and_repeats_bit_for_bit(planted, agent):
    cache = open_cache(planted)
    task = make_task(cache, planted, num_frames=14, target_frames=4, seed=1, budget=1800)
    more = {"batch_size": 224, "n_epochs": 6} if "ppo-seq" in agent else {}
    design, config = small(agent, learning_rate=0.005, hidden_size=32, ema_decay=0.9, **more)
    epochs = []
    trained = train(design, cache, task, config, epochs.append)
    assert epochs[-1].episodes >= 1800 > epochs[-2].episodes
    assert max(e.figures["reward"] for e in epochs[-5:]) > epochs[0].figures["reward"] + 0.3
    validation = Validation(cache, task)
    assert validation(trained.agent)[1] > validation.all_frames[1] + 0.05
    again = train(design, cache, dataclasses.replace(task, budget=150), config).agent
    once_more = train(design, cache, dataclasses.replace(task, budget=150), config).agent
    for name, value in again.network.state_dict().items():
        assert torch.equal(value, once_more.network.state_dict()[name]), name


def test_exploration_is_each_environments_own_and_legal(planted):
    cache = open_cache(planted)
    task = make_task(cache, planted, num_frames=8, target_frames=3)
    design, config = small("dqn-pick", num_envs=200)
    with seeded(task):
        learner = make_learner(design, cache, task, config)
        model, env = learner.model, learner.env
        observation = env.reset()
        greedy, _ = model.predict(observation, deterministic=True)
        model.exploration_rate = 0.5
        drawn, _ = model.predict(observation)
        assert 0.2 < (drawn != greedy).mean() < 0.5  # some of them, not all or none
        for _ in range(3):
            masks = np.stack(env.env_method("action_masks"))
            model.exploration_rate = 1.0
            action, _ = model.predict(observation)
            assert masks[np.arange(200), action].all()
            observation, _, _, _ = env.step(action)


@pytest.mark.parametrize("agent", ["dqn", "dqn-chunk@chunk=3", "dqn-pick"])
def test_episodes_that_the_end_of_an_epoch_cuts_are_truncated_in_the_buffer(planted, agent):
    cache = open_cache(planted)
    task = make_task(cache, planted, num_frames=8, target_frames=3)
    design, config = small(agent, learning_starts=10**6)  # it only plays
    learner = make_learner(design, cache, task, config)
    for number in (1, 2):
        with seeded(task, number):
            learner.epoch(number)
        buffer = learner.model.replay_buffer
        newest = buffer.pos - 1
        done, cut = buffer.dones[newest] > 0, buffer.timeouts[newest] > 0
        assert (done ^ cut).all() and cut.any()
    # Elsewhere nothing is cut: these episodes have no time limit.
    assert buffer.timeouts[: newest + 1].sum() <= 2 * config.num_envs
    # A return from the first epoch's last transition ends there: one reward, and it bootstraps.
    last, slots = newest // 2, np.arange(config.num_envs)
    got = buffer.transitions(np.full(config.num_envs, last), slots)
    np.testing.assert_allclose(got.rewards[:, 0], buffer.rewards[last])
    np.testing.assert_array_equal(got.next_observations, buffer.next_observations[last])
    np.testing.assert_array_equal(got.dones[:, 0], buffer.dones[last])


PPO_VALUES = {
    **{"n_epochs": 3, "clip_range": 0.3, "ent_coef": 0.02, "gae_lambda": 0.9, "vf_coef": 0.7},
    **{"max_grad_norm": 0.25, "batch_size": 32},
}

DQN_VALUES = {
    **{"batch_size": 50, "learning_starts": 96, "gradient_steps": 3, "max_grad_norm": 0.25},
    **{"target_update_interval": 160, "buffer_size": 3200},
}


@pytest.mark.parametrize(
    ("agent", "values"),
    [
        *((agent, PPO_VALUES) for agent in ("ppo", "ppo-sequential", "maskable-ppo")),
        *((agent, DQN_VALUES) for agent in ("dqn", "dqn-chunk@chunk=3", "dqn-pick")),
    ],
)
def test_the_algorithm_has_the_agents_hyper_parameters(planted, agent, values):
    cache = open_cache(planted)
    task = make_task(cache, planted, num_frames=8, target_frames=3)
    design, config = small(agent, **values, learning_rate=0.02, weight_decay=0.125)
    model = make_learner(design, cache, task, config).model
    found = {name: getattr(model, name) for name in values}
    if "clip_range" in found:
        found["clip_range"] = found["clip_range"](1.0)  # SB3 makes a schedule of it
    assert found == values
    assert model.gamma == 1.0  # the return is the episode's reward, undiscounted
    (group,) = model.policy.optimizer.param_groups
    assert (group["lr"], group["weight_decay"]) == (0.02, 0.125)


@pytest.mark.parametrize("anneal", [True, False])
@pytest.mark.parametrize("agent", SB3_AGENTS)
def test_the_step_size_falls_to_0_as_the_budget_is_spent(planted, agent, anneal):
    cache = open_cache(planted)
    task = make_task(cache, planted, num_frames=4, target_frames=2, budget=320)
    more = {"rollout_episodes": 1, "n_epochs": 1}
    if "dqn" in agent:
        more = {"learning_starts": 1, "train_freq": 4, "gradient_steps": 1}
    design, config = small(agent, learning_rate=0.5, anneal_lr=anneal, **more)
    learner = make_learner(design, cache, task, config)
    found = []
    learner.model.policy.optimizer.register_step_pre_hook(
        lambda optimiser, *_: found.append((learner.episodes, optimiser.param_groups[0]["lr"]))
    )
    for number in (1, 2):
        with seeded(task, number):
            learner.epoch(number)
    spent, rates = np.array(found).T
    assert spent[0] < 80 and 240 < spent[-1] <= 320
    # Half of the step size is left when half of the 320 episodes have been played.
    np.testing.assert_allclose(rates, 0.5 * (1 - spent / 320) if anneal else 0.5)


def test_the_target_is_the_copied_network_in_every_part(planted):
    """SB3 copies by `.data`, which no version counter of torch notices."""
    cache = open_cache(planted)
    task = make_task(cache, planted, num_frames=8, target_frames=3)
    design, config = small("dqn", target_update_interval=16)
    with seeded(task):
        learner = make_learner(design, cache, task, config)
        model = learner.model
        seen = torch.from_numpy(learner.env.reset())
        with torch.no_grad():
            model.q_net.set_training_mode(False)
            torch.testing.assert_close(model.q_net_target(seen), model.q_net(seen))
            for parameter in model.q_net.parameters():
                parameter.mul_(1.5)
            assert not torch.allclose(model.q_net_target(seen), model.q_net(seen))
            model._on_step()
            torch.testing.assert_close(model.q_net_target(seen), model.q_net(seen))


@pytest.mark.parametrize("agent", [*SB3_AGENTS, "reinforce", "q-factored", "reinforce-sequential"])
def test_a_budget_ends_a_run_within_an_epoch(planted, agent):
    cache = open_cache(planted)
    task = make_task(cache, planted, num_frames=8, target_frames=3, budget=50)
    choice = parse_agent(agent)
    size = {"batch_size": 10, "hidden_size": 8}
    if hasattr(choice.config, "num_envs"):
        size |= {"num_envs": 10}
    config = dataclasses.replace(choice.config, **size)
    last = train(choice.design, cache, task, config).last
    assert last.number == 1  # an epoch would be 120 episodes
    assert 50 <= last.episodes < 50 + 10 * getattr(config, "episodes", 1)


def test_epsilon_and_the_step_size_fall_with_every_step(planted):
    cache = open_cache(planted)
    task = make_task(cache, planted, num_frames=8, target_frames=3, budget=200)
    design, config = small(
        "dqn", exploration_fraction=0.5, exploration_final_eps=0.1, learning_rate=0.01
    )
    with seeded(task):
        learner = make_learner(design, cache, task, config)
        for spent, epsilon in ((0, 1.0), (50, 0.55), (100, 0.1), (150, 0.1)):
            learner.episodes = spent
            learner.after_step()
            assert learner.model.exploration_rate == pytest.approx(epsilon)
            assert config.rate(learner.progress()) == pytest.approx(0.01 * (1 - spent / 200))


def test_the_table_refuses_a_video_that_it_does_not_hold(planted):
    cache = open_cache(planted)
    table = FeatureTable.read(cache, np.array([3, 5]), 8)
    for video in (4, 99):
        with pytest.raises(FrameSelectError, match=f"video {video} is not in the feature table"):
            table.index(torch.tensor([3, video]))


def test_hyper_parameters_that_make_no_sense(planted):
    cache = open_cache(planted)
    task = make_task(cache, planted, num_frames=8, target_frames=3)
    for agent, changes, message in (
        ("ppo", {"num_envs": 0}, "num_envs=0: must be at least 1"),
        ("ppo", {"batch_size": 1}, "batch_size=1: must be at least 2"),
        ("ppo", {"learning_rate": -1.0}, "learning_rate=-1.0: must be above 0"),
        ("dqn", {"hidden_size": 1}, "hidden_size=1: must be at least 2"),
        ("dqn", {"sequence_length": 0}, "sequence_length=0: must be at least 1"),
        ("dqn", {"exploration_final_eps": 1.5}, r"exploration_final_eps=1.5: must be in \[0, 1\]"),
        ("dqn", {"max_grad_norm": float("nan")}, "max_grad_norm=nan: must be a finite number"),
        ("dqn", {"dropout": 1.0}, "dropout=1.0: must be in"),
        ("dqn", {"chunk": 9}, "chunk=9: must be from 1 to the number of frames, 8"),
    ):
        design, config = small(agent, **changes)
        with pytest.raises(FrameSelectError, match=message):
            train(design, cache, task, config)


@pytest.mark.parametrize(
    ("agent", "steps"), [("ppo", 1), ("ppo-sequential", 4), ("maskable-ppo", 2)]
)
@pytest.mark.parametrize("episodes", [1, 3])
def test_a_rollout_is_of_whole_episodes(planted, agent, steps, episodes):
    design, config = small(f"{agent}@rollout_episodes={episodes}", num_envs=4)
    cache = open_cache(planted)
    task = make_task(cache, planted, num_frames=4, target_frames=2)
    assert make_learner(design, cache, task, config).model.n_steps == episodes * steps
