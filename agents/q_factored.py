"""Q-learning on OneShot with a factored value: Q(s, a) = sum over frames of Q_t(s, a_t).

An episode is one step, so the target of Q is the reward itself and nothing is bootstrapped. The
best action of a sum is the best action of every term: keep the frames with Q_t(keep) >
Q_t(discard), as in value decomposition (Sunehag et al., AAMAS 2018, there over agents).
"""

from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from agents.agent import ScorerAgent
from agents.design import AgentDesign
from agents.learner import falling
from agents.ranges import check_ranges
from agents.scorer_training import ScorerConfig, ScorerLearner, initial_network
from agents.task import Task, env_keywords
from frame_select_env import FeatureCache, FrameSelectError


@dataclass(frozen=True)
class QFactoredConfig(ScorerConfig):
    """Hyper-parameters."""

    #: Selections tried per video and update; they share one forward pass.
    episodes: int = 4
    #: Selections of a video that are remembered, and learnt from in every update with it.
    memory: int = 16
    #: What the whole reward is multiplied with.
    reward_scale: float = 0.1
    #: Probability that a frame's decision is the toss of a coin, at the beginning.
    explore_first: float = 1.0
    #: The same at the end.
    explore_last: float = 0.5
    #: Share of the budget over which it falls.
    explore: float = 0.5


class SelectionValue(nn.Module):
    """What Q adds to the frames' advantages: the sum over frames of Q_t(discard).

    Args:
        size: Units of the scorer's code of a frame.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.discard = nn.Linear(size, 1)

    def forward(self, hidden: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
        """[B] from codes [B, T, E] and valid [B, T]."""
        return (self.discard(hidden).squeeze(2) * valid).sum(1)


def factored_value(
    advantage: torch.Tensor, discard: torch.Tensor, selected: torch.Tensor
) -> torch.Tensor:
    """Q of selections: [N, B] from Q_t(keep) - Q_t(discard) [B, T], the sum of Q_t(discard) [B].

    Args:
        advantage: [B, T].
        discard: [B].
        selected: [N, B, T] bool, no padding in it.
    """
    return discard + (advantage * selected).sum(2)


class Learner(ScorerLearner):
    """The state of a training run: network, optimiser, and the remembered selections.

    Args:
        cache: The cache.
        task: What is trained on, and for which reward.
        config: Hyper-parameters.
    """

    def __init__(self, cache: FeatureCache, task: Task, config: QFactoredConfig) -> None:
        super().__init__(cache, task, config)
        self.value = SelectionValue(self.network.code_size).to(task.device)
        self.optimiser.add_param_group({"params": self.value.parameters()})
        self.env = gym.make_vec(
            "FrameSelect/OneShot-v0",
            num_envs=self.videos * config.episodes,
            **env_keywords(task),
            autoreset_mode="Disabled",
        )
        self.memory = Memory(len(self.rows), config.memory, task.num_frames)

    def parts(self) -> dict[str, Any]:
        """The head of the values and the memory too."""
        return {**super().parts(), "value": self.value, "memory": self.memory}

    def update(self, videos: np.ndarray) -> dict[str, float]:
        """Try N selections of every video in `videos` [B], and fit Q to all that are remembered."""
        config = self.config
        explore = falling(
            config.explore_first, config.explore_last, config.explore, self.progress()
        )
        features, predictions, valid = self.table(videos)
        hidden = self.network.hidden(features, predictions, valid)
        advantage = self.network.head(hidden).squeeze(2)
        with torch.no_grad():
            shape = (config.episodes, *advantage.shape)
            tossed = torch.rand(shape, device=valid.device) < explore
            coin = torch.rand(shape, device=valid.device) < 0.5
            selected = torch.where(tossed, coin, advantage > 0) & valid
        self.env.reset(options={"video": np.tile(videos, config.episodes)})
        _, paid, _, _, _ = self.env.step(selected.reshape(-1, valid.shape[1]).cpu().numpy())
        rewards = torch.from_numpy(paid).float().reshape(config.episodes, -1)
        place = self.table.place(torch.as_tensor(videos)).cpu()
        self.memory.add(place, selected.cpu(), config.reward_scale * rewards)
        tried, earned, known = (part.to(valid.device) for part in self.memory(place))
        values = factored_value(advantage, self.value(hidden, valid), tried)
        error = F.smooth_l1_loss(values, earned, reduction="none")
        loss = (error * known).sum() / known.sum()
        self.descend(loss)
        self.episodes += self.env.num_envs
        return {
            "reward": float(rewards.mean()),
            "loss": loss.item(),
            "explore": explore,
            "kept": float(selected.sum() / (len(selected) * valid.sum())),
        }


class Memory:
    """The last selections of every video, with their rewards.

    Args:
        videos: n.
        size: Selections remembered of each.
        frames: T.
    """

    def __init__(self, videos: int, size: int, frames: int) -> None:
        self.selected = torch.zeros(size, videos, frames, dtype=torch.bool)
        self.reward = torch.zeros(size, videos)
        self.count = torch.zeros(videos, dtype=torch.int64)

    def add(self, place: torch.Tensor, selected: torch.Tensor, reward: torch.Tensor) -> None:
        """Remember selections [N, B, T] and rewards [N, B] of the videos `place` [B]."""
        new = torch.arange(len(selected))[:, None]
        slot = (self.count[place] + new) % len(self.selected)
        self.selected[slot, place] = selected
        self.reward[slot, place] = reward
        self.count[place] += len(selected)

    def __call__(self, place: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """What is remembered of the videos [B]: selections [M, B, T], rewards and which are [M, B].

        M is the most that is remembered of any.
        """
        most = int(self.count[place].max().clamp(max=len(self.selected)))
        known = torch.arange(most)[:, None] < self.count[place]
        return self.selected[:most, place], self.reward[:most, place], known

    def state_dict(self) -> dict[str, torch.Tensor]:
        """All that is remembered."""
        return {"selected": self.selected, "reward": self.reward, "count": self.count}

    def load_state_dict(self, state: dict[str, torch.Tensor]) -> None:
        """Remember it."""
        self.selected, self.reward, self.count = state["selected"], state["reward"], state["count"]


def check(config: QFactoredConfig) -> None:
    """Refuse hyper-parameters that make no sense.

    Raises:
        FrameSelectError: naming the hyper-parameter and what is allowed.
    """
    check_ranges(config)
    if config.memory < config.episodes:
        raise FrameSelectError(
            f"memory={config.memory}: must hold the {config.episodes} episodes of an update"
        )


DESIGN = AgentDesign(
    name="q-factored",
    config=QFactoredConfig,
    presets={"tuned": QFactoredConfig()},
    check=check,
    network=initial_network,
    agent=lambda network, task, config: ScorerAgent("q-factored", network, tie=False),
    learner=Learner,
    search={
        "learning_rate": (3e-4, 1e-3, 3e-3),
        "hidden": (64, 128),
        "dropout": (0.0, 0.3),
        "episodes": (4, 8),
        "memory": (16, 64, 256),
        "explore_last": (0.05, 0.2, 0.5),
    },
)
