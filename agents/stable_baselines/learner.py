"""An algorithm of Stable-Baselines3 as a learner of ours: epochs, and a state without pickle."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger

from agents.bridge import BatchVecEnv
from agents.feature_table import FeatureTable
from agents.learner import AnnealedConfig, Learner, follow
from agents.networks import Network
from agents.ranges import check_ranges
from agents.seeding import epoch_seed
from agents.stable_baselines.policies import policy_keywords
from agents.task import Task, env_keywords
from frame_select_env import FeatureCache, FrameSelectError

NEVER = 10**9
MakeNetwork = Callable[[FeatureCache, Task, Any], Network]


@dataclass(frozen=True)
class AlgorithmConfig(AnnealedConfig):
    """Hyper-parameters that all algorithms of Stable-Baselines3 share here."""

    #: Dropout in the network.
    dropout: float = 0.0
    #: Environments in the batch.
    num_envs: int = 64
    #: Episodes of a video in a row, which share the work of encoding it.
    repeats: int = 1


def check_algorithm(config: Any) -> None:
    """Refuse hyper-parameters that make no sense.

    Raises:
        FrameSelectError: naming the hyper-parameter and what is allowed.
    """
    check_ranges(config)
    if config.batch_size < 2:
        raise FrameSelectError(f"batch_size={config.batch_size}: must be at least 2")


class AlgorithmLearner(Learner):
    """The state of a training run; a subclass makes the algorithm.

    Args:
        cache: The cache.
        task: What is trained on, and for which reward.
        config: Hyper-parameters.
        make_network: (cache, task, config) -> the network as the task's seed initialises it.
        env: The environment's name and keywords, beside those of the task.
        steps: Decisions of one episode, at most.

    Attributes:
        env: The batch of environments. table: The features of the training videos.
        model: The algorithm. network: What it optimises.
    """

    flatten = False

    def __init__(
        self,
        cache: FeatureCache,
        task: Task,
        config: Any,
        make_network: MakeNetwork,
        env: tuple[str, dict[str, Any]],
        steps: int = 1,
    ) -> None:
        network = make_network(cache, task, config)
        super().__init__(task, config, network)
        self.steps = steps
        self.table = FeatureTable.read(
            cache, task.fit_rows, task.num_frames, task.fold, task.stream, task.device
        )
        if config.standardise:
            network.standardise(self.table.features, self.table.valid)
        name, keywords = env
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
        first = self.average.state_dict()

        def make() -> Network:
            network = make_network(cache, task, config)
            network.load_state_dict(first)
            return network

        self.model = self.make_model(policy_keywords(make, self.table, config.weight_decay))
        self.model.set_logger(Logger(None, []))
        self.network = self.live_network()
        optimiser: torch.optim.Optimizer = self.model.policy.optimizer
        optimiser.register_step_post_hook(self._after_update)
        per_epoch = config.episodes * len(task.fit_rows)
        self._seen = 0  # episodes of the environment that are counted
        # Whole waves of episodes.
        self.epoch_steps = -(-per_epoch // config.num_envs) * config.num_envs * steps

    @abstractmethod
    def make_model(self, policy_kwargs: dict[str, Any]) -> BaseAlgorithm:
        """The algorithm on `self.env`."""

    def live_network(self) -> Network:
        """The network that the algorithm optimises."""
        network = self.model.policy.features_extractor.network
        assert isinstance(network, Network)
        return network

    def _after_update(self, *_: Any) -> None:
        self.updates += 1
        follow(self.average, self.network, self.config.average, self.updates)

    def epoch(self, number: int) -> dict[str, float]:
        """Let the algorithm take the epoch's steps in episodes that begin now."""
        model, env = self.model, self.env
        model.lr_schedule = lambda _: self.config.rate(self.progress())
        self.after_step()
        for module in model.policy.modules():
            if isinstance(module, Network):
                module.forget()
        env.seed(epoch_seed(self.task, number))
        model._last_obs = None  # so that `learn` resets the environment
        before, returns = env.episodes, env.returns
        model.learn(self.epoch_steps, EachStep(self), log_interval=NEVER, reset_num_timesteps=False)
        self.after_epoch()
        figures = {"reward": (env.returns - returns) / max(env.episodes - before, 1)}
        for name in ("loss", "value_loss", "entropy_loss"):
            found = model.logger.name_to_value.get(f"train/{name}")
            if found is not None:
                figures[name] = float(found)
        return figures

    def after_step(self) -> bool:
        """Count the episodes that have ended; returns whether the budget allows more."""
        self.episodes += self.env.episodes - self._seen
        self._seen = self.env.episodes
        return not self.spent()

    def after_epoch(self) -> None:
        """What an algorithm does when the episodes at an epoch's end are cut off."""

    def parts(self) -> dict[str, Any]:
        """The policy with its value head or target network, the optimiser and the counts."""
        return {
            "policy": self.model.policy,
            "optimiser": self.model.policy.optimizer,
            "steps": Counts(self.model),
        }


class EachStep(BaseCallback):
    """Lets a learner count and adjust after every step of its environments.

    Args:
        learner: The learner.
    """

    def __init__(self, learner: AlgorithmLearner) -> None:
        super().__init__()
        self.learner = learner

    def _on_step(self) -> bool:
        return self.learner.after_step()


class Counts:
    """The counters of an algorithm, as a part of a state.

    Args:
        model: The algorithm.
    """

    names = ("num_timesteps", "_n_updates", "_n_calls", "_episode_num")

    def __init__(self, model: BaseAlgorithm) -> None:
        self.model = model

    def state_dict(self) -> dict[str, int]:
        """The counters by name, of those that the algorithm has."""
        return {name: getattr(self.model, name) for name in self.names if hasattr(self.model, name)}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Set them."""
        for name, value in state.items():
            setattr(self.model, name, value)
