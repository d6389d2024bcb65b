"""DQN, by Stable-Baselines3, on Sequential (dqn, dqn-chunk), Pick (dqn-pick), Glance (dqn-glance).

dqn decides frame by frame, dqn-chunk on five frames at a time; dqn-pick has a Q-value for adding
each frame to the set picked so far; dqn-glance one for looking at each frame, and for answering.
"""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from stable_baselines3.common.base_class import BaseAlgorithm

from agents.networks.decision import DecisionConfig, make_decision_network
from agents.networks.frame_set import PickConfig, make_frame_set_network
from agents.networks.glance import GLANCE_PRESET, GLANCE_REWARD, GlanceConfig, make_glance_network
from agents.rankings import PickAgent, SequentialAgent
from agents.stable_baselines.dqn_targets import (
    Targets,
    double_targets,
    munchausen_targets,
    plain_targets,
)
from agents.stable_baselines.frame_dqn import FrameDQN
from agents.stable_baselines.learner import AlgorithmConfig, AlgorithmLearner
from agents.stable_baselines.policies import NetworkQPolicy
from agents.stable_baselines.prioritized_replay import PrioritizedReplayBuffer
from agents.stable_baselines.replay import SequenceReplayBuffer
from agents.training.design import AgentDesign, check_ranges
from agents.training.learner import linear_schedule
from frame_select_env import FrameSelectError


@dataclass(frozen=True)
class DQNConfig(AlgorithmConfig):
    """Hyper-parameters of DQN."""

    #: Size of the replay buffer, in transitions.
    buffer_size: int = 200_000
    #: Number of transitions to collect before the first update.
    learning_starts: int = 3200
    #: Minibatch size: transitions per update.
    batch_size: int = 400
    #: Number of consecutive transitions sampled together; their video is encoded once.
    sequence_length: int = 25
    #: Number of updates after each rollout.
    gradient_steps: int = 4
    #: Number of steps of the parallel environments per rollout.
    train_freq: int = 25
    #: Number of rewards in an n-step return; 25 frames are a whole episode of dqn.
    n_steps: int = 25
    #: Number of transitions between two updates of the target network.
    target_update_interval: int = 3200
    #: Fraction of the budget over which epsilon falls from 1 to its final value.
    exploration_fraction: float = 0.5
    #: Final value of epsilon.
    exploration_final_eps: float = 0.05
    #: Bootstrap from the target network's value of the action that the trained network prefers
    #: (double Q-learning). Of no effect where every return spans an episode, as n_steps may say.
    double_q: bool = False
    #: Munchausen targets: the policy is a softmax of the Q-values, its logarithm is added to the
    #: reward, and returns bootstrap from the soft value.
    munchausen: bool = False
    #: Factor of the log-policy in Munchausen targets.
    munchausen_alpha: float = 0.9
    #: Temperature of the softmax in Munchausen targets, in units of the scaled reward.
    munchausen_tau: float = 0.03
    #: Least value of the temperature times the log-policy, l0 in the paper.
    munchausen_clip: float = -1.0
    #: Sample sequences by their TD errors instead of uniformly.
    prioritized_replay: bool = False
    #: Exponent of a transition's priority, |TD error|; a sequence is drawn by the mean priority.
    prioritized_replay_alpha: float = 0.6
    #: Initial exponent of the importance weights; it rises linearly to 1 over the budget.
    prioritized_replay_beta0: float = 0.4
    #: What is added to |TD error| in priorities.
    prioritized_replay_eps: float = 1e-6

    def targets(self) -> Targets:
        """What the Q-values are regressed on."""
        if self.munchausen:
            return partial(
                munchausen_targets,
                alpha=self.munchausen_alpha,
                tau=self.munchausen_tau,
                clip=self.munchausen_clip,
            )
        return double_targets if self.double_q else plain_targets

    def replay(self) -> tuple[type[SequenceReplayBuffer], dict[str, Any]]:
        """The class of the replay buffer, and its arguments besides SB3's."""
        keywords = {"sequence_length": self.sequence_length, "n_steps": self.n_steps}
        if not self.prioritized_replay:
            return SequenceReplayBuffer, keywords
        return PrioritizedReplayBuffer, {
            **keywords,
            "alpha": self.prioritized_replay_alpha,
            "beta": self.prioritized_replay_beta0,
            "eps": self.prioritized_replay_eps,
        }


@dataclass(frozen=True)
class SequentialDQNConfig(DecisionConfig, DQNConfig):
    """Hyper-parameters of `dqn` and `dqn-chunk`."""


@dataclass(frozen=True)
class PickDQNConfig(PickConfig, DQNConfig):
    """Hyper-parameters of `dqn-pick`."""


@dataclass(frozen=True)
class GlanceDQNConfig(GlanceConfig, DQNConfig):
    """Hyper-parameters of `dqn-glance`."""


