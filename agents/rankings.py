"""Trained networks as rankings of frames: scores, and the agent's own free choice."""

from abc import ABC, abstractmethod

import numpy as np
import torch

from agents.networks.decision import DecisionNetwork
from agents.networks.feature_table import FeatureTable
from agents.networks.frame_scorer import FrameScorer
from agents.networks.frame_set import FrameActions
from frame_select_env import Clips
from frame_select_env.ranking import best_if_none


def at_least_mean(weights: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """The frames with at least their video's mean weight, [B, T] bool; there is always one.

    Weights [B, T] are attention; those at padding do not count.
    """
    mean = np.where(valid, weights, 0).sum(axis=1, keepdims=True) / valid.sum(axis=1, keepdims=True)
    # Equal weights may round to just below their mean.
    return (weights >= mean * (1 - 1e-5)) & valid


def rank_picks(order: np.ndarray, last: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Scores of frames that were picked one by one, [B, T] float64, -inf at padding.

    The first one picked ranks first, the rest rank by their last number: they get 1 / (1 + how far
    it is below the highest), at most 1. `order` [B, T] is above 2 for picked frames, the highest
    for the first, and 0 for others; `last` [B, T] are finite numbers.
    """
    last = last.astype(np.float64)
    others = 1 / (1 + last.max(axis=1, keepdims=True) - last)
    return np.where(valid, np.where(order > 0, order, others), -np.inf)


class ScorerAgent:
    """Ranks frames by the network's logit of keeping them; its free choice is p >= 0.5.

    A `tie`, logit 0, keeps a frame if the network is a policy, and not if it has Q-values.
    """

    def __init__(self, name: str, network: FrameScorer, tie: bool = True) -> None:
        self.name, self.tie = name, tie
        self.network = network.eval()

    def scores(self, clips: Clips) -> np.ndarray:
        """Logits of keeping, [B, T] float32; -inf at padding."""
        device = self.network.mean.device
        with torch.no_grad():
            logits = self.network(
                torch.from_numpy(clips.features).to(device),
                torch.from_numpy(clips.predictions).to(device),
                torch.from_numpy(clips.valid).to(device),
            )
        return np.where(clips.valid, logits.cpu().numpy(), -np.inf)

    def select(self, clips: Clips) -> np.ndarray:
        """The frames kept with a probability of at least 0.5, [B, T] bool; else the best frame."""
        scores = self.scores(clips)
        selected = scores >= 0 if self.tie else scores > 0
        return best_if_none(selected, scores, clips.valid)


class GreedyAgent(ABC):
    """Plays a greedy episode on each video; its free choice is the frames selected in it."""

    @abstractmethod
    def rollout(self, clips: Clips) -> tuple[np.ndarray, np.ndarray]:
        """Scores [B, T], -inf at padding, and selected frames [B, T] bool of the episodes."""

    def scores(self, clips: Clips) -> np.ndarray:
        """The scores of `rollout`."""
        return self.rollout(clips)[0]

    def select(self, clips: Clips) -> np.ndarray:
        """The frames selected, [B, T] bool; the best frame if there are none."""
        scores, selected = self.rollout(clips)
        return best_if_none(selected, scores, clips.valid)


class SequentialAgent(GreedyAgent):
    """Steps through a video, keeping or discarding.

    A frame's score is the number for keeping minus that for discarding, float32, the same for all
    frames of a chunk. Scores are not calibrated over time: each depends on what was kept before.
    `tie` is that of `ScorerAgent`.
    """

    def __init__(self, name: str, network: DecisionNetwork, tie: bool = True) -> None:
        self.name, self.tie = name, tie
        self.network = network.eval()

    def rollout(self, clips: Clips) -> tuple[np.ndarray, np.ndarray]:
        """Scores and kept frames [B, T] of the greedy episodes."""
        network, device = self.network, self.network.mean.device
        videos, frames = clips.valid.shape
        table = FeatureTable(clips, device, np.arange(videos))
        video = torch.arange(videos, device=device)
        selected = torch.zeros(videos, frames, dtype=torch.bool, device=device)
        scores = torch.zeros(videos, frames, device=device)
        with torch.no_grad():
            for first in range(0, frames, network.chunk):
                cursor = torch.full((videos,), first, device=device)
                discard, keep = network(table, video, selected, cursor).unbind(1)
                kept = keep >= discard if self.tie else keep > discard
                chunk = slice(first, first + network.chunk)
                scores[:, chunk] = (keep - discard)[:, None]
                selected[:, chunk] = kept[:, None] & table.valid[:, chunk]
        network.forget()  # the table is not needed any more
        ranked = np.where(clips.valid, scores.cpu().numpy(), -np.inf)
        return ranked, selected.cpu().numpy()


class PickAgent(GreedyAgent):
    """Picks frames until it stops or has made all its picks; on Glance, looks at them.

    Scores are those of `rank_picks`.
    """

    def __init__(self, name: str, network: FrameActions, picks: int) -> None:
        self.name, self.picks = name, picks
        self.network = network.eval()

    def rollout(self, clips: Clips) -> tuple[np.ndarray, np.ndarray]:
        """Scores and picked frames [B, T] of the greedy episodes."""
        network, device = self.network, self.network.mean.device
        videos, frames = clips.valid.shape
        table = FeatureTable(clips, device, np.arange(videos))
        every = torch.arange(videos, device=device)
        picked = torch.zeros(videos, frames, dtype=torch.bool, device=device)
        order = torch.zeros(videos, frames, dtype=torch.float64, device=device)
        active = torch.ones(videos, dtype=torch.bool, device=device)
        last = torch.zeros(videos, frames, device=device)
        with torch.no_grad():
            for step in range(self.picks + 1):
                cursor = torch.full((videos,), step, device=device)
                values = network(table, every, picked, cursor)
                last = torch.where(active[:, None], values[:, :frames], last)
                if step == self.picks:
                    break
                action = values.argmax(1)
                left = (table.valid & ~picked).any(1)
                active = active & (action < frames) & left
                frame = action.clamp(max=frames - 1)
                picked[every, frame] |= active
                order[every, frame] += torch.where(active, 2.0 + self.picks - step, 0.0)
        network.forget()  # the table is not needed any more
        scores = rank_picks(order.cpu().numpy(), last.cpu().numpy(), clips.valid)
        return scores, picked.cpu().numpy()
