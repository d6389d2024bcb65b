"""A trained agent as a ranking of frames."""

import numpy as np
import torch

from agents.networks import FrameScorer
from frame_select_env import Clips
from frame_select_env.ranking import best_if_none


class ScorerAgent:
    """Ranks frames by the network's logit of keeping them; its free choice is p >= 0.5.

    Args:
        name: The row's name in tables.
        network: The network.
        tie: Whether it keeps a frame at the logit 0: a policy does (p >= 0.5), Q-values do not.
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
        """The frames kept with probability 0.5 or more, [B, T] bool; the best frame if none is."""
        scores = self.scores(clips)
        selected = scores >= 0 if self.tie else scores > 0
        return best_if_none(selected, scores, clips.valid)
