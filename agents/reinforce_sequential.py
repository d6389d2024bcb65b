"""REINFORCE on Sequential: the reward-to-go, with the video's other episodes as the baseline.

The policy-gradient counterpart of `dqn`: the same observation, network and reward.
"""

from dataclasses import dataclass
from typing import ClassVar

import gymnasium as gym
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from agents.networks.decision import DecisionConfig, DecisionNetwork, make_decision_network
from agents.rankings import SequentialAgent
from agents.reinforce import leave_one_out, sampling_loss
from agents.training.design import AgentDesign, check_ranges
from agents.training.learner import AnnealedConfig, BatchLearner
from agents.training.task import Task, env_keywords
from frame_select_env import FeatureCache, FrameSelectError


@dataclass(frozen=True)
class SequentialReinforceConfig(DecisionConfig, AnnealedConfig):
    """Hyper-parameters."""

    # With dropout, the gradient would not be that of the policy that acts.
    dropout: ClassVar[float] = 0.0
    #: Number of videos per update.
    batch_size: int = 32
    #: N: number of episodes per video and update.
    episodes: int = 8
    #: Coefficient of the policy's entropy.
    ent_coef: float = 0.0
    #: Weight of L_sampling (AS Eq. 9), on the probabilities along the episode.
    beta: float = 0.0


def rewards_to_go(rewards: Tensor) -> Tensor:
    """The sum of the rewards from each step on, gamma = 1: [S, ...] from rewards [S, ...]."""
    return rewards.flip(0).cumsum(0).flip(0)


class SequentialReinforceLearner(BatchLearner):
    """Network, optimiser and environment."""

    config: SequentialReinforceConfig

    def __init__(
        self,
        network: DecisionNetwork,
        cache: FeatureCache,
        task: Task,
        config: SequentialReinforceConfig,
    ) -> None:
        super().__init__(network, cache, task, config)
        self.network.eval()  # so that encodings are cached during episodes; there is no dropout
        name, keywords = config.env(task)
        self.env = gym.make_vec(
            name,
            num_envs=self.batch_size * config.episodes,
            **env_keywords(task),
            autoreset_mode="NextStep",
            **keywords,
        )
        self.steps = config.steps(task)

    def update(self, videos: np.ndarray) -> dict[str, Tensor | float]:
        """Play N episodes of every video in `videos` [B] and take one step."""
        config = self.config
        for group in self.optimiser.param_groups:
            group["lr"] = config.rate(self.progress())
        states, actions, rewards = self._play(np.tile(videos, config.episodes))
        video, selected, cursor, active = states
        outputs = self.network(
            self.table, video.flatten(), selected.flatten(0, 1), cursor.flatten()
        )
        log_probability = F.log_softmax(outputs, dim=1).reshape(*actions.shape, 2)
        chosen = log_probability.gather(2, actions[..., None].long()).squeeze(2)
        returns = rewards_to_go(config.reward_scale * rewards)
        by_video = returns.reshape(len(returns), config.episodes, -1).transpose(0, 1)
        advantage = leave_one_out(by_video).transpose(0, 1).reshape(returns.shape)
        policy = -(advantage * chosen * active).sum(0).mean()
        entropy = -(log_probability.exp() * log_probability).sum(2)
        mean_entropy = (entropy * active).sum() / active.sum()
        keep, length = log_probability[..., 1].exp(), self.table.length[self.table.index(video[0])]
        sampling = sampling_loss(keep.T, active.T, self.task.target_frames, length)
        loss = policy - config.ent_coef * mean_entropy + config.beta * sampling
        self.descend(loss)
        self.episodes += self.env.num_envs
        self.timesteps += int(active.sum())
        return {
            "reward": rewards.sum(0).mean(),
            "loss": loss.detach(),
            "entropy": mean_entropy.detach(),
            "kept": (actions * active).sum() / active.sum(),
        }

    def _play(self, videos: np.ndarray) -> tuple[list[Tensor], Tensor, Tensor]:
        """One episode in every slot.

        Returns:
            For each of S steps and k slots: video, selected, cursor and whether the episode is
            still active; actions [S, k] bool; rewards [S, k].
        """
        device = self.network.mean.device
        seen, _ = self.env.reset(options=self.table.options(videos))
        active = np.ones(len(videos), bool)
        steps: list[list[Tensor]] = []
        for _ in range(self.steps):
            if not active.any():
                break
            state = [
                torch.from_numpy(np.array(part)).to(device)
                for part in (videos, seen["selected"], seen["cursor"][:, 0], active)
            ]
            with torch.no_grad():
                outputs = self.network(self.table, *state[:3])
                keep = torch.softmax(outputs, dim=1)[:, 1]
                action = torch.rand(len(keep), device=device) < keep
            seen, paid, ended, _, _ = self.env.step(action.cpu().numpy().astype(np.int64))
            paid = torch.from_numpy(paid * active).float().to(device)
            steps.append([*state, action, paid])
            active = active & ~ended
        *states, actions, rewards = (torch.stack(column) for column in zip(*steps, strict=True))
        return states, actions, rewards


def check(config: SequentialReinforceConfig) -> None:
    """Raise FrameSelectError if a hyper-parameter is out of range."""
    check_ranges(config)
    if config.episodes < 2:
        raise FrameSelectError(
            f"episodes={config.episodes}: the leave-one-out baseline needs at least 2"
        )


DESIGN = AgentDesign(
    name="reinforce-sequential",
    config=SequentialReinforceConfig,
    presets={"tuned": SequentialReinforceConfig(learning_rate=3e-3)},
    check=check,
    network=make_decision_network,
    agent=lambda network, task, config: SequentialAgent("reinforce-sequential", network),
    learner=SequentialReinforceLearner,
    search={
        "learning_rate": (3e-4, 1e-3, 3e-3),
        "hidden_size": (64, 128),
        "episodes": (4, 8),
        "batch_size": (16, 32),
        "ent_coef": (0.0, 0.003, 0.01),
    },
)
