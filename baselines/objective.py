"""What the oracles maximise: how well the consensus of some frames says the label."""

from dataclasses import dataclass

import numpy as np

from frame_select_env.cache import Clips
from frame_select_env.consensus import on_grid
from frame_select_env.errors import FrameSelectError


@dataclass(frozen=True)
class Objective:
    """The quality of a set of frames, a function of the sum of what each frame adds.

    Attributes:
        part: [B, T, P] float64, what each frame adds. Classification: by how much the label's
            probability leads each of the P = C - 1 others, on the grid, so that sums are exact and
            equal sets tie. Regression: prediction minus label, P = K.
        regression: Whether it is one.
    """

    part: np.ndarray
    regression: bool

    def quality(self, total: np.ndarray) -> np.ndarray:
        """The quality [...] of sums [..., P] over n frames, times n: compare sets of one size.

        Classification: the margin p_y - max_{c != y} p_c of the consensus. Regression: minus the
        absolute error, averaged over targets.
        """
        if self.regression:
            return -np.abs(total).mean(axis=-1)
        return total.min(axis=-1, initial=np.inf)


def make_objective(clips: Clips, label: np.ndarray | None, name: str) -> Objective:
    """The objective of an oracle.

    Args:
        clips: B videos.
        label: [B] int (classification) or [B, K] float (regression).
        name: The oracle's, for messages.

    Raises:
        FrameSelectError: if a label is missing or unknown (-1).
    """
    if label is None or len(label) != len(clips):
        raise FrameSelectError(f"{name}: needs the label of every video; pass label=")
    grid = on_grid(clips.predictions)
    if label.ndim == 2:
        return Objective(grid - label[:, None, :], regression=True)
    if (label < 0).any():
        raise FrameSelectError(f"{name}: a label is -1 (unknown); leave such videos out")
    own = np.take_along_axis(grid, label[:, None, None], axis=2)
    others = np.arange(grid.shape[2] - 1) + (np.arange(grid.shape[2] - 1) >= label[:, None])
    return Objective(own - np.take_along_axis(grid, others[:, None, :], axis=2), regression=False)
