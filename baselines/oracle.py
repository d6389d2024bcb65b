"""Ceilings that know the label, not competitors: `oracle`, `hill-climb`, `exact-oracle`."""

from functools import lru_cache
from typing import TypeAlias

import numpy as np

from baselines.formulas import Frames, required_frames
from frame_select_env.cache import Clips
from frame_select_env.consensus import on_grid
from frame_select_env.errors import FrameSelectError
from frame_select_env.ranking import top_frames

# [B] int, -1 (unknown) is refused; [B, K] float for a regression.
Label: TypeAlias = np.ndarray | None
ENOUGH = 1e-9  # smallest gain in summed margin; less may be rounding, which would never end
MOST_FRAMES = 16  # valid frames of which all sets can be tried: 65535 sets


class Objective:
    """The quality of a set of frames, as a function of the sum of its frames' contributions.

    `part` [B, T, P] float64 is what each frame contributes. Classification: the label's probability
    minus each of the P = C - 1 others, on the grid, so that sums are exact and equal sets tie.
    Regression: prediction minus label, P = K.
    """

    def __init__(self, clips: Clips, label: Label, name: str) -> None:
        if label is None or len(label) != len(clips):
            raise FrameSelectError(f"{name}: needs the label of every video; pass label=")
        grid = on_grid(clips.predictions)
        self.regression = label.ndim == 2
        if self.regression:
            self.part = grid - label[:, None, :]
            return
        if (label < 0).any():
            raise FrameSelectError(f"{name}: a label is -1 (unknown); leave out unlabelled videos")
        own = np.take_along_axis(grid, label[:, None, None], axis=2)
        others = np.arange(grid.shape[2] - 1) + (np.arange(grid.shape[2] - 1) >= label[:, None])
        self.part = own - np.take_along_axis(grid, others[:, None, :], axis=2)

    def quality(self, total: np.ndarray) -> np.ndarray:
        """The quality [...], margin or minus error, of sums [..., P] over n frames, times n."""
        if self.regression:
            return -np.abs(total).mean(axis=-1)
        return total.min(axis=-1, initial=np.inf)


class Oracle:
    """Greedy selection with the label: each next frame gives the best consensus.

    Best is the largest margin, for a regression the smallest absolute error (see `Objective`). Ties
    go to the earlier frame. Greedy is not optimal, but its order is one ranking for every m.
    """

    name = "oracle"
    needs_label = True

    def scores(self, clips: Clips, label: Label = None) -> np.ndarray:
        """T for the first frame picked, T - 1 for the second ...; -inf at padding, [B, T]."""
        objective = Objective(clips, label, self.name)
        part, left = objective.part, clips.valid.copy()
        scores = np.full(left.shape, -np.inf)
        kept = np.zeros((len(left), 1, part.shape[2]))
        for step in range(int(left.sum(axis=1).max(initial=0))):
            quality = objective.quality(kept + part)
            best = np.where(left, quality, -np.inf).max(axis=1, keepdims=True)
            active = np.flatnonzero(left.any(axis=1))
            pick = ((quality == best) & left).argmax(axis=1)[active]
            scores[active, pick] = left.shape[1] - step
            left[active, pick] = False
            kept[active, 0] += part[active, pick]
        return scores


class HillClimb:
    """Local search with the label for the best m frames.

    It starts from the m frames that `oracle` picks first and repeatedly swaps one of them for
    another frame, so that the consensus improves most (see `Oracle`; ties go to the earliest pair),
    until no swap improves it. So no selection of `oracle` is better, neither in margin nor in
    accuracy; the best of all sets may be, see `exact-oracle`.
    """

    name = "hill-climb"
    needs_label = True
    needs_frames = True

    def scores(self, clips: Clips, label: Label = None, frames: Frames = None) -> np.ndarray:
        """1.0 at the selected frames, 0.0 at the others, -inf at padding, [B, T] float64."""
        objective = Objective(clips, label, self.name)
        frames = required_frames(self.name, frames)
        selected = top_frames(Oracle().scores(clips, label=label), clips.valid, frames)
        for video, valid in enumerate(clips.valid):
            _climb(objective, objective.part[video], selected[video], valid)
        return np.where(clips.valid, selected.astype(np.float64), -np.inf)


def _climb(objective: Objective, part: np.ndarray, selected: np.ndarray, valid: np.ndarray) -> None:
    """Swap frames of `selected` [T] bool, in place, until no swap improves the quality."""
    while True:
        inside, outside = np.flatnonzero(selected), np.flatnonzero(valid & ~selected)
        if not len(inside) or not len(outside):
            return
        total = part[inside].sum(axis=0)
        quality = objective.quality(total - part[inside][:, None] + part[outside][None])
        best = quality.argmax()
        if quality.flat[best] <= objective.quality(total) + ENOUGH:
            return
        leaves, enters = np.unravel_index(best, quality.shape)
        selected[inside[leaves]], selected[outside[enters]] = False, True


class ExactOracle:
    """Tries every set of m frames, or of any number of frames, with the label.

    The best set has the best consensus: the largest margin, for a regression the smallest absolute
    error (see `Oracle`). Ties go to the smallest set, then to the one of earlier frames. It shows
    how far `oracle` and `hill-climb` are from the optimum.
    """

    name = "exact-oracle"
    needs_label = True
    needs_frames = True

    def scores(self, clips: Clips, label: Label = None, frames: Frames = None) -> np.ndarray:
        """1.0 at the best set's frames, 0.0 at the others, -inf at padding, [B, T] float64.

        Without `frames`, sets of any size compete. At most 16 frames of a video may be valid.
        """
        objective = Objective(clips, label, self.name)
        lengths = clips.valid.sum(axis=1)
        if lengths.max(initial=0) > MOST_FRAMES:
            raise FrameSelectError(
                f"{self.name}: a video has {lengths.max()} frames, but all sets can only be "
                f"tried for at most {MOST_FRAMES}; lower num_frames or use hill-climb"
            )
        if frames is not None and np.min(frames) < 1:
            raise FrameSelectError(f"{self.name}: frames is {frames}; it must be at least 1")
        wanted = np.broadcast_to(0 if frames is None else frames, lengths.shape)
        scores = np.where(clips.valid, 0.0, -np.inf)
        for video, length in enumerate(lengths):
            sets = _sets(int(length))
            if frames is not None:
                sets = sets[sets.sum(axis=1) == min(wanted[video], length)]
            quality = objective.quality(sets @ objective.part[video, :length]) / sets.sum(axis=1)
            scores[video, :length] = sets[quality.argmax()]
        return scores


@lru_cache(maxsize=MOST_FRAMES)
def _sets(length: int) -> np.ndarray:
    """All non-empty sets of frames as 0.0 and 1.0, [2^L - 1, L]: small, then early ones first."""
    number = np.arange(1, 2**length)[:, None]
    # With the first frame as the highest bit, the larger of two numbers has the earlier frames.
    bits = number >> np.arange(length)[::-1] & 1
    return bits[np.lexsort((-number[:, 0], bits.sum(axis=1)))].astype(np.float64)
