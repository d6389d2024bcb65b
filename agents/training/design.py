"""AgentDesign: what defines an agent, for command lines and run folders."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import torch

from agents.networks.network import Standardised
from agents.policies.policy_ranking import PolicyRanking
from agents.training.learner import Learner
from agents.training.task import Task, forked_torch
from frame_select_env import FeatureCache, FrameSelectError, Ranking
from frame_select_env.rewards import RewardSpec

# Smallest values of hyper-parameters, for all agents; a class of hyper-parameters may raise some in
# its attribute `smallest`.
SMALLEST: dict[str, float] = {
    **dict.fromkeys(("num_layers", "epochs", "batch_size", "episodes", "memory", "num_envs"), 1),
    **dict.fromkeys(("depth", "num_heads", "max_objects"), 1),
    **dict.fromkeys(("repeats", "rollout_episodes", "n_epochs", "n_steps", "sequence_length"), 1),
    **dict.fromkeys(("train_freq", "gradient_steps", "target_update_interval", "buffer_size"), 1),
    **dict.fromkeys(("patience", "learning_starts", "max_grad_norm", "weight_decay"), 0),
    "halve_every": 0,
    **dict.fromkeys(("ent_coef", "vf_coef", "beta", "warm_start", "listwise_coef"), 0),
    "chunk": 1,
    "hidden_size": 2,  # some networks have half of them in each direction
}
BELOW_1 = ("dropout", "head_dropout", "ema_decay", "momentum")  # in [0, 1)
FRACTIONS = (  # in [0, 1]
    *("exploration_fraction", "exploration_initial_eps", "exploration_final_eps"),
    *("gae_lambda", "scrambler"),
    *("munchausen_alpha", "prioritized_replay_alpha", "prioritized_replay_beta0"),
)
POSITIVE = (  # above 0
    *("learning_rate", "reward_scale", "clip_range"),
    *("munchausen_tau", "prioritized_replay_eps"),
)


def check_ranges(config: Any) -> None:
    """Raise FrameSelectError if a hyper-parameter is out of its range."""
    smallest = {**SMALLEST, **getattr(config, "smallest", {})}
    for one in fields(config):
        name, value = one.name, getattr(config, one.name)
        if isinstance(value, float) and not math.isfinite(value):
            raise FrameSelectError(f"{name}={value}: must be a finite number")
        if value is None:  # whatever the default of a library is
            continue
        if name in smallest and value < smallest[name]:
            raise FrameSelectError(f"{name}={value}: must be at least {smallest[name]}")
        if name in BELOW_1 and not 0 <= value < 1:
            raise FrameSelectError(f"{name}={value}: must be in [0, 1)")
        if name in FRACTIONS and not 0 <= value <= 1:
            raise FrameSelectError(f"{name}={value}: must be in [0, 1]")
        if name in POSITIVE and value <= 0:
            raise FrameSelectError(f"{name}={value}: must be above 0")


@dataclass(frozen=True)
class AgentDesign:
    """What defines an agent.

    Attributes:
        name: The agent's name on command lines and in tables.
        config: Dataclass of its hyper-parameters; must have `epochs`, `patience`, `keep`,
            `validation_metric`, `validate` and `holdout`, as `TrainingConfig` has.
        presets: Hyper-parameters by preset name; must have "tuned".
        network: (cache, task, config) -> a new network.
        agent: (network, task, config) -> the ranking by that network.
        learner: (network, cache, task, config) -> the learner that trains it.
        check: (config) -> None; raises FrameSelectError for invalid hyper-parameters.
        search: Hyper-parameters that `agents search` varies, with the values to try.
        target_frames: Default m of each preset for which it is not 8.
        reward: The reward of a task that names none; None for that of `Task`.
        all_streams: Without a named stream, it sees all streams of a cache side by side.
        supervised: It learns from the labels of training videos, so that they must be known.
        modules: Other modules whose code is the agent's, by name; a run records a digest.
        files: Files whose content is the agent's; it counts as its code.
        policy: Of a policy that was trained elsewhere, and is scored without being trained:
            (cache, config) -> the policy, before it knows the task. None for agents that are
            trained.
    """

    name: str
    config: type[Any]
    presets: dict[str, Any]
    network: Callable[[FeatureCache, Task, Any], Standardised]
    agent: Callable[[Any, Task, Any], Ranking]
    learner: Callable[[Any, FeatureCache, Task, Any], Learner]
    check: Callable[[Any], None] = check_ranges
    search: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    target_frames: dict[str, int] = field(default_factory=dict)
    reward: RewardSpec | None = None
    all_streams: bool = False
    supervised: bool = False
    modules: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    policy: Callable[[FeatureCache, Any], PolicyRanking] | None = None

    def default_stream(self, cache: FeatureCache) -> str | None:
        """The stream of a task that names none; None for a cache's only one."""
        return "+".join(cache.streams) if self.all_streams and len(cache.streams) > 1 else None

    def default_target_frames(self, preset: str, num_frames: int) -> int:
        """The default m of a preset, at most T."""
        return min(self.target_frames.get(preset, 8), num_frames)

    def initial_network(self, cache: FeatureCache, task: Task, config: Any) -> Standardised:
        """A network with the initial weights of the task's seed, on the task's device."""
        with forked_torch(task):
            torch.manual_seed(task.seed)
            network = self.network(cache, task, config)
        if not isinstance(network, torch.nn.Module):
            raise FrameSelectError(
                f"agent {self.name!r}: its network is a {type(network).__name__}, not an nn.Module"
            )
        return network.to(task.device)
