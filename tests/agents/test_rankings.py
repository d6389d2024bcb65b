"""Sequential and set-building agents rank by the very episodes that the environment would play."""

import gymnasium as gym
import numpy as np
import pytest
import torch

from agents.networks.decision import DecisionNetwork
from agents.networks.feature_table import FeatureTable
from agents.networks.frame_set import FrameSetNetwork
from agents.rankings import PickAgent, SequentialAgent
from frame_select_env import open_cache

# What makes networks with random weights keep about half of the frames.
BIAS = {("frame", 1): -2.7, ("frame", 4): 0.63, ("video", 1): -0.46, ("video", 4): 0.15}


def play(name, planted, rows, network, choose, **keywords):
    """The selections and, of each step, the numbers, of greedy episodes on `rows`."""
    env = gym.make_vec(
        name, num_envs=len(rows), data=str(planted), split="test", num_frames=10,
        observation="index", autoreset_mode="NextStep", **keywords,
    )  # fmt: skip
    table = FeatureTable.read(open_cache(planted), rows, 10)
    seen, _ = env.reset(options={"video": rows})
    selected = np.zeros((len(rows), 10), bool)
    going = np.ones(len(rows), bool)
    while going.any():
        with torch.no_grad():
            values = network(
                table,
                torch.from_numpy(rows),
                torch.from_numpy(seen["selected"]),
                torch.from_numpy(seen["cursor"][:, 0]),
            )
        seen, _, ended, _, info = env.step(choose(values).numpy())
        over = going & ended
        if over.any():
            selected[over] = info["selected"][over]
        going &= ~ended
    return selected


@pytest.mark.parametrize("encoder", ["frame", "video"])
@pytest.mark.parametrize("chunk", [1, 4])
def test_the_walk_is_the_environments(planted, encoder, chunk):
    torch.manual_seed(chunk)
    network = DecisionNetwork(6, 4, encoder, chunk, hidden_size=8).eval()
    with torch.no_grad():  # so that it keeps some frames and not others
        for parameter in network.parameters():
            parameter.mul_(3)
        network.head.bias.copy_(torch.tensor([0.0, BIAS[encoder, chunk]]))
    cache = open_cache(planted)
    rows = cache.rows("test")
    agent = SequentialAgent("x", network)
    clips = cache.read(rows, 10)
    scores, walked = agent.rollout(clips)
    played = play(
        "FrameSelect/Sequential-v0", planted, rows, network,
        lambda values: (values[:, 1] >= values[:, 0]).long(), chunk=chunk,
    )  # fmt: skip
    assert np.array_equal(walked, played) and 0 < walked.sum() < clips.valid.sum()
    assert np.array_equal(walked, (scores >= 0) & clips.valid)
    assert (agent.scores(clips)[~clips.valid] == -np.inf).all()
    assert agent.select(clips).any(axis=1).all()


def test_q_values_keep_only_what_is_better(planted):
    network = DecisionNetwork(6, 4, "frame", hidden_size=8).eval()
    with torch.no_grad():
        network.head.weight.zero_()
        network.head.bias.zero_()
    clips = open_cache(planted).read(np.arange(4), 10)
    assert SequentialAgent("policy", network).select(clips).sum() == clips.valid.sum()
    # All equal: nothing is kept, so the best frame is, which is the first.
    selected = SequentialAgent("q", network, tie=False).select(clips)
    assert selected.sum(1).tolist() == [1] * 4 and selected[:, 0].all()


@pytest.mark.parametrize("stop", [False, True])
def test_the_picks_are_the_environments_and_rank_in_their_order(planted, stop):
    torch.manual_seed(3)
    network = FrameSetNetwork(6, 4, stop, hidden_size=8).eval()
    if stop:
        with torch.no_grad():
            network.stop_head.bias.fill_(-0.35)  # some videos stop early, some do not
    cache = open_cache(planted)
    rows = cache.rows("test")
    clips = cache.read(rows, 10)
    agent = PickAgent("x", network, 4)
    scores, picked = agent.rollout(clips)
    played = play(
        "FrameSelect/Pick-v0", planted, rows, network, lambda values: values.argmax(1),
        picks=4, stop=stop,
    )  # fmt: skip
    assert np.array_equal(picked, played)
    for row, count in enumerate(picked.sum(1)):
        order = np.argsort(-scores[row], kind="stable")
        assert picked[row, order[:count]].all() and not picked[row, order[count:]].any()
    # The first pick is the best action of the empty set.
    table = FeatureTable(clips)
    with torch.no_grad():
        values = network(table, torch.from_numpy(rows), torch.zeros(len(rows), 10), torch.zeros(1))
    first = values.argmax(1).numpy()
    began = first < 10
    assert np.array_equal(scores.argmax(1)[began], first[began])
