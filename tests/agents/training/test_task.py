"""What a task says reaches every learner: its videos, fold, alpha and seed, and epochs differ."""

import dataclasses
import random

import numpy as np
import pytest
import torch

from agents.registry import AGENTS, agent_design, parse_agent
from agents.training.task import make_task, seeded
from agents.training.trainer import make_learner, train
from agents.training.validation import Validation
from frame_select_env import FeatureCache, open_cache, write_cache

PLAYERS = sorted(
    set(AGENTS) - {"soft-attention", "dfan", "reaction"}
)  # whose episodes an environment scores
FIT, HELD_OUT = np.array([1, 4, 6, 9, 11, 12, 15, 17]), np.array([0, 2, 3])


@pytest.fixture(scope="module")
def numbered(tmp_path_factory):
    """A cache of 20 training videos of four frames; feature 0 is the video's row.

    In fold "b" two frames predict (1, 0) and two (0.5, 0.5): p0 is (0.75, 0.25).
    """
    rng = np.random.default_rng(0)

    def videos():
        for row in range(20):
            yield {
                "id": f"v{row}",
                "label": row % 2,
                "split": "train",
                "features": np.column_stack([np.full(4, row), rng.normal(size=4)]),
                "predictions": rng.dirichlet(np.ones(2), 4),
                "folds": {
                    "b": {
                        "split": "train",
                        "predictions": np.array([[1, 0], [1, 0], [0.5, 0.5], [0.5, 0.5]]),
                    }
                },
            }

    path = tmp_path_factory.mktemp("numbered") / "numbered.h5"
    return write_cache(path, videos(), classes=["a", "b"])


def a_task(path, **settings):
    settings = {"num_frames": 4, "target_frames": 2, **settings}
    task = make_task(open_cache(path), path, **settings)
    return dataclasses.replace(task, fit_rows=FIT, validation_rows=HELD_OUT)


def a_config(agent):
    """The agent's hyper-parameters, small, and without stopping: all episodes are equally long."""
    config = parse_agent(agent).config
    small = {"hidden_size": 4, "batch_size": 4, "num_envs": 4, "n_epochs": 1, "stop": False}
    small |= {"gradient_steps": 1, "chunk": min(getattr(config, "chunk", 1), 2), "picks": 1}
    names = {field.name for field in dataclasses.fields(config)}
    return dataclasses.replace(config, **{name: small[name] for name in names & set(small)})


def a_learner(agent, path, **settings):
    return make_learner(
        agent_design(agent), open_cache(path), a_task(path, **settings), a_config(agent)
    )


def listener(*facts):
    """A reward of 0, and the list of the rows and `facts` that it was asked about."""
    heard = []

    def listen(outcome):
        rows = outcome.features[:, 0, 0].astype(int).tolist()
        heard.append((rows, *(np.array(getattr(outcome, fact)) for fact in facts)))
        return np.zeros(len(rows))

    return listen, heard


def rows_of(heard):
    return [row for one in heard for row in one[0]]


def generators(seed):
    """Seed the global generators."""
    torch.manual_seed(seed)
    np.random.seed(seed)
    random.seed(seed)


def draw():
    """A number of each of the global generators."""
    return [torch.rand(1).item(), np.random.rand(), random.random()]


@pytest.mark.parametrize("agent", sorted(AGENTS))
def test_a_learner_sees_the_videos_to_fit_on_and_no_others(numbered, monkeypatch, agent):
    looked_up, read = set(), FeatureCache.read

    def listen(self, rows, *args, **kwargs):
        looked_up.update(np.asarray(rows).tolist())
        return read(self, rows, *args, **kwargs)

    monkeypatch.setattr(FeatureCache, "read", listen)
    reward, heard = listener()
    a_learner(agent, numbered, reward=reward).epoch(1)
    assert looked_up == set(FIT)
    assert set(rows_of(heard)) == (set(FIT) if agent in PLAYERS else set())


class FirstFrames:
    """Ranks the first frames first."""

    name = "first"

    def scores(self, clips):
        self.seen = clips.video.tolist()
        return np.where(clips.valid, -np.arange(4.0), -np.inf)


@pytest.mark.parametrize(("alpha", "true_class"), [(0.0, 2 / 3), (1.0, 7 / 12)])
def test_validation_is_of_the_validation_videos_in_the_tasks_fold(numbered, alpha, true_class):
    validation = Validation(open_cache(numbered), a_task(numbered, fold="b", alpha=alpha))
    first = FirstFrames()
    # Labels 0, 0, 1. The first two frames say (1, 0); with alpha = 1 all frames do, (3/4, 1/4).
    assert validation(first) == (pytest.approx(2 / 3), pytest.approx(true_class))
    assert first.seen == HELD_OUT.tolist()
    assert validation.all_frames == (pytest.approx(2 / 3), pytest.approx(7 / 12))


