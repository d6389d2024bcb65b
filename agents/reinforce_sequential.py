"""REINFORCE on Sequential: the return to come, compared with the video's other episodes.

The policy-gradient half of a matched pair with `dqn`: the same observation, network and reward.
"""

from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from torch.nn import functional as F

from agents import learner
from agents.decision_training import DecisionConfig, decision_env, decision_network, decisions
from agents.design import AgentDesign
from agents.feature_table import FeatureTable
from agents.ranges import check_ranges
from agents.reinforce import leave_one_out
from agents.sequential_agent import SequentialAgent
from agents.task import Task, env_keywords
from frame_select_env import FeatureCache, FrameSelectError


@dataclass(frozen=True)
class SequentialReinforceConfig(DecisionConfig):
    """Hyper-parameters."""

    #: Units of the network's layers.
    hidden: int = 128
    #: Standardise the features on the videos that are trained on.
    standardise: bool = True
    #: Adam's step size.
    learning_rate: float = 3e-3
    #: L2 penalty in Adam.
    weight_decay: float = 0.0
    #: Whether the step size falls linearly to 0 over the budget.
    anneal: bool = True
    #: What the whole reward is multiplied with.
    reward_scale: float = 0.1
    #: Videos per update.
    batch_size: int = 32
    #: N: episodes per video and update, each compared with the others.
    episodes: int = 8
    #: Weight of the policy's entropy.
    entropy: float = 0.0
    #: Weight of L_sampling (AS Eq. 9) on the probabilities met on the way.
    beta: float = 0.0
    #: Largest norm of the gradient; 0 does not clip.
    clip: float = 5.0
    #: Momentum of the average of the weights over updates, which is what is kept.
    average: float = 0.98
    #: Passes over the training videos, at most.
    epochs: int = 60
    #: Stop after so many epochs without a better validation score; 0 trains to the end.
    patience: int = 15


def returns_to_come(rewards: torch.Tensor) -> torch.Tensor:
    """What is paid from each step on, gamma = 1: [S, ...] from rewards [S, ...]."""
    return rewards.flip(0).cumsum(0).flip(0)


class Learner(learner.Learner):
    """The state of a training run.

    Args:
        cache: The cache.
        task: What is trained on, and for which reward.
        config: Hyper-parameters.
    """

    def __init__(self, cache: FeatureCache, task: Task, config: SequentialReinforceConfig) -> None:
        network = decision_network(cache, task, config)
        super().__init__(task, network)
        self.config, self.rows = config, task.fit_rows
        self.videos = min(config.batch_size, len(self.rows))
        self.table = FeatureTable.read(
            cache, self.rows, task.num_frames, task.fold, task.stream, task.device
        )
        if config.standardise:
            network.standardise(self.table.features, self.table.valid)
        # Without dropout: the gradient is of the very policy that plays.
        self.network = decision_network(cache, task, config).eval()
        self.network.load_state_dict(self.average.state_dict())
        self.optimiser = torch.optim.Adam(
            self.network.parameters(), config.learning_rate, weight_decay=config.weight_decay
        )
        name, keywords = decision_env(config)
        self.env = gym.make_vec(
            name,
            num_envs=self.videos * config.episodes,
            **env_keywords(task),
            autoreset_mode="NextStep",
            **keywords,
        )
        self.steps = decisions(task, config)
        self.total = task.budget or config.epochs * config.episodes * len(self.rows)

    def parts(self) -> dict[str, Any]:
        """The network and the optimiser."""
        return {"network": self.network, "optimiser": self.optimiser}

    def epoch(self, number: int) -> dict[str, float]:
        """One pass over the training videos; returns the means of what `update` returns."""
        shuffled = np.random.default_rng([self.task.seed, number]).permutation(self.rows)
        return self.pass_over(shuffled, self.videos, self.update)

    def update(self, videos: np.ndarray) -> dict[str, float]:
        """Play N episodes of every video in `videos` [B] and take one step."""
        config = self.config
        left = 1 - min(self.episodes / self.total, 1.0) if config.anneal else 1.0
        for group in self.optimiser.param_groups:
            group["lr"] = config.learning_rate * left
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
        keep = log_probability[..., 1].exp()
        lengths = going.sum(0)
        aim = self.task.select / self.table.length[self.table.place(place[0])]
        sampling = ((keep * going).sum(0) / lengths - aim.clamp(max=1)).abs().mean()
        loss = policy - config.entropy * mean_entropy + config.beta * sampling
        self.optimiser.zero_grad()
        loss.backward()
        learner.clip_gradient(self.optimiser, config.clip)
        self.optimiser.step()
        self.updates += 1
        learner.follow(self.average, self.network, config.average, self.updates)
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
