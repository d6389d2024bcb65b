"""REINFORCE with a BiLSTM: attention-aware sampling (Dong, Zhang and Tan, AAAI 2019), Alg. 1.

From top to bottom: hyper-parameters, losses, one update, the agent.
"""

from dataclasses import dataclass
from typing import Any, Literal

import gymnasium as gym
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from agents.networks.frame_scorer import FrameScorer, make_frame_scorer
from agents.rankings import ScorerAgent
from agents.training.design import AgentDesign, check_ranges
from agents.training.learner import ScorerConfig, ScorerLearner
from agents.training.supervised_terms import FrameTargets, imitation_loss, listwise_loss
from agents.training.task import Task, env_keywords
from frame_select_env import FeatureCache, FrameSelectError


@dataclass(frozen=True)
class ReinforceConfig(ScorerConfig):
    """Hyper-parameters."""

    #: N of AS Eq. 8: number of selections sampled per video and update.
    episodes: int = 4
    #: Baseline that is subtracted from a selection's reward: the mean of the video's other
    #: selections; the video's moving average (AS Alg. 1, line 13); the greedy selection's reward;
    #: or the mean of the video's selections, and what is left is divided by their standard
    #: deviation (group-relative, as in GRPO).
    baseline: Literal["leave-one-out", "moving-average", "self-critical", "group-relative"] = (
        "leave-one-out"
    )
    #: Momentum of the moving average, which starts at 0 and is updated after the step.
    momentum: float = 0.9
    #: Weight of L_sampling (AS Eq. 9).
    beta: float = 1.0
    #: Coefficient of the policy's mean entropy per frame.
    ent_coef: float = 0.0
    #: Number of first epochs that imitate the oracle's m frames, which know the label; the
    #: environment scores nothing in them, so they cost no episodes.
    warm_start: int = 0
    #: Coefficient of a list-wise loss (ListNet, from the label) beside the policy's.
    listwise_coef: float = 0.0


TUNED = ReinforceConfig(hidden_size=64, learning_rate=3e-3)
# The paper's values; it gives no hidden size, number of layers, N or batch size, so these are ours.
# It trains on the whole training split, and what it tests is the agent after the last epoch. Its
# predictions are in-sample: import the features with --crossfit none for that.
PAPER = ReinforceConfig(
    state="feature+prediction",
    hidden_size=256,
    dropout=0.0,
    standardise=False,
    learning_rate=1e-5,
    weight_decay=1e-5,
    decay_epochs=(20, 40),
    epochs=45,
    patience=0,
    keep="last",
    holdout=False,
    batch_size=1,
    episodes=5,
    baseline="moving-average",
    beta=0.1,
    ent_coef=0.0,
    max_grad_norm=0.0,
    ema_decay=0.0,
)


def sampling_loss(keep: Tensor, valid: Tensor, frames: int, length: Tensor | None = None) -> Tensor:
    """L_sampling of AS Eq. 9: | mean_t p_t - m / L |, averaged over videos.

    The mean of `keep` [B, T] is over a video's `valid` [B, T] frames, or decisions; m is at most L.
    `length` [B] is L where decisions are about several frames; None counts the valid ones.
    """
    counted = valid.sum(1)
    length = counted if length is None else length
    mean = (keep * valid).sum(1) / counted
    return (mean - length.clamp(max=frames) / length).abs().mean()


def log_probability(logits: Tensor, actions: Tensor, valid: Tensor) -> Tensor:
    """Log pi(a | s), summed over valid frames: [N, B] from logits [B, T] and actions [N, B, T]."""
    # log sigmoid(z) for keeping, log sigmoid(-z) for discarding.
    signed = torch.where(actions, logits, -logits)
    return (F.logsigmoid(signed) * valid).sum(2)


SMALLEST_DEVIATION = 1e-6  # of rewards: what differs by less is not blown up to a unit


def group_relative(rewards: Tensor) -> Tensor:
    """Rewards [N, B] minus their video's mean, divided by their (population) standard deviation.

    0 where all N are equal. The advantage of GRPO (Shao et al., "DeepSeekMath", 2024).
    """
    deviation = rewards.std(0, correction=0).clamp(min=SMALLEST_DEVIATION)
    equal = rewards.amin(0) == rewards.amax(0)  # their mean may differ from them in the last bit
    return torch.where(equal, 0.0, (rewards - rewards.mean(0)) / deviation)


def leave_one_out(rewards: Tensor) -> Tensor:
    """Each of the rewards [N, B] minus the mean of the same video's N - 1 others."""
    return (rewards - rewards.mean(0)) * (len(rewards) / (len(rewards) - 1))


