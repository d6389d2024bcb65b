"""sb3:ALGORITHM: every algorithm that fits is an agent, trained, saved and loaded as ours are."""

import dataclasses
import re

import numpy as np
import pytest
import torch

from agents.__main__ import main
from agents.picking.selector import Selector
from agents.registry import parse_agent
from agents.stable_baselines.algorithms import algorithms
from agents.training.load import load_run
from agents.training.task import make_task
from agents.training.trainer import Run, make_learner, train, train_run
from agents.training.validation import Validation
from frame_select_env import FrameSelectError, open_cache

SMALL = "hidden_size=8,num_envs=4"
FITTING = {
    "A2C": SMALL,
    "PPO": f"{SMALL},n_epochs=2,env_id=FrameSelect/Sequential-v0,chunk=3",
    "TRPO": f"{SMALL},n_critic_updates=2",
    "DQN": f"{SMALL},learning_starts=8,env_id=FrameSelect/Glance-v0,picks=3",
    "QRDQN": f"{SMALL},learning_starts=8",
    "RecurrentPPO": f"{SMALL},n_epochs=2",
    "MaskablePPO": f"{SMALL},n_epochs=2",
}


def test_every_algorithm_is_an_agent_or_refused_in_a_line():
    assert set(FITTING) < set(algorithms())
    for name in sorted(set(algorithms()) - set(FITTING)):
        with pytest.raises(FrameSelectError, match=f"{name} has no policy for discrete actions"):
            parse_agent(f"sb3:{name}")
    with pytest.raises(FrameSelectError, match="unknown algorithm 'PPO2'; did you mean 'PPO'"):
        parse_agent("sb3:PPO2")


def test_help_says_what_every_hyper_parameter_is(capsys):
    with pytest.raises(SystemExit):
        main(["train", "--agent", "sb3:A2C", "--help"])
    shown = " ".join(line.strip("│ ") for line in capsys.readouterr().out.splitlines())
    shown = " ".join(shown.split())
    fields = dataclasses.fields(parse_agent("sb3:A2C").design.config)
    told = [shown.partition(f" --{one.name.replace('_', '-')}")[2] for one in fields]
    for one, text in zip(fields, told, strict=True):
        # Words follow a metavariable in capitals or braces, or the name of a switch's other side.
        assert re.search(r"[A-Za-z']+ [a-z]", text.partition("(default")[0]), one.name
    assert "Entropy coefficient for the loss" in shown  # the constructor's
    assert "null is a whole episode" in shown  # ours


@pytest.mark.parametrize("name", FITTING)
def test_a_run_is_saved_and_loaded_and_ranks_as_it_did(planted, tmp_path, name):
    choice = parse_agent(f"sb3:{name}@{FITTING[name]}")
    settings = {"num_frames": 6, "target_frames": 3, "budget": 12, "seed": 1}
    trained = train_run(tmp_path / "run", Run(str(planted), choice, settings))
    assert 12 <= trained.last.episodes < 24 and trained.last.updates > 0
    cache = open_cache(planted)
    clips = cache.read(cache.rows("test"), 6)
    loaded = load_run(tmp_path / "run", cache)
    expected, found = trained.agent.scores(clips), loaded.agent.scores(clips)
    assert loaded.name == f"sb3:{name}" and np.array_equal(found, expected)
    assert not np.array_equal(loaded.untrained.scores(clips), found)
    assert (loaded.agent.select(clips) == trained.agent.select(clips)).all()
    # New videos need no cache: the network has all that it needs.
    features = np.random.default_rng(0).normal(size=(9, 6)).astype(np.float16)
    scores = Selector.load(tmp_path / "run").score(features, np.full((9, 4), 0.25, np.float32))
    assert np.isfinite(scores).sum() == 6


def test_a_recurrent_policy_remembers_what_it_saw(planted):
    """The score of the last frame depends on the first one, which only the memory knows."""
    choice = parse_agent(f"sb3:RecurrentPPO@{SMALL}")
    cache = open_cache(planted)
    task = make_task(cache, planted, num_frames=6, target_frames=3)
    network = choice.design.initial_network(cache, task, choice.config)
    agent = choice.design.agent(network, task, choice.config)
    clips = cache.read(cache.rows("test"), 6)
    other = dataclasses.replace(clips, features=clips.features.copy())
    other.features[:, 0] += 3
    last = clips.valid.sum(axis=1) - 1, np.arange(len(clips))
    one, two = (agent.scores(some)[last[1], last[0]] for some in (clips, other))
    assert (one != two).all()
    assert (agent.scores(clips)[last[1], last[0]] == one).all()  # it begins anew


