"""Set-building agents as rankings: the order of picking, then the last numbers."""

import numpy as np
import torch

from agents.feature_table import FeatureTable
from agents.networks import FrameSetNetwork
from frame_select_env import Clips
from frame_select_env.ranking import best_if_none


class PickAgent:
    """Picks frames greedily; the first picked ranks first, then the others by their last number.

    Its free choice are the frames it picked until it stopped, or had made all its picks.

    Args:
        name: The row's name in tables.
        network: The network: Q-values, or a policy's logits.
        picks: How many frames it picks, at most.
    """

    def __init__(self, name: str, network: FrameSetNetwork, picks: int) -> None:
        self.name, self.picks = name, picks
        self.network = network.eval()

    def scores(self, clips: Clips) -> np.ndarray:
        """[B, T] float64: above 2 for picked frames, the first the most; at most 1 for others."""
        return self._pick(clips)[0]

    def select(self, clips: Clips) -> np.ndarray:
        """The frames picked before it stopped, [B, T] bool; the best frame if none was."""
        scores, selected = self._pick(clips)
        return best_if_none(selected, scores, clips.valid)

    def _pick(self, clips: Clips) -> tuple[np.ndarray, np.ndarray]:
        network, device = self.network, self.network.mean.device
        table = FeatureTable(clips, device)
        videos, frames = clips.valid.shape
        every = torch.arange(videos, device=device)
        video = torch.from_numpy(clips.video).to(device)
        picked = torch.zeros(videos, frames, dtype=torch.bool, device=device)
        order = torch.zeros(videos, frames, dtype=torch.float64, device=device)
        going = torch.ones(videos, dtype=torch.bool, device=device)
        last = torch.zeros(videos, frames, device=device)
        with torch.no_grad():
            for step in range(self.picks + 1):
                cursor = torch.full((videos,), step, device=device)
                values = network(table, video, picked, cursor)
                last = torch.where(going[:, None], values[:, :frames], last)
                if step == self.picks:
                    break
                action = values.argmax(1)
                left = (table.valid & ~picked).any(1)
                going = going & (action < frames) & left
                place = action.clamp(max=frames - 1)
                picked[every, place] |= going
                order[every, place] += torch.where(going, 2.0 + self.picks - step, 0.0)
        network.forget()  # the table is not needed any more
        # Others by how far their last number is below the highest, the highest first.
        gap = last.double().max(1, keepdim=True).values - last.double()
        others = 1 / (1 + gap)
        scores = torch.where(picked, order, others).cpu().numpy()
        return np.where(clips.valid, scores, -np.inf), picked.cpu().numpy()
