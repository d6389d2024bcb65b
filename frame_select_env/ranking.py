"""Rankings: importance scores for frames, and the frames chosen by them."""

from typing import Protocol, runtime_checkable

import numpy as np

from frame_select_env.cache import Clips


@runtime_checkable
class Ranking(Protocol):
    """Anything that ranks frames: a formula, a network's attention, a trained agent.

    A ranking may also have `select(clips) -> bool [B, T]`, its own free choice of frames. Two class
    attributes, False by default, declare that `scores` takes another keyword: `needs_label` for
    `scores(clips, label=[B])`, an oracle and not a competitor, and `needs_frames` for
    `scores(clips, frames=m)`, an int or [B] int, a choice that depends on how many are kept.
    """

    @property
    def name(self) -> str:
        """Its name in tables."""
        ...

    def scores(self, clips: Clips) -> np.ndarray:
        """Importance scores [B, T] float, higher is better, -inf at padding."""
        ...


def top_frames(scores: np.ndarray, valid: np.ndarray, frames: int | np.ndarray) -> np.ndarray:
    """The `frames` highest-scored frames of every video, as a mask.

    Among equal scores the earlier frame wins. A video with fewer valid frames keeps all of them.

    Args:
        scores: [B, T] float.
        valid: [B, T] bool.
        frames: m, an int for all videos or [B] int.

    Returns:
        [B, T] bool.
    """
    order = np.argsort(-np.where(valid, scores, -np.inf), axis=1, kind="stable")
    rank = order.argsort(axis=1)
    return (rank < np.broadcast_to(frames, (len(scores),))[:, None]) & valid


def best_if_none(selected: np.ndarray, scores: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """A free choice of frames [B, T] bool, or the best frame of a video where it is empty."""
    nothing = ~selected.any(axis=1, keepdims=True)
    return np.where(nothing, top_frames(scores, valid, 1), selected)


def evenly_spaced_frames(valid: np.ndarray, frames: int | np.ndarray) -> np.ndarray:
    """The middles of m equal parts of every video, as a mask [B, T]; m is an int or [B] int.

    Of L valid frames these are floor((t + 1/2) L / m) for t = 0..m-1, as in `frame_index`. A video
    with fewer valid frames keeps all of them.
    """
    length = valid.sum(axis=1, keepdims=True)
    count = np.minimum(np.broadcast_to(frames, (len(valid),))[:, None], length)
    t = np.arange(valid.shape[1])
    index = (2 * t + 1) * length // (2 * np.maximum(count, 1))
    video, step = np.nonzero(t < count)
    chosen = np.zeros(valid.shape, bool)
    chosen[video, index[video, step]] = True
    return chosen