def test_it_learns_where_the_key_frames_are(planted):
    choice = parse_agent("sb3:A2C@hidden_size=32,patience=0,ema_decay=0.9,learning_rate=0.005")
    cache = open_cache(planted)
    task = make_task(cache, planted, num_frames=14, target_frames=4, seed=1, budget=1500)
    trained = train(choice.design, cache, task, choice.config)
    validation = Validation(cache, task)
    assert validation(trained.agent)[1] > validation.all_frames[1] + 0.05


def test_the_constructor_has_the_hyper_parameters(planted):
    cache = open_cache(planted)
    task = make_task(cache, planted, num_frames=6, target_frames=3, budget=100)

    def model(text: str):
        choice = parse_agent(text)
        return make_learner(choice.design, cache, task, choice.config)

    a2c = model(f"sb3:A2C@{SMALL},learning_rate=0.002,ent_coef=0.1,n_steps=3").model
    assert (a2c.learning_rate, a2c.ent_coef, a2c.n_steps, a2c.gamma) == (0.002, 0.1, 3, 1.0)
    assert type(a2c.policy.optimizer).__name__ == "RMSprop"  # the constructor's own
    whole = model(f"sb3:A2C@{SMALL},env_id=FrameSelect/Sequential-v0").model
    assert whole.n_steps == 6  # an episode
    learner = model(f"sb3:QRDQN@{SMALL},exploration_fraction=0.5,exploration_final_eps=0.1")
    assert learner.model.replay_buffer.n_steps == 6
    for episodes, epsilon in ((0, 1.0), (25, 0.55), (50, 0.1), (100, 0.1)):
        learner.episodes = episodes  # over the budget, not over an epoch
        assert learner.model.exploration_schedule(1.0) == pytest.approx(epsilon)
    weights = learner.average.policy.state_dict()
    for key, value in learner.model.policy.state_dict().items():
        assert torch.equal(value, weights[key]), key


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("A2C@n_epochs=3", "agent 'sb3:A2C': unknown hyper-parameter 'n_epochs'"),
        ("A2C@gamma=0.9", "unknown hyper-parameter 'gamma'"),
        ("A2C@family=1", "unknown hyper-parameter 'family'"),
        ("A2C@learning_rate=fast", "learning_rate=fast: must be of type float"),
        ("PPO@target_kl=fast", "target_kl=fast: must be of type float or None"),
        ("A2C@chunk=5", "chunk: sb3:A2C on FrameSelect/OneShot-v0 makes no use of it"),
        ("TRPO@max_grad_norm=1", "max_grad_norm: sb3:TRPO on FrameSelect/OneShot-v0 makes no use"),
        ("DQN@env_id=FrameSelect/OneShot-v0", "sb3:DQN: unknown env_id 'FrameSelect/OneShot-v0'"),
        ("PPO@n_steps=0", "n_steps=0: must be at least 1"),
    ],
)
def test_hyper_parameters_that_it_does_not_have_are_refused(text, message):
    with pytest.raises(FrameSelectError, match=message):
        parse_agent(f"sb3:{text}")


def test_an_optimiser_without_weight_decay_is_named(planted):
    choice = parse_agent(f"sb3:A2C@{SMALL},weight_decay=0.1")
    cache = open_cache(planted)
    task = make_task(cache, planted, num_frames=6, target_frames=3)
    with pytest.raises(FrameSelectError, match="for A2C add use_rms_prop=false"):
        make_learner(choice.design, cache, task, choice.config)
    adam = parse_agent(f"sb3:A2C@{SMALL},weight_decay=0.1,use_rms_prop=false")
    (group,) = make_learner(
        adam.design, cache, task, adam.config
    ).model.policy.optimizer.param_groups
    assert group["weight_decay"] == 0.1