class DQNLearner(AlgorithmLearner):
    """The state of a training run of DQN, with its replay buffer."""

    flatten = True  # SB3's n-step returns take no Dict observation
    model: FrameDQN

    def make_model(self, policy_kwargs: dict[str, Any]) -> BaseAlgorithm:
        """DQN with a replay buffer of index observations."""
        config = self.config
        buffer, keywords = config.replay()
        model = FrameDQN(
            NetworkQPolicy,
            self.env,
            learning_rate=config.learning_rate,
            buffer_size=config.buffer_size,
            learning_starts=config.learning_starts,
            batch_size=config.batch_size,
            gamma=1.0,
            train_freq=config.train_freq,
            gradient_steps=config.gradient_steps,
            replay_buffer_class=buffer,
            replay_buffer_kwargs=keywords,
            target_update_interval=max(config.target_update_interval, config.num_envs),
            max_grad_norm=config.max_grad_norm or float("inf"),
            policy_kwargs=policy_kwargs,
            device=self.task.device,
        )
        model.targets = config.targets()
        return model

    def trained_network(self) -> Any:
        """The network of the Q-values, not the target network."""
        return self.model.q_net.features_extractor.network

    def after_step(self) -> bool:
        """Count the episodes that have ended, and set epsilon and beta."""
        more = super().after_step()
        config, progress = self.config, self.progress()
        self.model.exploration_rate = linear_schedule(
            1.0, config.exploration_final_eps, config.exploration_fraction, progress
        )
        if isinstance(self.buffer, PrioritizedReplayBuffer):
            self.buffer.beta = linear_schedule(config.prioritized_replay_beta0, 1.0, 1.0, progress)
        return more

    def after_epoch(self) -> None:
        """Truncate the episodes in the buffer, so that no return runs into the next epoch's."""
        self.buffer.truncate()

    @property
    def buffer(self) -> SequenceReplayBuffer:
        """The replay buffer."""
        assert isinstance(self.model.replay_buffer, SequenceReplayBuffer)
        return self.model.replay_buffer

    def parts(self) -> dict[str, Any]:
        """The policy, the optimiser and the replay buffer."""
        return {**super().parts(), "replay": self.buffer}


def check(config: DQNConfig) -> None:
    """Raise FrameSelectError if a hyper-parameter is out of range, or two exclude each other."""
    check_ranges(config)
    if config.munchausen_clip > 0:
        raise FrameSelectError(f"munchausen_clip={config.munchausen_clip}: must be at most 0")
    if config.munchausen and config.double_q:
        raise FrameSelectError(
            "double_q=True: Munchausen targets take no maximum that it could correct; set "
            "double_q=False or munchausen=False"
        )


# Whose code, besides this file's, makes a run what it is.
MODULES = tuple(
    f"agents.stable_baselines.{name}"
    for name in ("dqn_targets", "frame_dqn", "prioritized_replay", "replay")
)

SEARCH = {
    "learning_rate": (3e-4, 1e-3, 3e-3),
    "hidden_size": (64, 128),
    "dropout": (0.1, 0.3),
    "n_steps": (1, 5, 25),
    "exploration_fraction": (0.3, 0.6),
    "exploration_final_eps": (0.02, 0.1),
}

DESIGN = AgentDesign(
    name="dqn",
    config=SequentialDQNConfig,
    presets={
        "tuned": SequentialDQNConfig(
            learning_rate=3e-4, dropout=0.1, exploration_fraction=0.3, exploration_final_eps=0.02
        )
    },
    network=make_decision_network,
    agent=lambda network, task, config: SequentialAgent("dqn", network, tie=False),
    learner=DQNLearner,
    check=check,
    modules=MODULES,
    search=SEARCH,
)

CHUNK_DESIGN = replace(
    DESIGN,
    name="dqn-chunk",
    presets={
        "tuned": SequentialDQNConfig(
            chunk=5,  # an episode has five decisions
            n_steps=5,
            train_freq=5,
            sequence_length=5,
            batch_size=80,
            learning_starts=640,
            learning_rate=3e-4,
            dropout=0.3,
            exploration_fraction=0.6,
            exploration_final_eps=0.1,
        )
    },
    agent=lambda network, task, config: SequentialAgent("dqn-chunk", network, tie=False),
    search={**SEARCH, "n_steps": (1, 2, 5)},
)

PICK_DESIGN = AgentDesign(
    name="dqn-pick",
    config=PickDQNConfig,
    presets={
        "tuned": PickDQNConfig(
            n_steps=8,
            train_freq=8,
            sequence_length=8,
            batch_size=128,
            learning_starts=1024,
            dropout=0.3,
        )
    },
    network=make_frame_set_network,
    agent=lambda network, task, config: PickAgent("dqn-pick", network, task.target_frames),
    learner=DQNLearner,
    check=check,
    modules=MODULES,
    search={**SEARCH, "n_steps": (1, 4, 8)},
)

# With as many steps in a return as an episode has, Q is regressed on returns.
GLANCE_DESIGN = AgentDesign(
    name="dqn-glance",
    config=GlanceDQNConfig,
    presets={
        "tuned": GlanceDQNConfig(
            **GLANCE_PRESET,
            n_steps=12,
            train_freq=12,
            sequence_length=12,
            batch_size=768,
            gradient_steps=8,
            learning_starts=3072,
            num_envs=256,
            repeats=8,
            exploration_fraction=0.6,
        )
    },
    network=make_glance_network,
    agent=lambda network, task, config: PickAgent("dqn-glance", network, config.steps(task)),
    learner=DQNLearner,
    check=check,
    modules=MODULES,
    search={**SEARCH, "n_steps": (1, 4, 12)},
    reward=GLANCE_REWARD,
)
