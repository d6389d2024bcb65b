"""PPO, with or without action masks, as a learner."""

from dataclasses import dataclass
from typing import Any

from sb3_contrib import MaskablePPO
from stable_baselines3 import PPO
from stable_baselines3.common.base_class import BaseAlgorithm

from agents.stable_baselines.learner import AlgorithmConfig, AlgorithmLearner
from agents.stable_baselines.policies import MaskableNetworkPolicy, NetworkPolicy


@dataclass(frozen=True)
class PPOConfig(AlgorithmConfig):
    """Hyper-parameters of PPO."""

    #: Episodes of each environment between two rounds of updates.
    waves: int = 1
    #: Transitions per update.
    batch_size: int = 256
    #: Passes over the transitions in a round of updates.
    passes: int = 4
    #: Clipping of the ratio of probabilities.
    clip_range: float = 0.2
    #: Weight of the policy's entropy.
    entropy: float = 0.0
    #: Lambda of the generalised advantage estimate.
    gae_lambda: float = 1.0
    #: Weight of the value loss.
    value_weight: float = 0.5


class PPOLearner(AlgorithmLearner):
    """The state of a training run of PPO."""

    algorithm: type[PPO] | type[MaskablePPO] = PPO
    policy: type[Any] = NetworkPolicy

    def make_model(self, policy_kwargs: dict[str, Any]) -> BaseAlgorithm:
        """PPO, with one rollout for every `waves` episodes."""
        config = self.config
        rollout = config.waves * self.steps
        return self.algorithm(
            self.policy,
            self.env,
            learning_rate=config.learning_rate,
            n_steps=rollout,
            batch_size=min(config.batch_size, rollout * config.num_envs),
            n_epochs=config.passes,
            gamma=1.0,
            gae_lambda=config.gae_lambda,
            clip_range=config.clip_range,
            ent_coef=config.entropy,
            vf_coef=config.value_weight,
            max_grad_norm=config.clip or float("inf"),
            policy_kwargs=policy_kwargs,
            device=self.task.device,
        )


class MaskablePPOLearner(PPOLearner):
    """The state of a training run of MaskablePPO."""

    algorithm = MaskablePPO
    policy = MaskableNetworkPolicy