class ReinforceLearner(ScorerLearner):
    """Network, optimiser, environment and the moving average of each video's reward."""

    config: ReinforceConfig

    def __init__(
        self, network: FrameScorer, cache: FeatureCache, task: Task, config: ReinforceConfig
    ) -> None:
        super().__init__(network, cache, task, config)
        greedy = config.baseline == "self-critical"
        self.selections = config.episodes + greedy  # the last one is the greedy selection
        self.env = gym.make_vec(
            "FrameSelect/OneShot-v0",
            num_envs=self.batch_size * self.selections,
            **env_keywords(task),
            autoreset_mode="Disabled",
        )
        self.baseline = torch.zeros(len(cache), device=task.device)
        supervised = config.warm_start or config.listwise_coef
        self.targets = FrameTargets(cache, task, self.table) if supervised else None
        self.imitates = False

    def epoch(self, number: int) -> dict[str, float]:
        """One pass over the training videos; the first ones may imitate the oracle."""
        self.imitates = number <= self.config.warm_start
        return super().epoch(number)

    def parts(self) -> dict[str, Any]:
        """The network, the optimiser, the schedule and the moving averages."""
        moving = torch.nn.ParameterDict({"baseline": torch.nn.Parameter(self.baseline, False)})
        return {**super().parts(), "moving": moving}

    def update(self, videos: np.ndarray) -> dict[str, Tensor | float]:
        """Sample N selections of every video in `videos` [B], score them and take one step."""
        if self.imitates and self.targets:
            return self._imitate(videos, self.targets)
        config, count = self.config, self.selections
        observation, _ = self.env.reset(options=self.table.options(np.tile(videos, count)))
        seen = self.table.entries(observation)[: len(videos)]
        features, predictions, valid = self.table(seen)
        logits = self.network(features, predictions, valid)
        keep = torch.sigmoid(logits)
        with torch.no_grad():
            draw = torch.rand((count, *keep.shape), device=keep.device)
            if config.baseline == "self-critical":
                draw[-1] = 0.5
            actions = draw < keep  # AS Eq. 1
        flat = actions.reshape(-1, actions.shape[2]).cpu().numpy()
        _, paid, _, _, _ = self.env.step(flat)
        rewards = torch.from_numpy(paid).float().to(keep.device).reshape(count, -1)
        row = torch.from_numpy(self.table.rows(videos)).to(keep.device)
        if config.baseline == "self-critical":
            greedy, rewards, actions = rewards[-1], rewards[:-1], actions[:-1]
            advantage = rewards - greedy
        elif config.baseline == "leave-one-out":
            advantage = leave_one_out(rewards)
        elif config.baseline == "group-relative":
            advantage = group_relative(rewards)
        else:
            advantage = rewards - self.baseline[row]

        # AS Eq. 8, averaged over the videos too.
        policy = -(advantage * log_probability(logits, actions, valid)).mean()
        sampling = sampling_loss(keep, valid, self.task.target_frames)
        certainty = F.logsigmoid(logits) * keep + F.logsigmoid(-logits) * (1 - keep)
        entropy = -(certainty * valid).sum() / valid.sum()
        loss = policy + config.beta * sampling - config.ent_coef * entropy
        if config.listwise_coef and self.targets:
            _, relevance = self.targets(seen)
            loss = loss + config.listwise_coef * listwise_loss(logits, relevance, valid)
        self.descend(loss)
        self.episodes += self.env.num_envs
        self.timesteps += self.env.num_envs
        self.baseline[row] = config.momentum * self.baseline[row] + (
            1 - config.momentum
        ) * rewards.mean(0)
        return {
            "reward": rewards.mean(),
            "loss": loss.detach(),
            "sampling_loss": sampling.detach(),
            "entropy": entropy.detach(),
            "kept": (actions & valid).sum() / (len(actions) * valid.sum()),
        }

    def _imitate(self, videos: np.ndarray, targets: FrameTargets) -> dict[str, Tensor | float]:
        """One step towards the oracle's frames of the videos [B]."""
        features, predictions, valid = self.table(videos)
        picked, _ = targets(videos)
        loss = imitation_loss(self.network(features, predictions, valid), picked, valid)
        self.descend(loss)
        return {"loss": loss.detach()}


def check(config: ReinforceConfig) -> None:
    """Raise FrameSelectError if a hyper-parameter is out of range."""
    check_ranges(config)
    if config.baseline in ("leave-one-out", "group-relative") and config.episodes < 2:
        raise FrameSelectError(f"episodes=1: the {config.baseline} baseline needs at least 2")


DESIGN = AgentDesign(
    name="reinforce",
    config=ReinforceConfig,
    presets={"tuned": TUNED, "paper": PAPER},
    check=check,
    network=make_frame_scorer,
    agent=lambda network, task, config: ScorerAgent("reinforce", network),
    learner=ReinforceLearner,
    search={
        "learning_rate": (3e-4, 1e-3, 3e-3),
        "hidden_size": (64, 128),
        "dropout": (0.0, 0.3),
        "episodes": (4, 8),
        "ent_coef": (0.0, 0.01),
        "state": ("feature", "feature+prediction"),
    },
    target_frames={"paper": 12},
    modules=("agents.training.supervised_terms",),
)
