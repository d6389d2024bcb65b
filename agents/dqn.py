"""DQN, by Stable-Baselines3, on Sequential (dqn, dqn-chunk), Pick (dqn-pick), Glance (dqn-glance).

dqn decides frame by frame, dqn-chunk on five frames at a time; dqn-pick has a Q-value for adding
each frame to the set picked so far; dqn-glance one for looking at each frame, and for answering.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from stable_baselines3 import DQN
from stable_baselines3.common.base_class import BaseAlgorithm

from agents.networks.decision import DecisionConfig, make_decision_network
from agents.networks.frame_set import PickConfig, make_frame_set_network
from agents.networks.glance import GLANCE_PRESET, GLANCE_REWARD, GlanceConfig, make_glance_network
from agents.rankings import PickAgent, SequentialAgent
from agents.stable_baselines.learner import AlgorithmConfig, AlgorithmLearner
from agents.stable_baselines.policies import NetworkQPolicy
from agents.stable_baselines.replay import SequenceReplayBuffer
from agents.training.design import AgentDesign
from agents.training.learner import linear_schedule


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


@dataclass(frozen=True)
class SequentialDQNConfig(DecisionConfig, DQNConfig):
    """Hyper-parameters of `dqn` and `dqn-chunk`."""


@dataclass(frozen=True)
class PickDQNConfig(PickConfig, DQNConfig):
    """Hyper-parameters of `dqn-pick`."""


@dataclass(frozen=True)
class GlanceDQNConfig(GlanceConfig, DQNConfig):
    """Hyper-parameters of `dqn-glance`."""


SAMPLING = ("sequence_length", "n_steps")  # hyper-parameters of the replay buffer


class FrameDQN(DQN):
    """Stable-Baselines3's DQN with epsilon-greedy exploration in each environment by itself.

    SB3 draws once for all environments, so that 64 of them explore together or not at all, and its
    random actions ignore action masks. Nothing else differs. The learner sets `exploration_rate`;
    SB3's schedule is not used.
    """

    def _on_step(self) -> None:
        rate = self.exploration_rate
        super()._on_step()
        self.exploration_rate = rate
        # SB3 updates the target now, through `.data`, which increments no tensor's version.
        if self._n_calls % max(self.target_update_interval // self.n_envs, 1) == 0:
            self.q_net_target.features_extractor.network.forget()  # type: ignore

    def _sample_action(
        self, learning_starts: int, action_noise: Any = None, n_envs: int = 1
    ) -> tuple[np.ndarray, np.ndarray]:
        """Epsilon-greedy from the first step on: epsilon starts at 1."""
        return super()._sample_action(0, action_noise, n_envs)

    def predict(
        self,
        observation: Any,
        state: Any = None,
        episode_start: np.ndarray | None = None,
        deterministic: bool = False,
    ) -> tuple[np.ndarray, Any]:
        """Greedy actions [B]; unless `deterministic`, each is random with probability epsilon."""
        actions, state = self.policy.predict(observation, state, episode_start, True)
        if not deterministic:
            explores = np.random.rand(len(actions)) < self.exploration_rate
            actions = np.where(explores, self._random_actions(len(actions)), actions)
        return actions, state

    def _random_actions(self, count: int) -> np.ndarray:
        """Legal actions [count], uniformly distributed."""
        assert self.env is not None
        preference = np.random.rand(count, int(self.action_space.n))  # type: ignore[attr-defined]
        if self.env.has_attr("action_masks"):
            preference[~np.stack(self.env.env_method("action_masks"))] = -1
        return preference.argmax(1)


class DQNLearner(AlgorithmLearner):
    """The state of a training run of DQN, with its replay buffer."""

    flatten = True  # SB3's n-step returns take no Dict observation
    model: FrameDQN

    def make_model(self, policy_kwargs: dict[str, Any]) -> BaseAlgorithm:
        """DQN with a replay buffer of index observations."""
        config = self.config
        return FrameDQN(
            NetworkQPolicy,
            self.env,
            learning_rate=config.learning_rate,
            buffer_size=config.buffer_size,
            learning_starts=config.learning_starts,
            batch_size=config.batch_size,
            gamma=1.0,
            train_freq=config.train_freq,
            gradient_steps=config.gradient_steps,
            replay_buffer_class=SequenceReplayBuffer,
            replay_buffer_kwargs={name: getattr(config, name) for name in SAMPLING},
            target_update_interval=max(config.target_update_interval, config.num_envs),
            max_grad_norm=config.max_grad_norm or float("inf"),
            policy_kwargs=policy_kwargs,
            device=self.task.device,
        )

    def trained_network(self) -> Any:
        """The network of the Q-values, not the target network."""
        return self.model.q_net.features_extractor.network

    def after_step(self) -> bool:
        """Count the episodes that have ended, and set epsilon."""
        more = super().after_step()
        config = self.config
        self.model.exploration_rate = linear_schedule(
            1.0, config.exploration_final_eps, config.exploration_fraction, self.progress()
        )
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
    search={**SEARCH, "n_steps": (1, 4, 12)},
    reward=GLANCE_REWARD,
)
