"""The agents on Glance: what they have not looked at changes no bit of what they do."""

import dataclasses

import gymnasium as gym
import numpy as np
import pytest
import torch

from agents.networks.feature_table import FeatureTable
from agents.networks.frame_set import FORBIDDEN
from agents.networks.glance import GlanceNetwork
from agents.rankings import PickAgent
from agents.registry import parse_agent
from agents.training.task import make_task, seeded
from agents.training.trainer import Run, make_learner, train
from baselines.gates import accuracy_and_looks
from frame_select_env import open_cache, write_cache

T = 10


@pytest.fixture
def network():
    """A network with random weights that answers after a few looks."""
    torch.manual_seed(1)
    network = GlanceNetwork(6, 4, hidden_size=8).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(2)
        network.stop_head.bias.add_(-0.5)
    return network


def perturbed(clips, hidden):
    """The clips with other features and predictions where `hidden` [B, T]."""
    rng = np.random.default_rng(0)
    features, predictions = clips.features.copy(), clips.predictions.copy()
    features[hidden] = rng.normal(size=(hidden.sum(), 6)) * 9
    predictions[hidden] = rng.dirichlet(np.ones(4), hidden.sum())
    return dataclasses.replace(clips, features=features, predictions=predictions)


def test_the_table_hands_out_the_frames_looked_at_and_no_others(planted):
    clips = open_cache(planted).read(np.arange(8), T)
    looked = torch.zeros(8, T, dtype=torch.int8)
    looked[:, 1] = looked[3, 4] = 1
    frame, features, predictions = FeatureTable(clips).looked(torch.arange(8), looked)
    assert frame.shape == (8, 2) and frame[3].tolist() == [1, 4] and (frame[:, 0] == 1).all()
    for found, there in ((features, clips.features), (predictions, clips.predictions)):
        assert np.array_equal(found[:, 0], there[:, 1]) and np.array_equal(found[3, 1], there[3, 4])
        assert not found[[0, 1, 2, 4, 5, 6, 7], 1].any()


def test_videos_are_read_as_if_each_were_alone(planted, network):
    clips = open_cache(planted).read(np.arange(8), T)
    table, video = FeatureTable(clips), torch.arange(8)
    rng = torch.Generator().manual_seed(0)
    selected = (torch.rand(8, T, generator=rng) < 0.4) & table.valid
    selected[0] = False
    together = network(table, video, selected, selected.sum(1))
    for row in range(8):
        alone = network(table, video[row:][:1], selected[row:][:1], selected.sum(1)[row:][:1])
        assert torch.allclose(together[row], alone[0], atol=1e-6)


def test_a_frame_is_seen_by_the_nearest_looks_before_and_after(network):
    looks = {}
    for frames in ((1, 5), (1, 5, 8), (1, 3, 5)):
        selected = torch.zeros(1, T, dtype=torch.bool)
        selected[0, list(frames)] = True
        states = torch.zeros(1, len(frames), network.encoded)
        states[0, :, 0] = torch.tensor(frames).float()  # of the forward direction
        at, length = torch.tensor([frames]), torch.tensor([[T]])
        looks[frames] = network._nearest(states, at, selected, length)[0]
    both, after, between = looks.values()
    assert torch.equal(both[:5], after[:5]) and not torch.equal(both[5:8], after[5:8])
    assert torch.equal(both[:2], between[:2]) and torch.equal(both[5:], between[5:])
    assert all(not torch.equal(both[place], between[place]) for place in (2, 3, 4))


def test_hidden_frames_change_no_bit_of_scores_and_choice(planted, network):
    clips = open_cache(planted).read(np.arange(60), T)
    agent = PickAgent("x", network, 5)
    scores, selected = agent.rollout(clips)
    count = selected.sum(axis=1)
    assert len(np.unique(count)) > 2
    other = perturbed(clips, clips.valid & ~selected)
    again, same = agent.rollout(other)
    assert np.array_equal(selected, same) and scores.tobytes() == again.tobytes()
    # What it did look at does matter.
    changed, _ = agent.rollout(perturbed(clips, selected))
    assert not np.array_equal(scores, changed)


