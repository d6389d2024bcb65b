"""What ends training: episodes, updates or CPU seconds, whichever comes first."""

import csv
import dataclasses
import itertools

import pytest
import torch

from agents.__main__ import main
from agents.registry import AGENTS, parse_agent
from agents.training.task import make_task, seeded
from agents.training.trainer import Run, make_learner, train, train_run
from frame_select_env import FrameSelectError, open_cache

SMALL = {"hidden_size": 4, "num_envs": 10, "gradient_steps": 2, "n_epochs": 2, "repeats": 1}
SMALL |= {"learning_starts": 1, "picks": 2, "stop": False, "train_freq": 2, "rollout_episodes": 1}


def small(agent, **more):
    """An agent that would stop by itself after one epoch, or after two by early stopping."""
    choice = parse_agent(agent)
    values = {**SMALL, "batch_size": 10, "epochs": 1, "patience": 1, "keep": "last", **more}
    names = {field.name for field in dataclasses.fields(choice.config)}
    config = dataclasses.replace(
        choice.config, **{name: value for name, value in values.items() if name in names}
    )
    return dataclasses.replace(choice, config=config)


def a_task(path, **limits):
    return make_task(open_cache(path), path, num_frames=6, target_frames=2, **limits)


def trained(path, agent, more=None, **limits):
    choice = small(agent, **(more or {}))
    task = a_task(path, **limits)
    return train(choice.design, open_cache(path), task, choice.config).last


@pytest.mark.parametrize("agent", sorted(AGENTS))
def test_every_agent_takes_exactly_as_many_updates(planted, agent):
    # Batches of 10 of the 32 training videos: three updates an epoch for those that count videos.
    last = trained(planted, agent, updates=7)
    assert last.updates == 7
    assert last.number > 1 or hasattr(parse_agent(agent).config, "num_envs")


@pytest.mark.parametrize("agent", ["soft-attention", "reinforce", "ppo", "dqn"])
def test_of_two_limits_the_first_that_is_reached_ends_training(planted, agent):
    plays = agent != "soft-attention"
    more = {"episodes": 2, "warm_start": 0}
    last = trained(planted, agent, more, budget=10**6, updates=3)
    assert last.updates == 3
    last = trained(planted, agent, more, budget=20, updates=500 if plays else 5)
    # The control scores no episodes, so the other limit is its own.
    assert (last.updates < 500 and 20 <= last.episodes < 40) if plays else last.updates == 5


def test_schedules_run_over_the_updates(planted):
    choice = small("ppo", learning_rate=0.5)
    task = a_task(planted, updates=8)
    learner = make_learner(choice.design, open_cache(planted), task, choice.config)
    rates = []
    learner.model.policy.optimizer.register_step_pre_hook(
        lambda optimiser, *_: rates.append((learner.updates, optimiser.param_groups[0]["lr"]))
    )
    number = itertools.count(1)
    while not learner.spent():
        with seeded(task, epoch := next(number)):
            learner.epoch(epoch)
    assert [update for update, _ in rates] == list(range(8))
    # SB3 sets the step size once for the updates of a rollout; it is that of the rollout's first.
    assert rates[0][1] == 0.5 and rates[-1][1] < 0.3
    assert all(rate in [0.5 * (1 - done / 8) for done in range(8)] for _, rate in rates)
    assert learner.progress() == 1


def test_progress_is_the_largest_share_of_a_limit(planted):
    choice = small("reinforce-sequential", episodes=2, epochs=10)
    cache = open_cache(planted)
    task = a_task(planted, budget=100, updates=40, cpu_seconds=8.0)
    learner = make_learner(choice.design, cache, task, choice.config)
    learner.episodes, learner.updates, learner.cpu_seconds = 10, 8, 2.0
    assert (learner.progress(), learner.spent()) == (0.25, False)  # 0.1, 0.2 and 0.25
    learner.updates = 41
    assert (learner.progress(), learner.spent()) == (1.0, True)
    # Without limits it is the share of the episodes of ten epochs of two per video.
    free = make_learner(choice.design, cache, a_task(planted), choice.config)
    free.episodes = len(free.task.fit_rows)
    assert free.progress() == pytest.approx(1 / 20)


def test_cpu_seconds_end_training_with_an_epoch(planted, monkeypatch):
    clock = itertools.count()  # one second at each look: one look before, and one after each epoch
    monkeypatch.setattr("agents.training.trainer.time.process_time", lambda: float(next(clock)))
    last = trained(planted, "soft-attention", cpu_seconds=2.5)
    assert (last.number, last.cpu_seconds) == (3, 3.0)
    last = trained(planted, "soft-attention", cpu_seconds=50.0, updates=4)
    assert (last.number, last.updates) == (2, 4)


def test_a_run_that_ends_amid_a_rollout_resumes_exactly(planted, tmp_path):
    choice = small("ppo-sequential", episodes=1)
    settings = {"num_frames": 6, "target_frames": 2, "updates": 79}
    run = Run(str(planted), choice, settings)

    def interrupt(epoch):
        if epoch.number == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_run(tmp_path / "parts", run, interrupt, checkpoint_seconds=0)
    parts = train_run(tmp_path / "parts", run, checkpoint_seconds=0)
    whole = train_run(tmp_path / "whole", run)
    assert (parts.last.updates, parts.last.number) == (79, whole.last.number)
    for one, other in zip(parts.network.parameters(), whole.network.parameters(), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        ({"updates": -1}, "updates=-1: must be a number of updates, or 0 for no limit"),
        ({"cpu_seconds": float("nan")}, "cpu_seconds=nan: must be a number of CPU seconds"),
        ({"cpu_seconds": float("inf")}, "cpu_seconds=inf: must be a number of CPU seconds"),
    ],
)
def test_limits_that_are_none(planted, limit, message):
    with pytest.raises(FrameSelectError, match=message):
        a_task(planted, **limit)


@pytest.mark.usefixtures("no_pictures")
def test_a_comparison_at_equal_updates_says_so(planted, tmp_path, capsys):
    out = tmp_path / "out"
    command = ["compare", "--data", str(planted), "--agents", "reinforce@hidden_size=4"]
    command += ["soft-attention@hidden_size=4", "--updates", "3", "--budget", "9999", "--seeds"]
    command += ["1", "--num-frames", "6", "--target-frames", "2", "--frames", "2", "--jobs", "1"]
    main([*command, "--resamples", "20", "--out", str(out)])
    with (out / "results.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if "@" in row["agent"] and row["reward"]]
    assert {row["updates"] for row in rows} == {"3"} and len({row["agent"] for row in rows}) == 2
    limits = {(row["budget"], row["budget_updates"], row["budget_cpu_seconds"]) for row in rows}
    assert limits == {("9999", "3", "0.0")}
    said = "each run ends with the update that reaches 9999 episodes or update 3, whichever comes"
    for name in ("summary.md", "report.html"):
        assert said in (out / name).read_text(encoding="utf-8")
