"""Soft attention: the BiLSTM of REINFORCE without reinforcement learning, as a control.

A softmax turns the network's logits into weights over frames; the weighted mean of the predictions
is p1, and its cross-entropy with the label is the loss. Nothing is sampled, and the environment
scores nothing.
"""

import numpy as np
import torch
from torch import Tensor

from agents.networks.frame_scorer import FrameScorer, attention, make_frame_scorer
from agents.rankings import ScorerAgent, at_least_mean
from agents.training.design import AgentDesign
from agents.training.learner import ScorerConfig, ScorerLearner
from agents.training.task import Task, known_labels
from frame_select_env import Clips, FeatureCache
from frame_select_env.consensus import SMALLEST


def attention_loss(weights: Tensor, predictions: Tensor, label: Tensor) -> Tensor:
    """Cross-entropy of the mean prediction; for regression (labels [B, K]) the mean absolute error.

    Predictions [B, T, C] are weighted by `weights` [B, T], which sum to 1.
    """
    p1 = (weights[:, :, None] * predictions).sum(1)
    if label.ndim == 2:
        return (p1 - label).abs().mean()
    likelihood = p1.gather(1, label[:, None]).clamp(min=SMALLEST)
    return -likelihood.log().mean()


class SoftAttentionAgent(ScorerAgent):
    """Ranks frames by their weight; its free choice is the frames with at least the mean weight."""

    def select(self, clips: Clips) -> np.ndarray:
        """The frames whose weight is at least 1 / L, [B, T] bool; there is always one."""
        logits = torch.from_numpy(self.scores(clips))
        weights = torch.softmax(logits, dim=1).numpy()
        return at_least_mean(weights, clips.valid)


class SoftAttentionLearner(ScorerLearner):
    """Network, optimiser and labels."""

    def __init__(
        self, network: FrameScorer, cache: FeatureCache, task: Task, config: ScorerConfig
    ) -> None:
        super().__init__(network, cache, task, config)
        self.labels = known_labels(cache, task)

    def update(self, videos: np.ndarray) -> dict[str, Tensor | float]:
        """One step of cross-entropy on the videos [B]."""
        features, predictions, valid = self.table(videos)
        weights = attention(self.network(features, predictions, valid), valid)
        label = self.labels[torch.from_numpy(self.table.rows(videos)).to(self.labels.device)]
        loss = attention_loss(weights, predictions, label)
        self.descend(loss)
        # The effective number of frames: 1 / sum of squares.
        attended = (1 / weights.square().sum(1)).mean()
        return {"loss": loss.detach(), "attended_frames": attended.detach()}


DESIGN = AgentDesign(
    name="soft-attention",
    config=ScorerConfig,
    presets={"tuned": ScorerConfig(learning_rate=1e-2)},
    network=make_frame_scorer,
    agent=lambda network, task, config: SoftAttentionAgent("soft-attention", network),
    learner=SoftAttentionLearner,
    search={
        "learning_rate": (3e-4, 1e-3, 3e-3, 1e-2),
        "hidden_size": (64, 128),
        "dropout": (0.0, 0.1, 0.3, 0.5, 0.7),
        "weight_decay": (1e-5, 1e-4, 1e-3),
    },
    supervised=True,
)
