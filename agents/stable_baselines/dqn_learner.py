"""DQN as a learner."""

from dataclasses import dataclass
from typing import Any

from stable_baselines3.common.base_class import BaseAlgorithm

from agents.learner import falling
from agents.networks import Network
from agents.stable_baselines.dqn import FrameDQN
from agents.stable_baselines.learner import AlgorithmConfig, AlgorithmLearner
from agents.stable_baselines.policies import NetworkQPolicy
from agents.stable_baselines.replay import StretchReplayBuffer


@dataclass(frozen=True)
class DQNConfig(AlgorithmConfig):
    """Hyper-parameters of DQN."""

    #: Transitions in the replay buffer.
    buffer_size: int = 200_000
    #: Transitions before the first update.
    learning_starts: int = 3200
    #: Transitions per update.
    batch_size: int = 400
    #: Consecutive transitions in a batch; those of one video share the work of encoding it.
    stretch: int = 25
    #: Updates in a round.
    gradient_steps: int = 4
    #: Steps of the batch of environments between rounds of updates.
    train_every: int = 25
    #: Rewards that a target adds up before it bootstraps; 25 frames are a whole episode.
    n_steps: int = 25
    #: Transitions between two copies to the target network.
    target_every: int = 3200
    #: Share of the budget over which epsilon falls from 1 to its end.
    explore: float = 0.5
    #: The last epsilon.
    epsilon: float = 0.05


class DQNLearner(AlgorithmLearner):
    """The state of a training run of DQN."""

    flatten = True  # n-step returns take no Dict observation
    model: FrameDQN

    def make_model(self, policy_kwargs: dict[str, Any]) -> BaseAlgorithm:
        """DQN with a buffer of index observations."""
        config = self.config
        return FrameDQN(
            NetworkQPolicy,
            self.env,
            learning_rate=config.learning_rate,
            buffer_size=config.buffer_size,
            learning_starts=config.learning_starts,
            batch_size=config.batch_size,
            gamma=1.0,
            train_freq=config.train_every,
            gradient_steps=config.gradient_steps,
            replay_buffer_class=StretchReplayBuffer,
            replay_buffer_kwargs={"stretch": config.stretch, "n_steps": config.n_steps},
            target_update_interval=max(config.target_every, config.num_envs),
            max_grad_norm=config.clip or float("inf"),
            policy_kwargs=policy_kwargs,
            device=self.task.device,
        )

    def live_network(self) -> Network:
        """The network of the Q-values, not of the targets."""
        network = self.model.q_net.features_extractor.network
        assert isinstance(network, Network)
        return network

    def after_step(self) -> bool:
        """Set epsilon too."""
        more = super().after_step()
        config = self.config
        rate = falling(1.0, config.epsilon, config.explore, self.progress())
        self.model.exploration_rate = rate
        return more

    def after_epoch(self) -> None:
        """Mark the last transitions as cut off, so that no return runs into the next episodes."""
        self.buffer.cut()

    @property
    def buffer(self) -> StretchReplayBuffer:
        """The replay buffer."""
        assert isinstance(self.model.replay_buffer, StretchReplayBuffer)
        return self.model.replay_buffer

    def parts(self) -> dict[str, Any]:
        """The replay buffer too."""
        return {**super().parts(), "replay": self.buffer}
