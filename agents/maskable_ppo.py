"""MaskablePPO on Pick: a logit for adding each frame to the set; the mask forbids repeats."""

from dataclasses import dataclass

from agents.design import AgentDesign
from agents.pick_training import PickConfig, pick_agent, pick_env, set_network
from agents.stable_baselines.learner import check_algorithm
from agents.stable_baselines.ppo_learner import MaskablePPOLearner, PPOConfig
from agents.task import Task
from frame_select_env import FeatureCache


@dataclass(frozen=True)
class PickPPOConfig(PickConfig, PPOConfig):
    """Hyper-parameters."""

    hidden: int = 64
    passes: int = 2
    entropy: float = 0.003
    num_envs: int = 256
    repeats: int = 4
    batch_size: int = 1024


class Learner(MaskablePPOLearner):
    """The state of a training run.

    Args:
        cache: The cache.
        task: What is trained on, and for which reward.
        config: Hyper-parameters.
    """

    def __init__(self, cache: FeatureCache, task: Task, config: PickPPOConfig) -> None:
        env = pick_env(task, config)
        super().__init__(cache, task, config, set_network, env, task.select)


DESIGN = AgentDesign(
    name="maskable-ppo",
    config=PickPPOConfig,
    presets={"tuned": PickPPOConfig()},
    check=check_algorithm,
    network=set_network,
    agent=lambda network, task, config: pick_agent("maskable-ppo", network, task),
    learner=Learner,
    search={
        "learning_rate": (3e-4, 1e-3, 3e-3),
        "hidden": (64, 128),
        "passes": (2, 4, 8),
        "entropy": (0.0, 0.003, 0.01),
        "gae_lambda": (0.95, 1.0),
        "batch_size": (512, 1024, 2048),
    },
)
