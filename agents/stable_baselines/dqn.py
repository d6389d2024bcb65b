"""DQN whose exploration is each environment's own and keeps to legal actions."""

from typing import Any

import numpy as np
from stable_baselines3 import DQN


class FrameDQN(DQN):
    """Stable-Baselines3's DQN with epsilon-greedy exploration environment by environment.

    SB3 tosses one coin for all of them: 64 environments then explore together or not at all. It
    also draws random actions without regard to masks. Nothing else differs. `exploration_rate` is
    set by the caller; its schedule is not used.
    """

    def _on_step(self) -> None:
        rate = self.exploration_rate
        super()._on_step()
        self.exploration_rate = rate
        # The copy to the target goes by `.data`, which counts no tensor's version up.
        self.q_net_target.features_extractor.network.forget()  # type: ignore[union-attr,operator]

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
        """Legal actions [count], each as likely as any other."""
        assert self.env is not None
        count_actions = int(self.action_space.n)  # type: ignore[attr-defined]
        preference = np.random.rand(count, count_actions)
        if self.env.has_attr("action_masks"):
            preference[~np.stack(self.env.env_method("action_masks"))] = -1
        return preference.argmax(1)
