"""DQN on Pick: a Q-value for adding each frame to the set, which sees the set."""

from dataclasses import dataclass

from agents.design import AgentDesign
from agents.pick_training import PickConfig, pick_agent, pick_env, set_network
from agents.stable_baselines.dqn_learner import DQNConfig, DQNLearner
from agents.stable_baselines.learner import check_algorithm


@dataclass(frozen=True)
class PickDQNConfig(PickConfig, DQNConfig):
    """Hyper-parameters."""

    learning_starts: int = 1024
    n_steps: int = 8
    train_every: int = 8
    stretch: int = 8
    batch_size: int = 128
    dropout: float = 0.3


DESIGN = AgentDesign(
    name="dqn-pick",
    config=PickDQNConfig,
    presets={"tuned": PickDQNConfig()},
    check=check_algorithm,
    network=set_network,
    agent=lambda network, task, config: pick_agent("dqn-pick", network, task),
    learner=lambda cache, task, config: DQNLearner(
        cache, task, config, set_network, pick_env(task, config), task.select
    ),
    search={
        "learning_rate": (3e-4, 1e-3, 3e-3),
        "hidden": (64, 128),
        "dropout": (0.1, 0.3),
        "n_steps": (1, 4, 8),
        "explore": (0.3, 0.6),
        "epsilon": (0.02, 0.1),
    },
)
