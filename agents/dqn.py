"""DQN on Sequential: dqn decides frame by frame, dqn-chunk over mini-batches of five frames."""

from dataclasses import dataclass

from agents.decision_training import DecisionConfig, decision_env, decision_network, decisions
from agents.design import AgentDesign
from agents.sequential_agent import SequentialAgent
from agents.stable_baselines.dqn_learner import DQNConfig, DQNLearner
from agents.stable_baselines.learner import check_algorithm
from agents.task import Task
from frame_select_env import FeatureCache


@dataclass(frozen=True)
class SequentialDQNConfig(DecisionConfig, DQNConfig):
    """Hyper-parameters."""

    dropout: float = 0.3


@dataclass(frozen=True)
class ChunkDQNConfig(SequentialDQNConfig):
    """Hyper-parameters."""

    chunk: int = 5
    learning_starts: int = 640
    train_every: int = 5
    stretch: int = 5
    batch_size: int = 80


class Learner(DQNLearner):
    """The state of a training run.

    Args:
        cache: The cache.
        task: What is trained on, and for which reward.
        config: Hyper-parameters.
    """

    def __init__(self, cache: FeatureCache, task: Task, config: SequentialDQNConfig) -> None:
        env, steps = decision_env(config), decisions(task, config)
        super().__init__(cache, task, config, decision_network, env, steps)


SEARCH = {
    "learning_rate": (3e-4, 1e-3, 3e-3),
    "hidden": (64, 128),
    "dropout": (0.1, 0.3),
    "n_steps": (1, 5, 25),
    "explore": (0.3, 0.6),
    "epsilon": (0.02, 0.1),
}


def _design(name: str, config: SequentialDQNConfig) -> AgentDesign:
    return AgentDesign(
        name=name,
        config=type(config),
        presets={"tuned": config},
        check=check_algorithm,
        network=decision_network,
        agent=lambda network, task, config: SequentialAgent(name, network, tie=False),
        learner=Learner,
        search=SEARCH,
    )


DESIGN = _design("dqn", SequentialDQNConfig())
CHUNK_DESIGN = _design("dqn-chunk", ChunkDQNConfig())
