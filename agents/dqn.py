"""DQN on Sequential: dqn decides frame by frame, dqn-chunk over mini-batches of five frames."""

from dataclasses import dataclass
from typing import Any

from agents.decision_training import DecisionConfig, decision_env, decision_network, decisions
from agents.design import AgentDesign
from agents.sequential_agent import SequentialAgent
from agents.stable_baselines.dqn_learner import DQNConfig, DQNLearner
from agents.stable_baselines.learner import check_algorithm


@dataclass(frozen=True)
class SequentialDQNConfig(DecisionConfig, DQNConfig):
    """Hyper-parameters."""

    learning_rate: float = 3e-4
    dropout: float = 0.1
    explore: float = 0.3
    epsilon: float = 0.02


@dataclass(frozen=True)
class ChunkDQNConfig(SequentialDQNConfig):
    """Hyper-parameters."""

    chunk: int = 5
    n_steps: int = 5
    dropout: float = 0.3
    explore: float = 0.6
    epsilon: float = 0.1
    learning_starts: int = 640
    train_every: int = 5
    stretch: int = 5
    batch_size: int = 80


SEARCH = {
    "learning_rate": (3e-4, 1e-3, 3e-3),
    "hidden": (64, 128),
    "dropout": (0.1, 0.3),
    "n_steps": (1, 5, 25),
    "explore": (0.3, 0.6),
    "epsilon": (0.02, 0.1),
}


# An episode of dqn-chunk has five decisions.
CHUNK_SEARCH = {**SEARCH, "n_steps": (1, 2, 5)}


def _design(
    name: str, config: SequentialDQNConfig, search: dict[str, tuple[Any, ...]]
) -> AgentDesign:
    return AgentDesign(
        name=name,
        config=type(config),
        presets={"tuned": config},
        check=check_algorithm,
        network=decision_network,
        agent=lambda network, task, config: SequentialAgent(name, network, tie=False),
        learner=lambda cache, task, config: DQNLearner(
            cache, task, config, decision_network, decision_env(config), decisions(task, config)
        ),
        search=search,
    )


DESIGN = _design("dqn", SequentialDQNConfig(), SEARCH)
CHUNK_DESIGN = _design("dqn-chunk", ChunkDQNConfig(), CHUNK_SEARCH)
