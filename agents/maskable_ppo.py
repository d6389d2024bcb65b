"""MaskablePPO on Pick: a logit for adding each frame to the set; the mask forbids repeats."""

from dataclasses import dataclass

from agents.design import AgentDesign
from agents.pick_training import PickConfig, pick_agent, pick_env, set_network
from agents.stable_baselines.learner import check_algorithm
from agents.stable_baselines.ppo_learner import MaskablePPOLearner, PPOConfig


@dataclass(frozen=True)
class PickPPOConfig(PickConfig, PPOConfig):
    """Hyper-parameters."""

    hidden: int = 64
    passes: int = 2
    entropy: float = 0.003
    num_envs: int = 256
    repeats: int = 4
    batch_size: int = 1024


DESIGN = AgentDesign(
    name="maskable-ppo",
    config=PickPPOConfig,
    presets={"tuned": PickPPOConfig()},
    check=check_algorithm,
    network=set_network,
    agent=lambda network, task, config: pick_agent("maskable-ppo", network, task),
    learner=lambda cache, task, config: MaskablePPOLearner(
        cache, task, config, set_network, pick_env(task, config), task.select
    ),
    search={
        "learning_rate": (3e-4, 1e-3, 3e-3),
        "hidden": (64, 128),
        "passes": (2, 4, 8),
        "entropy": (0.0, 0.003, 0.01),
        "gae_lambda": (0.95, 1.0),
        "batch_size": (512, 1024, 2048),
    },
)
