"""Q-learning on OneShot with a factored value: Q(s, a) = sum over frames of Q_t(s, a_t).

An episode is one step, so the target of Q is the reward itself and nothing is bootstrapped. A sum
is largest where every term is: keep the frames with Q_t(keep) > Q_t(discard), as in value
decomposition (Sunehag et al., AAMAS 2018, there over agents).
"""

from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from agents.networks.frame_scorer import FrameScorer, make_frame_scorer
from agents.rankings import ScorerAgent
from agents.training.design import AgentDesign, check_ranges
from agents.training.learner import ScorerConfig, ScorerLearner, linear_schedule
from agents.training.task import Task, env_keywords
from frame_select_env import FeatureCache, FrameSelectError


@dataclass(frozen=True)
class QFactoredConfig(ScorerConfig):
    """Hyper-parameters."""

    #: Number of selections tried per video and update.
    episodes: int = 4
    #: Number of selections of a video that are remembered, and replayed in every update with it.
    memory: int = 16
    #: Factor by which the whole reward is multiplied.
    reward_scale: float = 0.1
    #: Initial probability that a frame is kept or discarded at random.
    exploration_initial_eps: float = 1.0
    #: Final probability that a frame is kept or discarded at random.
    exploration_final_eps: float = 0.5
    #: Fraction of the budget over which that probability falls.
    exploration_fraction: float = 0.5


def factored_value(advantage: Tensor, discard: Tensor, selected: Tensor) -> Tensor:
    """Q of selections [N, B, T] bool without padding: [N, B].

    `advantage` [B, T] is Q_t(keep) - Q_t(discard), `discard` [B] the sum of Q_t(discard).
    """
    return discard + (advantage * selected).sum(2)


class QFactoredLearner(ScorerLearner):
    """Network, optimiser, environment and the remembered selections."""

    def __init__(
        self, network: FrameScorer, cache: FeatureCache, task: Task, config: QFactoredConfig
    ) -> None:
        super().__init__(network, cache, task, config)
        self.discard = nn.Linear(self.network.code_size, 1).to(task.device)  # Q_t(discard)
        self.optimiser.add_param_group({"params": self.discard.parameters()})
        self.env = gym.make_vec(
            "FrameSelect/OneShot-v0",
            num_envs=self.batch_size * config.episodes,
            **env_keywords(task),
            autoreset_mode="Disabled",
        )
        self.memory = Memory(len(self.table.valid), config.memory, task.num_frames)

    def parts(self) -> dict[str, Any]:
        """The network, the optimiser, the schedule, the head of Q_t(discard) and the memory."""
        return {**super().parts(), "discard": self.discard, "memory": self.memory}

    def update(self, videos: np.ndarray) -> dict[str, Tensor | float]:
        """Try N selections of every video in `videos` [B], and fit Q to all that are remembered."""
        config = self.config
        epsilon = linear_schedule(
            config.exploration_initial_eps,
            config.exploration_final_eps,
            config.exploration_fraction,
            self.progress(),
        )
        features, predictions, valid = self.table(videos)
        hidden = self.network.encode(features, predictions, valid)
        advantage = self.network.head(hidden).squeeze(2)
        with torch.no_grad():
            shape = (config.episodes, *advantage.shape)
            explores = torch.rand(shape, device=valid.device) < epsilon
            coin = torch.rand(shape, device=valid.device) < 0.5
            selected = torch.where(explores, coin, advantage > 0) & valid
        self.env.reset(options=self.table.options(np.tile(videos, config.episodes)))
        _, paid, _, _, _ = self.env.step(selected.reshape(-1, valid.shape[1]).cpu().numpy())
        rewards = torch.from_numpy(paid).float().reshape(config.episodes, -1)
        index = self.table.index(torch.as_tensor(videos)).cpu()
        self.memory.add(index, selected.cpu(), config.reward_scale * rewards)
        tried, earned, known = (part.to(valid.device) for part in self.memory(index))
        discard = (self.discard(hidden).squeeze(2) * valid).sum(1)
        values = factored_value(advantage, discard, tried)
        error = F.smooth_l1_loss(values, earned, reduction="none")
        loss = (error * known).sum() / known.sum()
        self.descend(loss)
        self.episodes += self.env.num_envs
        self.timesteps += self.env.num_envs
        return {
            "reward": rewards.mean(),
            "loss": loss.detach(),
            "exploration_rate": epsilon,
            "kept": selected.sum() / (len(selected) * valid.sum()),
        }


class Memory:
    """The last `size` selections of every video, with their rewards."""

    def __init__(self, videos: int, size: int, frames: int) -> None:
        self.selected = torch.zeros(size, videos, frames, dtype=torch.bool)
        self.reward = torch.zeros(size, videos)
        self.count = torch.zeros(videos, dtype=torch.int64)

    def add(self, index: Tensor, selected: Tensor, reward: Tensor) -> None:
        """Remember selections [N, B, T] and rewards [N, B] of the videos at `index` [B]."""
        new = torch.arange(len(selected))[:, None]
        slot = (self.count[index] + new) % len(self.selected)
        self.selected[slot, index] = selected
        self.reward[slot, index] = reward
        self.count[index] += len(selected)

    def __call__(self, index: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The remembered selections [M, B, T] of videos, their rewards [M, B] and a mask [M, B].

        M is the largest number remembered of any of the videos; the mask is False beyond the number
        remembered of a video.
        """
        most = int(self.count[index].max().clamp(max=len(self.selected)))
        known = torch.arange(most)[:, None] < self.count[index]
        return self.selected[:most, index], self.reward[:most, index], known

    def state_dict(self) -> dict[str, Tensor]:
        """The selections, rewards and counts."""
        return {"selected": self.selected, "reward": self.reward, "count": self.count}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Restore what `state_dict` returned."""
        self.selected, self.reward, self.count = state["selected"], state["reward"], state["count"]


def check(config: QFactoredConfig) -> None:
    """Raise FrameSelectError if a hyper-parameter is out of range."""
    check_ranges(config)
    if config.memory < config.episodes:
        raise FrameSelectError(
            f"memory={config.memory}: must be at least episodes, {config.episodes}"
        )


DESIGN = AgentDesign(
    name="q-factored",
    config=QFactoredConfig,
    presets={"tuned": QFactoredConfig()},
    check=check,
    network=make_frame_scorer,
    agent=lambda network, task, config: ScorerAgent("q-factored", network, tie=False),
    learner=QFactoredLearner,
    search={
        "learning_rate": (3e-4, 1e-3, 3e-3),
        "hidden_size": (64, 128),
        "dropout": (0.0, 0.3),
        "episodes": (4, 8),
        "memory": (16, 64, 256),
        "exploration_final_eps": (0.05, 0.2, 0.5),
    },
)
