"""`oracle`: what a greedy search with the label in hand would pick. A ceiling, no competitor."""

import numpy as np

from baselines.objective import make_objective
from frame_select_env.cache import Clips


class Oracle:
    """Greedy selection with the label: each next frame makes the consensus as good as possible.

    For a classification that is the largest margin p_y - max_{c != y} p_c of the mean prediction of
    the frames picked so far and the candidate; for a regression the smallest absolute error,
    averaged over the targets. Equally good candidates: the earlier frame. Greedy is not optimal,
    but its order of picking is one ranking for every m.
    """

    name = "oracle"
    needs_label = True

    def scores(self, clips: Clips, label: np.ndarray | None = None) -> np.ndarray:
        """T for the frame picked first, T - 1 for the second, and so on; -inf at padding.

        Args:
            clips: B videos.
            label: [B] int (classification) or [B, K] float (regression).

        Returns:
            [B, T] float64.

        Raises:
            FrameSelectError: if a label is missing or unknown (-1).
        """
        objective = make_objective(clips, label, self.name)
        part = objective.part
        left = clips.valid.copy()
        frames = left.shape[1]
        scores = np.full(left.shape, -np.inf)
        kept = np.zeros((len(left), 1, part.shape[2]))
        for step in range(int(left.sum(axis=1).max(initial=0))):
            pick = _first_best(objective.quality(kept + part), left)
            going = np.flatnonzero(left.any(axis=1))
            pick = pick[going]
            scores[going, pick] = frames - step
            left[going, pick] = False
            kept[going, 0] += part[going, pick]
        return scores


def _first_best(quality: np.ndarray, left: np.ndarray) -> np.ndarray:
    """[B] the first frame of the highest quality among those left."""
    best = np.where(left, quality, -np.inf).max(axis=1, keepdims=True)
    return ((quality == best) & left).argmax(axis=1)
