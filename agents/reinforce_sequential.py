"""REINFORCE on Sequential: the return to come, compared with the video's other episodes.

The policy-gradient half of a matched pair with `dqn`: the same observation, network and reward.
"""

from dataclasses import dataclass
from typing import ClassVar

import gymnasium as gym
import numpy as np
import torch
from torch.nn import functional as F

from agents.batch_learner import BatchLearner
from agents.decision_training import DecisionConfig, decision_env, decision_network, decisions
from agents.design import AgentDesign
from agents.learner import AnnealedConfig
from agents.ranges import check_ranges
from agents.reinforce import leave_one_out, sampling_loss
from agents.sequential_agent import SequentialAgent
from agents.task import Task, env_keywords
from frame_select_env import FeatureCache, FrameSelectError


@dataclass(frozen=True)
class SequentialReinforceConfig(DecisionConfig, AnnealedConfig):
    """Hyper-parameters."""

    # None: the gradient is to be of the very policy that plays.
    dropout: ClassVar[float] = 0.0
    learning_rate: float = 3e-3
    #: Videos per update.
    batch_size: int = 32
    #: N: episodes per video and update, each compared with the others.
    episodes: int = 8
    #: Weight of the policy's entropy.
    entropy: float = 0.0
    #: Weight of L_sampling (AS Eq. 9) on the probabilities met on the way.
    beta: float = 0.0


def returns_to_come(rewards: torch.Tensor) -> torch.Tensor:
    """What is paid from each step on, gamma = 1: [S, ...] from rewards [S, ...]."""
    return rewards.flip(0).cumsum(0).flip(0)


class Learner(BatchLearner):
    """The state of a training run.

    Args:
        cache: The cache.
        task: What is trained on, and for which reward.
        config: Hyper-parameters.
    """

    config: SequentialReinforceConfig

    def __init__(self, cache: FeatureCache, task: Task, config: SequentialReinforceConfig) -> None:
        super().__init__(cache, task, config, decision_network)
        self.network.eval()  # so that encodings are kept while it plays; it has no dropout
        name, keywords = decision_env(config)
        self.env = gym.make_vec(
            name,
            num_envs=self.videos * config.episodes,
            **env_keywords(task),
            autoreset_mode="NextStep",
            **keywords,
        )
        self.steps = decisions(task, config)

    def update(self, videos: np.ndarray) -> dict[str, float]:
        """Play N episodes of every video in `videos` [B] and take one step."""
        config = self.config
        for group in self.optimiser.param_groups:
            group["lr"] = config.rate(self.progress())
        states, actions, rewards = self._play(np.tile(videos, config.episodes))
        place, selected, cursor, going = states
        outputs = self.network(
            self.table, place.flatten(), selected.flatten(0, 1), cursor.flatten()
        )
        log_probability = F.log_softmax(outputs, dim=1).reshape(*actions.shape, 2)
        chosen = log_probability.gather(2, actions[..., None].long()).squeeze(2)
        come = returns_to_come(config.reward_scale * rewards)
        by_video = come.reshape(len(come), config.episodes, -1).transpose(0, 1)
        advantage = leave_one_out(by_video).transpose(0, 1).reshape(come.shape)
        policy = -(advantage * chosen * going).sum(0).mean()
        entropy = -(log_probability.exp() * log_probability).sum(2)
        mean_entropy = (entropy * going).sum() / going.sum()
        keep, frames = log_probability[..., 1].exp(), self.table.length[self.table.place(place[0])]
        sampling = sampling_loss(keep.T, going.T, self.task.select, frames)
        loss = policy - config.entropy * mean_entropy + config.beta * sampling
        self.descend(loss)
        self.episodes += self.env.num_envs
        return {
            "reward": float(rewards.sum(0).mean()),
            "loss": loss.item(),
            "entropy": mean_entropy.item(),
            "kept": float((actions * going).sum() / going.sum()),
        }

    def _play(self, videos: np.ndarray) -> tuple[list[torch.Tensor], torch.Tensor, torch.Tensor]:
        """One episode in every slot.

        Returns:
            Of each of S steps and k slots: video, selected, cursor and whether the episode still
            goes; actions [S, k] bool; rewards [S, k].
        """
        device = self.network.mean.device
        seen, _ = self.env.reset(options={"video": videos})
        going = np.ones(len(videos), bool)
        kept: list[list[torch.Tensor]] = []
        for _ in range(self.steps):
            if not going.any():
                break
            state = [
                torch.from_numpy(np.array(part)).to(device)
                for part in (videos, seen["selected"], seen["cursor"][:, 0], going)
            ]
            with torch.no_grad():
                outputs = self.network(self.table, *state[:3])
                keep = torch.softmax(outputs, dim=1)[:, 1]
                action = torch.rand(len(keep), device=device) < keep
            seen, paid, ended, _, _ = self.env.step(action.cpu().numpy().astype(np.int64))
            paid = torch.from_numpy(paid * going).float().to(device)
            kept.append([*state, action, paid])
            going = going & ~ended
        video, selected, cursor, went, actions, rewards = (
            torch.stack(column) for column in zip(*kept, strict=True)
        )
        return [video, selected, cursor, went], actions, rewards


def check(config: SequentialReinforceConfig) -> None:
    """Refuse hyper-parameters that make no sense.

    Raises:
        FrameSelectError: naming the hyper-parameter and what is allowed.
    """
    check_ranges(config)
    if config.episodes < 2:
        raise FrameSelectError(
            f"episodes={config.episodes}: the leave-one-out baseline needs at least 2"
        )


DESIGN = AgentDesign(
    name="reinforce-sequential",
    config=SequentialReinforceConfig,
    presets={"tuned": SequentialReinforceConfig()},
    check=check,
    network=decision_network,
    agent=lambda network, task, config: SequentialAgent("reinforce-sequential", network),
    learner=Learner,
    search={
        "learning_rate": (3e-4, 1e-3, 3e-3),
        "hidden": (64, 128),
        "episodes": (4, 8),
        "batch_size": (16, 32),
        "entropy": (0.0, 0.003, 0.01),
    },
)
