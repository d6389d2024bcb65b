"""Sequential agents as rankings: keep minus discard along the agent's own greedy walk."""

import numpy as np
import torch

from agents.feature_table import FeatureTable
from agents.networks import DecisionNetwork
from frame_select_env import Clips
from frame_select_env.ranking import best_if_none


class SequentialAgent:
    """Walks through a video greedily; a frame's score is the number for keeping minus discarding.

    Its free choice are the frames it kept on the way.

    Args:
        name: The row's name in tables.
        network: The network: Q-values, or a policy's logits.
        tie: Whether it keeps where both are equal: a policy does (p >= 0.5), Q-values do not.
    """

    def __init__(self, name: str, network: DecisionNetwork, tie: bool = True) -> None:
        self.name, self.tie = name, tie
        self.network = network.eval()

    def scores(self, clips: Clips) -> np.ndarray:
        """Keep minus discard, [B, T] float32, frames of a chunk alike; -inf at padding."""
        return self._walk(clips)[0]

    def select(self, clips: Clips) -> np.ndarray:
        """The frames kept, [B, T] bool; the best frame if none was."""
        scores, selected = self._walk(clips)
        return best_if_none(selected, scores, clips.valid)

    def _walk(self, clips: Clips) -> tuple[np.ndarray, np.ndarray]:
        network, device = self.network, self.network.mean.device
        table = FeatureTable(clips, device)
        videos, frames = clips.valid.shape
        video = torch.from_numpy(clips.video).to(device)
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
