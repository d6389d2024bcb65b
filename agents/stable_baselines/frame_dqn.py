"""Stable-Baselines3's DQN, with our exploration, and with targets and weights of choice."""

from typing import Any

import numpy as np
import torch
from stable_baselines3 import DQN
from torch import Tensor
from torch.nn import functional

from agents.stable_baselines.dqn_targets import Targets, plain_targets


class FrameDQN(DQN):
    """Stable-Baselines3's DQN with epsilon-greedy exploration in each environment by itself.

    SB3 draws once for all environments, so that 64 of them explore together or not at all, and its
    random actions ignore action masks. Its updates have neither other targets nor weights. Nothing
    else differs. The learner sets `exploration_rate`; SB3's schedule is not used.

    Attributes:
        targets: What Q-values are regressed on.
    """

    targets: Targets = staticmethod(plain_targets)

    def _on_step(self) -> None:
        rate = self.exploration_rate
        super()._on_step()
        self.exploration_rate = rate
        # SB3 updates the target now, through `.data`, which increments no tensor's version.
        if self._n_calls % max(self.target_update_interval // self.n_envs, 1) == 0:
            self.q_net_target.features_extractor.network.forget()  # type: ignore

    def train(self, gradient_steps: int, batch_size: int = 100) -> None:
        """SB3's updates, with `targets` and with the weights of the replay buffer's samples."""
        buffer: Any = self.replay_buffer
        self.policy.set_training_mode(True)
        self._update_learning_rate(self.policy.optimizer)
        losses = []
        for _ in range(gradient_steps):
            batch = buffer.sample(batch_size)
            with torch.no_grad():
                targets = self.targets(batch, self.q_net_target, self._greedy_values)
            values = self.q_net(batch.observations).gather(1, batch.actions.long())
            error = functional.smooth_l1_loss(values, targets, reduction="none")
            loss = (batch.weights * error).mean()
            losses.append(loss.item())
            self.policy.optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.policy.parameters(), self.max_grad_norm)
            self.policy.optimizer.step()
            distance = (values.detach() - targets)[:, 0]
            buffer.update_priorities(batch.places, distance.cpu().numpy())
        self._n_updates += gradient_steps
        self.logger.record("train/loss", np.mean(losses))

    def _greedy_values(self, observations: Any) -> Tensor:
        """Q-values [B, n] of the policy that is played: without dropout."""
        self.policy.set_training_mode(False)
        values = self.q_net(observations)
        self.policy.set_training_mode(True)
        return values

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
