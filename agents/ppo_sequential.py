"""PPO on Sequential: keep or discard the frame at the cursor."""

from dataclasses import dataclass

from agents.decision_training import DecisionConfig, decision_env, decision_network, decisions
from agents.design import AgentDesign
from agents.sequential_agent import SequentialAgent
from agents.stable_baselines.learner import check_algorithm
from agents.stable_baselines.ppo_learner import PPOConfig, PPOLearner


@dataclass(frozen=True)
class SequentialPPOConfig(DecisionConfig, PPOConfig):
    """Hyper-parameters."""

    num_envs: int = 256
    repeats: int = 4
    batch_size: int = 6400


DESIGN = AgentDesign(
    name="ppo-sequential",
    config=SequentialPPOConfig,
    presets={"tuned": SequentialPPOConfig()},
    check=check_algorithm,
    network=decision_network,
    agent=lambda network, task, config: SequentialAgent("ppo-sequential", network),
    learner=lambda cache, task, config: PPOLearner(
        cache, task, config, decision_network, decision_env(config), decisions(task, config)
    ),
    search={
        "learning_rate": (3e-4, 1e-3, 3e-3),
        "hidden": (64, 128),
        "passes": (2, 4, 8),
        "entropy": (0.0, 0.003, 0.01),
        "gae_lambda": (0.95, 1.0),
        "batch_size": (3200, 6400),
    },
)
