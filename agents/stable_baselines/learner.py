"""An algorithm of Stable-Baselines3 as a learner: epochs, and a state without pickle."""

from abc import abstractmethod
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.logger import Logger

from agents.networks.feature_table import FeatureTable
from agents.networks.network import Network
from agents.stable_baselines.policies import IndexExtractor
from agents.stable_baselines.vec_env import BatchVecEnv
from agents.training.learner import AnnealedConfig, Learner
from agents.training.task import Task, env_keywords, epoch_seed
from frame_select_env import FeatureCache

NEVER = 10**9
COUNTERS = ("num_timesteps", "_n_updates", "_n_calls", "_episode_num")


@dataclass(frozen=True)
class AlgorithmConfig(AnnealedConfig):
    """Hyper-parameters of all algorithms of Stable-Baselines3.

    A subclass adds `env(task)`, the environment's id and keywords, and `steps(task)`, the largest
    number of decisions in an episode.
    """

    smallest: ClassVar[dict[str, float]] = {"batch_size": 2}
    #: Dropout in the network.
    dropout: float = 0.0
    #: Number of parallel environments.
    num_envs: int = 64
    #: Number of consecutive episodes with the same video, which is encoded once for all of them.
    repeats: int = 1


class LimitReachedError(Exception):
    """Ends training between two updates of one rollout, of which SB3 has no other way out."""


class AlgorithmLearner(Learner):
    """The state of a training run; a subclass makes the algorithm, which trains a copy."""

    flatten = False  # whether observations are one vector

    def __init__(self, network: Network, cache: FeatureCache, task: Task, config: Any) -> None:
        super().__init__(network, task, config)
        self.table = FeatureTable.read(
            cache, task.fit_rows, task.num_frames, task.fold, task.stream, task.device, task.view
        )
        if config.standardise:
            network.standardise(self.table.features, self.table.valid)
        name, keywords = config.env(task)
        self.env = BatchVecEnv(
            name,
            config.num_envs,
            rows=task.fit_rows,
            repeats=config.repeats,
            reward_scale=config.reward_scale,
            flatten=self.flatten,
            **env_keywords(task),
            **keywords,
        )
        self.steps = config.steps(task)
        policy_kwargs = {
            "features_extractor_class": IndexExtractor,
            "features_extractor_kwargs": {
                "table": self.table,
                "network": self.encoder(network),
            },
            "net_arch": [],
            "optimizer_kwargs": {"weight_decay": config.weight_decay},
        }
        self.model = self.make_model(policy_kwargs)
        self.model.set_logger(Logger(None, []))
        self.network = self.trained_network()
        optimiser: torch.optim.Optimizer = self.model.policy.optimizer
        optimiser.register_step_post_hook(self._after_update)
        self._counted = 0  # episodes of the environment that `episodes` includes
        # A whole number of episodes in every environment.
        rounds = -(-config.episodes * len(task.fit_rows) // config.num_envs)
        self.epoch_steps = rounds * config.num_envs * self.steps

    def encoder(self, network: Any) -> Network:
        """The network whose codes the policy's heads see; the policy gets a copy."""
        return network

    @abstractmethod
    def make_model(self, policy_kwargs: dict[str, Any]) -> BaseAlgorithm:
        """The algorithm on `self.env`."""

    def trained_network(self) -> Any:
        """The network that the algorithm trains."""
        return self.model.policy.features_extractor.network

    def _after_update(self, *_: Any) -> None:
        self.updates += 1
        self.update_average(self.network)
        if self.spent():
            raise LimitReachedError

    def epoch(self, number: int) -> dict[str, float]:
        """Let the algorithm take the epoch's steps, in episodes that start now."""
        model, env = self.model, self.env
        model.lr_schedule = lambda _: self.config.rate(self.progress())
        self.after_step()
        for module in model.policy.modules():
            if isinstance(module, Network):
                module.forget()
        env.seed(epoch_seed(self.task, number))
        model._last_obs = None  # so that `learn` resets the environment
        # From 0, so that a resumed run rounds its sum as an uninterrupted one does.
        before, env.returns = env.episodes, 0.0
        with suppress(LimitReachedError):
            model.learn(
                self.epoch_steps, lambda *_: self.after_step(), NEVER, reset_num_timesteps=False
            )
        self.after_epoch()
        self.timesteps = model.num_timesteps
        figures = {"reward": env.returns / max(env.episodes - before, 1)}
        for name in ("loss", "value_loss", "entropy_loss", "approx_kl", "clip_fraction"):
            found = model.logger.name_to_value.get(f"train/{name}")
            if found is not None:
                figures[name] = float(found)
        return figures

    def after_step(self) -> bool:
        """Count the episodes that have ended; returns whether the limits allow more."""
        self.episodes += self.env.episodes - self._counted
        self._counted = self.env.episodes
        return not self.spent()

    def after_epoch(self) -> None:
        """Called when an epoch ends, and with it the episodes that are still active."""

    def parts(self) -> dict[str, Any]:
        """The policy, with its value head or target network, and the optimiser."""
        return {"policy": self.model.policy, "optimiser": self.model.policy.optimizer}

    def state(self) -> dict[str, Any]:
        """All that a resumed run needs, with the algorithm's counters."""
        counters = {name: getattr(self.model, name, None) for name in COUNTERS}
        return {**super().state(), "counters": counters}

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
        super().load_state(state)
        for name, value in state["counters"].items():
            if value is not None:
                setattr(self.model, name, value)