def test_the_agent_plays_the_environments_episodes(planted, network):
    cache = open_cache(planted)
    rows = cache.rows("test")
    env = gym.make_vec(
        "FrameSelect/Glance-v0", num_envs=len(rows), data=str(planted), split="test",
        num_frames=T, observation="index", autoreset_mode="NextStep", picks=5,
    )  # fmt: skip
    table = FeatureTable.read(cache, rows, T)
    seen, info = env.reset(options={"video": rows})
    chosen, going = np.zeros((len(rows), T), bool), np.ones(len(rows), bool)
    while going.any():
        state = (torch.from_numpy(np.array(one)) for one in (rows, seen["selected"]))
        with torch.no_grad():
            values = network(table, *state, torch.zeros(len(rows)))
        legal = values.numpy() > FORBIDDEN
        assert np.array_equal(legal[going], info["action_mask"][going] == 1)
        seen, _, ended, _, info = env.step(values.argmax(1).numpy())
        over = going & ended
        chosen[over] = info["selected"][over] if over.any() else False
        going &= ~ended
    agent = PickAgent("x", network, 5)
    assert np.array_equal(agent.select(cache.read(rows, T)), chosen)


@pytest.mark.parametrize("agent", ["reinforce-glance", "dqn-glance", "ppo-glance"])
def test_by_default_an_agent_is_trained_for_answers_and_pays_for_looks(planted, agent):
    cache = open_cache(planted)
    run = Run(str(planted), parse_agent(agent), {"num_frames": 6, "target_frames": 3})
    assert run.task(cache).reward == {"correct": 0.5, "confidence": 0.5, "looks": -0.01}
    run = dataclasses.replace(run, settings={**run.settings, "reward": "correct"})
    assert run.task(cache).reward == "correct"
    assert run.choice.config.env(run.task(cache))[1]["picks"] == 6


@pytest.fixture(scope="module")
def signposts(tmp_path_factory):
    """Videos of three frames. The middle one says which of the others shows the label; one lies."""
    rng = np.random.default_rng(0)

    def videos():
        for row in range(80):
            left, label = row % 2, int(rng.integers(2))
            true = np.array([0.1, 0.9] if label else [0.9, 0.1], np.float32)
            told = [true, np.full(2, 0.5, np.float32), true[::-1]][:: 2 * left - 1]
            features = np.zeros((3, 2), np.float32)
            features[1, left] = 1
            split = "train" if row < 60 else "val"
            yield {"id": f"v{row}", "label": label, "split": split,
                   "features": features, "predictions": np.stack(told)}  # fmt: skip

    path = tmp_path_factory.mktemp("signposts") / "signposts.h5"
    return str(write_cache(path, videos(), classes=["a", "b"]))


SMALL = {
    "reinforce-glance": {"batch_size": 10, "episodes": 4, "learning_rate": 0.01},
    "dqn-glance": {"num_envs": 30, "train_freq": 4, "n_steps": 2, "sequence_length": 2,
                   "batch_size": 120, "learning_starts": 100, "learning_rate": 0.01,
                   "gradient_steps": 6, "repeats": 1},
    "ppo-glance": {"num_envs": 30, "batch_size": 60, "learning_rate": 0.01, "repeats": 1,
                   "n_epochs": 4, "rollout_episodes": 2},
}  # fmt: skip


@pytest.mark.parametrize("agent", list(SMALL))
def test_it_learns_to_follow_the_signpost(signposts, agent):
    cache = open_cache(signposts)
    budget = 4800 if agent == "reinforce-glance" else 2400
    task = make_task(
        cache, signposts, num_frames=3, target_frames=2, budget=budget, seed=1,
        reward={"correct": 1.0, "looks": -0.01},
    )  # fmt: skip
    choice = parse_agent(agent)
    config = dataclasses.replace(choice.config, hidden_size=16, picks=2, **SMALL[agent])
    agent = train(choice.design, cache, task, config).agent
    clips = cache.read(cache.rows("val"), 3)
    accuracy, looks = accuracy_and_looks(clips, cache.labels[clips.video], agent.select(clips))
    # Any two fixed frames are right for half of the videos.
    assert accuracy > 0.9 and looks == 2


def test_an_update_counts_episodes_and_steps(planted):
    cache = open_cache(planted)
    task = make_task(cache, planted, num_frames=6, target_frames=3, reward="looks")
    choice = parse_agent("reinforce-glance@hidden_size=8,batch_size=5,episodes=3,picks=4")
    learner = make_learner(choice.design, cache, task, choice.config)
    with seeded(task, 1):
        figures = learner.update(task.fit_rows[:5])
    assert learner.episodes == 15
    # The reward is the number of looks; a step is a look or the answer.
    assert float(figures["looks"]) == pytest.approx(float(figures["reward"]))
    assert 15 * float(figures["looks"]) <= learner.timesteps <= 15 * (float(figures["looks"]) + 1)
