"""REINFORCE on Glance: which frame to look at next, and when to answer.

All decisions of an episode are paid by its return, whose baseline is the mean return of the video's
other episodes.
"""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import gymnasium as gym
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from agents.networks.glance import (
    GLANCE_PRESET,
    GLANCE_REWARD,
    GlanceConfig,
    GlanceNetwork,
    make_glance_network,
)
from agents.rankings import PickAgent
from agents.reinforce import leave_one_out
from agents.reinforce_sequential import check
from agents.training.design import AgentDesign
from agents.training.learner import AnnealedConfig, BatchLearner
from agents.training.task import Task, env_keywords
from frame_select_env import FeatureCache


@dataclass(frozen=True)
class GlanceReinforceConfig(GlanceConfig, AnnealedConfig):
    """Hyper-parameters."""

    # With dropout, the gradient would not be that of the policy that acts.
    dropout: ClassVar[float] = 0.0
    #: Number of videos per update.
    batch_size: int = 32
    #: N: number of episodes per video and update.
    episodes: int = 8
    #: Coefficient of the policy's mean entropy per decision.
    ent_coef: float = 0.01


class Decisions(NamedTuple):
    """All K decisions of a batch of episodes."""

    slot: Tensor  # [K] int64, the episode
    log_probability: Tensor  # [K], of the action that was drawn
    entropy: Tensor  # [K], of the policy
    looks: Tensor  # [K] bool, whether it was to look at a frame


class GlanceReinforceLearner(BatchLearner):
    """Network, optimiser and environment."""

    config: GlanceReinforceConfig

    def __init__(
        self, network: GlanceNetwork, cache: FeatureCache, task: Task, config: GlanceReinforceConfig
    ) -> None:
        super().__init__(network, cache, task, config)
        name, keywords = config.env(task)
        self.env = gym.make_vec(
            name,
            num_envs=self.batch_size * config.episodes,
            **env_keywords(task),
            autoreset_mode="NextStep",
            **keywords,
        )

    def update(self, videos: np.ndarray) -> dict[str, Tensor | float]:
        """Play N episodes of every video in `videos` [B] and take one step."""
        config = self.config
        for group in self.optimiser.param_groups:
            group["lr"] = config.rate(self.progress())
        decisions, returns = self._play(np.tile(videos, config.episodes))
        scaled = (config.reward_scale * returns).reshape(config.episodes, -1)
        advantage = leave_one_out(scaled).flatten()[decisions.slot]
        policy = -(advantage * decisions.log_probability).sum() / len(returns)
        entropy = decisions.entropy.mean()
        loss = policy - config.ent_coef * entropy
        self.descend(loss)
        self.episodes += self.env.num_envs
        self.timesteps += len(decisions.slot)
        return {
            "reward": returns.mean(),
            "loss": loss.detach(),
            "entropy": entropy.detach(),
            "looks": decisions.looks.sum() / len(returns),
        }

    def _play(self, videos: np.ndarray) -> tuple[Decisions, Tensor]:
        """One episode about each of `videos` [B]; the decisions, and the return of each, [B]."""
        device = self.network.mean.device
        seen, _ = self.env.reset(options=self.table.options(videos))
        going, returns = np.arange(len(videos)), np.zeros(len(videos))
        steps: list[Decisions] = []
        while len(going):
            slot, video, selected = (
                torch.from_numpy(part[going]).to(device)
                for part in (np.arange(len(videos)), videos, seen["selected"])
            )
            outputs = self.network(self.table, video, selected, selected.sum(1))
            log_probability = F.log_softmax(outputs, dim=1)
            probability = log_probability.exp()
            action = torch.multinomial(probability.detach(), 1)
            chosen = log_probability.gather(1, action)[:, 0]
            entropy = -(probability * log_probability).sum(1)
            steps.append(Decisions(slot, chosen, entropy, action[:, 0] < selected.shape[1]))
            # An episode that is over starts again, and looks at frame 0 over and over: it does not
            # end before the last one does, so nothing else is scored (unless it has one frame).
            actions = np.zeros(len(videos), np.int64)
            actions[going] = action[:, 0].cpu().numpy()
            seen, paid, ended, _, _ = self.env.step(actions)
            returns[going] += paid[going]
            going = going[~ended[going]]
        decisions = Decisions(*(torch.cat(column) for column in zip(*steps, strict=True)))
        return decisions, torch.from_numpy(returns).float().to(device)


DESIGN = AgentDesign(
    name="reinforce-glance",
    config=GlanceReinforceConfig,
    presets={
        "tuned": GlanceReinforceConfig(**GLANCE_PRESET, learning_rate=2e-3),
    },
    check=check,
    network=make_glance_network,
    agent=lambda network, task, config: PickAgent("reinforce-glance", network, config.steps(task)),
    learner=GlanceReinforceLearner,
    search={
        "learning_rate": (1e-3, 2e-3, 3e-3),
        "hidden_size": (64, 128),
        "episodes": (4, 8),
        "ent_coef": (0.003, 0.01, 0.03),
    },
    reward=GLANCE_REWARD,
)
