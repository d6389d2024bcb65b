"""The table of tasks: who meets which task as what, and that the tasks hold together."""

import pytest

from agents.networks.glance import GLANCE_REWARD
from agents.registry import parse_agent
from agents.suite.tasks import CORPORA, TASKS, agent_for, agents_for, suite_task
from frame_select_env import FrameSelectError


def test_where_looks_cost_an_agent_is_its_familys_variant() -> None:
    named = ["reinforce", "reinforce-sequential@hidden_size=8", "ppo", "dqn-pick", "dqn-glance"]
    assert agents_for(TASKS["glance"], [*named, "soft-attention", "maskable-ppo"]) == {
        "reinforce": "reinforce-glance",
        "reinforce-sequential@hidden_size=8": "reinforce-glance",
        "ppo": "ppo-glance",
        "dqn-pick": "dqn-glance",
        "dqn-glance": "dqn-glance",
    }
    assert agent_for(TASKS["context"], "dqn-glance@gamma=1") is None
    assert agent_for(TASKS["context"], "dqn@gamma=1") == "dqn@gamma=1"


def test_what_counts_decisions_grows_with_the_video() -> None:
    """As many updates per episode, and as many episodes per update, whatever its length."""
    assert agent_for(TASKS["context"], "dqn") == "dqn"
    assert agent_for(TASKS["needle"], "dqn@hidden_size=8,n_steps=1") == (
        "dqn@hidden_size=8,n_steps=1,train_freq=100,sequence_length=100,batch_size=1600,"
        "learning_starts=12800,target_update_interval=12800"
    )
    long = parse_agent(agent_for(TASKS["long"], "dqn")).config
    assert (long.n_steps, long.train_freq, long.sequence_length) == (300, 300, 300)
    assert long.batch_size == 16 * 300 and long.learning_starts == 128 * 300
    chunk = parse_agent(agent_for(TASKS["redundancy"], "dqn-chunk")).config
    assert (chunk.chunk, chunk.n_steps, chunk.batch_size) == (5, 8, 128)
    ppo = parse_agent(agent_for(TASKS["needle"], "ppo-sequential")).config
    assert ppo.batch_size == 4 * 6400
    for agent in ("reinforce", "dqn-pick", "plackett-luce", "reinforce-sequential"):
        assert agent_for(TASKS["long"], agent) == agent


@pytest.mark.parametrize("name", TASKS)
def test_a_task_holds_together(name: str) -> None:
    task = TASKS[name]
    recipe = CORPORA[task.corpus].recipe
    longest = recipe.length if task.corpus == "needle" else recipe.lengths[1]
    key = recipe.needle if task.corpus == "needle" else recipe.run_length
    assert longest <= task.num_frames and max(task.frames) <= task.num_frames
    assert task.target_frames == key and key in task.frames
    assert list(task.frames) == sorted(set(task.frames))


def test_a_look_costs_what_the_agents_are_paid() -> None:
    (price,) = (task.price for task in TASKS.values() if task.price is not None)
    assert GLANCE_REWARD["looks"] == -price


def test_an_unknown_task_is_one_line() -> None:
    with pytest.raises(
        FrameSelectError, match=r"task 'lang'; did you mean 'long'\? known: context, g"
    ):
        suite_task("lang")
