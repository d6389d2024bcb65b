"""REINFORCE that draws exactly m frames, one after another without replacement (Plackett-Luce).

A selection is an ordered draw: each next frame comes from the softmax of the logits over the frames
that are left. Adding Gumbel noise to the logits and keeping the top m draws exactly that (Kool, van
Hoof and Welling, "Stochastic Beams and Where to Find Them", ICML 2019). No loss has to hold the
number of frames near m, and the ranking is what is learnt. Advantages are compared within a video's
draws, as in GRPO (Shao et al., "DeepSeekMath", 2024).
"""

from dataclasses import dataclass
from typing import Literal

import gymnasium as gym
import numpy as np
import torch
from torch import Tensor

from agents.networks.frame_scorer import FrameScorer, attention, make_frame_scorer
from agents.reinforce import group_relative, leave_one_out
from agents.soft_attention import SoftAttentionAgent
from agents.training.design import AgentDesign, check_ranges
from agents.training.learner import ScorerConfig, ScorerLearner
from agents.training.task import Task, env_keywords
from frame_select_env import FeatureCache, FrameSelectError
from frame_select_env.consensus import SMALLEST

ADVANTAGES = {"leave-one-out": leave_one_out, "group-relative": group_relative}


@dataclass(frozen=True)
class PlackettLuceConfig(ScorerConfig):
    """Hyper-parameters."""

    #: Number of draws per video and update.
    episodes: int = 8
    #: Numbers of frames m of which one is drawn at every update; empty for the task's m alone. Of a
    #: video with fewer frames all are kept.
    frames: tuple[int, ...] = ()
    #: Baseline that is subtracted from a draw's reward: the mean of the video's other draws; or
    #: the mean of all, and what is left is divided by their standard deviation.
    baseline: Literal["leave-one-out", "group-relative"] = "leave-one-out"
    #: Coefficient of the entropy of the first draw's softmax.
    ent_coef: float = 0.0


def ordered_draw(logits: Tensor, valid: Tensor, count: int, frames: int) -> Tensor:
    """Draw m frames without replacement, in their order: [N, B, m] int64 from logits [B, T].

    N is `count` and m is `frames`, at most T. Of a video with fewer valid frames the first ones are
    these, and padding follows.
    """
    noise = -torch.empty((count, *logits.shape), device=logits.device).exponential_().log()
    return (logits + noise).masked_fill(~valid, -torch.inf).topk(frames, dim=2).indices


def log_probability(logits: Tensor, valid: Tensor, order: Tensor) -> Tensor:
    """The log-probability of ordered draws, [N, B] from logits [B, T] and the order [N, B, m].

    The sum over steps of z_a - log sum exp z over the frames not drawn before; steps that draw
    padding, because no valid frame is left, count nothing.
    """
    masked = logits.masked_fill(~valid, -torch.inf).expand(*order.shape[:2], -1)
    drawn = masked.gather(2, order)
    # The frames left at step k: all, without those drawn before.
    taken = torch.zeros_like(masked, dtype=torch.bool)
    total = torch.zeros(order.shape[:2], device=logits.device)
    for step in range(order.shape[2]):
        there = valid.expand_as(taken).gather(2, order[:, :, step : step + 1])[:, :, 0]
        # Where nothing is left, any finite number keeps the gradient finite.
        left = masked.masked_fill(taken, -torch.inf)
        left = torch.where(there[:, :, None], left, 0.0)
        own = torch.where(there, drawn[:, :, step], 0.0)
        total = total + torch.where(there, own - left.logsumexp(2), 0.0)
        taken = taken.scatter(2, order[:, :, step : step + 1], True)
    return total


class PlackettLuceLearner(ScorerLearner):
    """Network, optimiser and environment."""

    config: PlackettLuceConfig

    def __init__(
        self, network: FrameScorer, cache: FeatureCache, task: Task, config: PlackettLuceConfig
    ) -> None:
        super().__init__(network, cache, task, config)
        self.frames = config.frames or (task.target_frames,)
        self.env = gym.make_vec(
            "FrameSelect/OneShot-v0",
            num_envs=self.batch_size * config.episodes,
            **env_keywords(task),
            autoreset_mode="Disabled",
        )

    def update(self, videos: np.ndarray) -> dict[str, Tensor | float]:
        """Draw N selections of every video in `videos` [B], score them and take one step."""
        config = self.config
        self.env.reset(options=self.table.options(np.tile(videos, config.episodes)))
        features, predictions, valid = self.table(videos)
        logits = self.network(features, predictions, valid)
        m = self.frames[int(torch.randint(len(self.frames), ()))]
        with torch.no_grad():
            order = ordered_draw(logits, valid, config.episodes, m)
            selected = torch.zeros((*order.shape[:2], logits.shape[1]), dtype=torch.bool)
            selected = selected.to(logits.device).scatter(2, order, True) & valid
        flat = selected.reshape(-1, selected.shape[2]).cpu().numpy()
        _, paid, _, _, _ = self.env.step(flat)
        rewards = torch.from_numpy(paid).float().to(logits.device).reshape(config.episodes, -1)
        advantage = ADVANTAGES[config.baseline](rewards)
        policy = -(advantage * log_probability(logits, valid, order)).mean()
        weights = attention(logits, valid)
        # Padding has weight 0, where the gradient of w log w is infinite.
        entropy = -torch.where(valid, weights * weights.clamp(min=SMALLEST).log(), 0).sum(1).mean()
        loss = policy - config.ent_coef * entropy
        self.descend(loss)
        self.episodes += self.env.num_envs
        self.timesteps += self.env.num_envs
        return {"reward": rewards.mean(), "loss": loss.detach(), "entropy": entropy.detach()}


def check(config: PlackettLuceConfig) -> None:
    """Raise FrameSelectError if a hyper-parameter is out of range."""
    check_ranges(config)
    if config.episodes < 2:
        raise FrameSelectError(f"episodes={config.episodes}: the baseline needs at least 2")
    if any(m < 1 for m in config.frames):
        raise FrameSelectError(f"frames={config.frames}: must be at least 1")


def make_network(cache: FeatureCache, task: Task, config: PlackettLuceConfig) -> FrameScorer:
    """The network; FrameSelectError if a number of frames exceeds the task's."""
    if config.frames and max(config.frames) > task.num_frames:
        raise FrameSelectError(
            f"frames={config.frames}: must be at most the number of frames, {task.num_frames}"
        )
    return make_frame_scorer(cache, task, config)


DESIGN = AgentDesign(
    name="plackett-luce",
    config=PlackettLuceConfig,
    presets={
        "tuned": PlackettLuceConfig(
            hidden_size=64, learning_rate=1e-2, episodes=4, baseline="group-relative"
        )
    },
    check=check,
    network=make_network,
    agent=lambda network, task, config: SoftAttentionAgent("plackett-luce", network),
    learner=PlackettLuceLearner,
    search={
        "learning_rate": (1e-3, 3e-3, 1e-2),
        "hidden_size": (64, 128),
        "dropout": (0.0, 0.3, 0.5),
        "episodes": (4, 8, 16),
        "frames": ((), (1, 2, 4, 8)),
        "baseline": ("leave-one-out", "group-relative"),
    },
    modules=("agents.reinforce", "agents.soft_attention"),
)