@pytest.mark.parametrize("agent", PLAYERS)
def test_the_environment_plays_the_tasks_fold_alpha_and_m(numbered, agent):
    reward, heard = listener("p0", "p1", "selected", "target_frames")
    alpha = 0.0 if agent.endswith("glance") else 1.0  # Glance answers by what was looked at
    learner = a_learner(agent, numbered, reward=reward, fold="b", alpha=alpha, target_frames=3)
    learner.epoch(1)
    for _, p0, p1, selected, target_frames in heard:
        assert (p0 == [0.75, 0.25]).all() and target_frames == 3
        # With alpha = 1 the frames that are not selected count as much as those that are.
        if alpha:
            np.testing.assert_allclose(p1, p0)
        assert selected.shape[1] == 4
    torch.testing.assert_close(learner.table.p0, torch.tensor([[0.75, 0.25]] * len(FIT)))


@pytest.mark.parametrize("agent", PLAYERS)
def test_the_environment_asks_the_tasks_judge(numbered, agent):
    reward, heard = listener("p0", "p1", "selected")
    a_learner(agent, numbered, reward=reward, fold="b", aggregator="max").epoch(1)
    for _, p0, p1, selected in heard:
        # The maximum of (1, 0) and (1/2, 1/2) is (1, 1/2), which is divided by its sum.
        np.testing.assert_allclose(p0, [[2 / 3, 1 / 3]] * len(p0))
        sure, torn = selected[:, :2].any(axis=1), selected[:, 2:].any(axis=1)
        first = np.where(sure, np.where(torn, 2 / 3, 1.0), np.where(torn, 0.5, 0.0))
        np.testing.assert_allclose(p1[:, 0], first)


def test_validation_asks_the_tasks_judge(numbered):
    task = a_task(numbered, fold="b", aggregator="max")
    validation = Validation(open_cache(numbered), task)
    # Labels 0, 0, 1.
    assert validation(FirstFrames()) == (pytest.approx(2 / 3), pytest.approx(2 / 3))
    assert validation.all_frames == (pytest.approx(2 / 3), pytest.approx(5 / 9))


@pytest.mark.parametrize("agent", PLAYERS)
def test_every_epoch_has_its_own_order_of_videos(numbered, agent):
    orders = []
    for epochs in ((1, 2), (1,)):
        reward, heard = listener()
        learner = a_learner(agent, numbered, reward=reward)
        for number in epochs:
            heard.clear()
            learner.epoch(number)
            orders.append(rows_of(heard))
    first, second, again = orders
    assert set(first) == set(second) == set(FIT)
    assert first == again and first != second


def test_every_epoch_draws_other_numbers_and_the_same_in_a_second_run(numbered):
    design = agent_design("reinforce")
    config = dataclasses.replace(a_config("reinforce"), epochs=3, patience=0)

    def numbers(seed, before):
        drawn = []

        def make(*arguments):
            learner = design.learner(*arguments)

            def epoch(number):
                drawn.extend(draw())
                return {}

            learner.epoch = epoch
            return learner

        generators(before)  # whatever was drawn before
        drawing = dataclasses.replace(design, learner=make)
        train(drawing, open_cache(numbered), a_task(numbered, seed=seed), config)
        return drawn

    first, second = numbers(0, 5), numbers(1, 6)
    assert len(set(first)) == len(set(second)) == 9  # of three generators in each of three epochs
    assert not set(first) & set(second)
    assert numbers(0, 7) == first


def test_the_global_generators_are_left_as_they_were(numbered):
    generators(5)
    expected = draw()
    generators(5)
    with seeded(a_task(numbered), 3):
        assert draw() != expected
    assert draw() == expected


@pytest.mark.parametrize("agent", sorted(AGENTS))
def test_the_seed_draws_the_first_weights(numbered, agent):
    def weights(seed):
        torch.rand(1)  # whatever was drawn before
        design, task = agent_design(agent), a_task(numbered, seed=seed)
        network = design.initial_network(open_cache(numbered), task, a_config(agent))
        learner = make_learner(design, open_cache(numbered), task, a_config(agent))
        return tuple(
            torch.cat([one.detach().flatten() for one in own.parameters()])
            for own in (network, learner.network)
        )

    (zero, trained), (one, _), (again, _) = weights(0), weights(1), weights(0)
    assert torch.equal(zero, again) and torch.equal(zero, trained)
    assert not torch.equal(zero, one)
