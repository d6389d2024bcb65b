"""`oracle`: what a greedy search with the label in hand would pick. A ceiling, no competitor."""

from collections.abc import Callable

import numpy as np

from frame_select_env.cache import Clips
from frame_select_env.consensus import on_grid
from frame_select_env.errors import FrameSelectError


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
        if label is None or len(label) != len(clips):
            raise FrameSelectError("oracle: needs the label of every video; pass label=")
        quality: Callable[[np.ndarray], np.ndarray]
        if label.ndim == 1:
            part, quality = _leads(clips.predictions, label), _margin
        else:
            part, quality = on_grid(clips.predictions) - label[:, None, :], _closeness
        left = clips.valid.copy()
        frames = left.shape[1]
        scores = np.full(left.shape, -np.inf)
        kept = np.zeros((len(left), 1, part.shape[2]))
        for step in range(int(left.sum(axis=1).max(initial=0))):
            pick = _first_best(quality(kept + part), left)
            going = np.flatnonzero(left.any(axis=1))
            pick = pick[going]
            scores[going, pick] = frames - step
            left[going, pick] = False
            kept[going, 0] += part[going, pick]
        return scores


def _leads(predictions: np.ndarray, label: np.ndarray) -> np.ndarray:
    """How far the label's probability leads each class's, [B, T, C]; infinitely at its own.

    Leads add up over frames, and on the grid exactly: equal candidates tie whatever was picked.
    """
    if (label < 0).any():
        raise FrameSelectError("oracle: a label is -1 (unknown); leave such videos out")
    grid = on_grid(predictions)
    column = np.broadcast_to(label[:, None, None], (*grid.shape[:2], 1))
    leads = np.take_along_axis(grid, column, axis=2) - grid
    np.put_along_axis(leads, column, np.inf, axis=2)
    return leads


def _margin(leads: np.ndarray) -> np.ndarray:
    """The smallest summed lead, [B, T]: the margin, times a count all candidates share."""
    return leads.min(axis=2)


def _closeness(deviations: np.ndarray) -> np.ndarray:
    """Minus the absolute error, averaged over targets, times a count all candidates share."""
    return -np.abs(deviations).mean(axis=2)


def _first_best(quality: np.ndarray, left: np.ndarray) -> np.ndarray:
    """[B] the first frame of the highest quality among those left."""
    best = np.where(left, quality, -np.inf).max(axis=1, keepdims=True)
    return ((quality == best) & left).argmax(axis=1)
