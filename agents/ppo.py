"""PPO, by Stable-Baselines3: ppo on OneShot, ppo-sequential on Sequential, maskable-ppo on Pick.

And ppo-glance on Glance, with action masks too.
"""

from dataclasses import dataclass
from typing import Any

from sb3_contrib import MaskablePPO
from stable_baselines3 import PPO
from stable_baselines3.common.base_class import BaseAlgorithm

from agents.networks.decision import DecisionConfig, make_decision_network
from agents.networks.frame_scorer import OneShotConfig, make_frame_scorer
from agents.networks.frame_set import PickConfig, make_frame_set_network
from agents.networks.glance import GLANCE_PRESET, GLANCE_REWARD, GlanceConfig, make_glance_network
from agents.rankings import PickAgent, ScorerAgent, SequentialAgent
from agents.stable_baselines.learner import AlgorithmConfig, AlgorithmLearner
from agents.stable_baselines.policies import MaskableNetworkPolicy, NetworkPolicy
from agents.training.design import AgentDesign


@dataclass(frozen=True)
class PPOConfig(AlgorithmConfig):
    """Hyper-parameters of PPO."""

    #: Number of episodes of each environment per rollout.
    rollout_episodes: int = 1
    #: Minibatch size: transitions per update.
    batch_size: int = 256
    #: Number of passes over the transitions of a rollout.
    n_epochs: int = 4
    #: Clipping range of the ratio of probabilities.
    clip_range: float = 0.2
    #: Entropy coefficient of the loss.
    ent_coef: float = 0.0
    #: Lambda of the generalised advantage estimate.
    gae_lambda: float = 1.0
    #: Value coefficient of the loss.
    vf_coef: float = 0.5


@dataclass(frozen=True)
class OneShotPPOConfig(OneShotConfig, PPOConfig):
    """Hyper-parameters of `ppo`."""


@dataclass(frozen=True)
class SequentialPPOConfig(DecisionConfig, PPOConfig):
    """Hyper-parameters of `ppo-sequential`."""


@dataclass(frozen=True)
class PickPPOConfig(PickConfig, PPOConfig):
    """Hyper-parameters of `maskable-ppo`."""


@dataclass(frozen=True)
class GlancePPOConfig(GlanceConfig, PPOConfig):
    """Hyper-parameters of `ppo-glance`."""


class PPOLearner(AlgorithmLearner):
    """The state of a training run of PPO."""

    algorithm: type[PPO] | type[MaskablePPO] = PPO
    policy: type[Any] = NetworkPolicy

    def make_model(self, policy_kwargs: dict[str, Any]) -> BaseAlgorithm:
        """PPO, with rollouts of whole episodes."""
        config = self.config
        rollout = config.rollout_episodes * self.steps
        return self.algorithm(
            self.policy,
            self.env,
            learning_rate=config.learning_rate,
            n_steps=rollout,
            batch_size=min(config.batch_size, rollout * config.num_envs),
            n_epochs=config.n_epochs,
            gamma=1.0,
            gae_lambda=config.gae_lambda,
            clip_range=config.clip_range,
            ent_coef=config.ent_coef,
            vf_coef=config.vf_coef,
            max_grad_norm=config.max_grad_norm or float("inf"),
            policy_kwargs=policy_kwargs,
            device=self.task.device,
        )


class MaskablePPOLearner(PPOLearner):
    """The state of a training run of MaskablePPO: illegal actions have probability 0."""

    algorithm = MaskablePPO
    policy = MaskableNetworkPolicy


DESIGN = AgentDesign(
    name="ppo",
    config=OneShotPPOConfig,
    presets={
        "tuned": OneShotPPOConfig(
            batch_size=512, n_epochs=8, ent_coef=0.003, rollout_episodes=8, repeats=4
        )
    },
    network=make_frame_scorer,
    agent=lambda network, task, config: ScorerAgent("ppo", network),
    learner=PPOLearner,
    search={
        "learning_rate": (3e-4, 1e-3, 3e-3),
        "hidden_size": (64, 128),
        "n_epochs": (2, 4, 8),
        "batch_size": (128, 256, 512),
        "ent_coef": (0.0, 0.003, 0.01),
        "clip_range": (0.1, 0.2),
    },
)

SEQUENTIAL_DESIGN = AgentDesign(
    name="ppo-sequential",
    config=SequentialPPOConfig,
    presets={"tuned": SequentialPPOConfig(num_envs=256, repeats=4, batch_size=6400)},
    network=make_decision_network,
    agent=lambda network, task, config: SequentialAgent("ppo-sequential", network),
    learner=PPOLearner,
    search={
        "learning_rate": (3e-4, 1e-3, 3e-3),
        "hidden_size": (64, 128),
        "n_epochs": (2, 4, 8),
        "ent_coef": (0.0, 0.003, 0.01),
        "gae_lambda": (0.95, 1.0),
        "batch_size": (3200, 6400),
    },
)

MASKABLE_DESIGN = AgentDesign(
    name="maskable-ppo",
    config=PickPPOConfig,
    presets={
        "tuned": PickPPOConfig(
            hidden_size=64, n_epochs=2, ent_coef=0.003, num_envs=256, repeats=4, batch_size=1024
        )
    },
    network=make_frame_set_network,
    agent=lambda network, task, config: PickAgent("maskable-ppo", network, task.target_frames),
    learner=MaskablePPOLearner,
    search={**SEQUENTIAL_DESIGN.search, "batch_size": (512, 1024, 2048)},
)

GLANCE_DESIGN = AgentDesign(
    name="ppo-glance",
    config=GlancePPOConfig,
    presets={
        "tuned": GlancePPOConfig(
            **GLANCE_PRESET,
            n_epochs=2,
            ent_coef=0.01,
            num_envs=256,
            repeats=8,
            batch_size=1024,
        )
    },
    network=make_glance_network,
    agent=lambda network, task, config: PickAgent("ppo-glance", network, config.steps(task)),
    learner=MaskablePPOLearner,
    search={**SEQUENTIAL_DESIGN.search, "batch_size": (512, 1024, 2048)},
    reward=GLANCE_REWARD,
)
