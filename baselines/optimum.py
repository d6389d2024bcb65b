"""The known optimum: the return of every selection of a short video, by trying all of them."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from baselines.selections import SelectionPay
from frame_select_env.errors import FrameSelectError

MOST_FRAMES = 12  # 4096 selections of a video


@dataclass(frozen=True)
class Returns:
    """What each selection of each video pays.

    Attributes:
        selections: [S, T] bool, all S = 2^T selections; the first one is empty.
        paid: [n, S] float64, the return of each on each video.
    """

    selections: np.ndarray
    paid: np.ndarray

    def best(self, frames: int | None = None) -> np.ndarray:
        """The highest return of each video, [n]; of `frames` frames, or of any number."""
        if frames is None:
            return self.paid.max(axis=1)
        return self.paid[:, self.selections.sum(axis=1) == frames].max(axis=1)

    def of(self, selected: np.ndarray) -> np.ndarray:
        """The return [n] of one selection of each video, [n, T] bool."""
        number = selected @ (1 << np.arange(selected.shape[1]))
        return self.paid[np.arange(len(selected)), number]


def every_return(rows: np.ndarray, num_frames: int, **keywords: Any) -> Returns:
    """Try all selections of the videos in `rows` [n], T = `num_frames` each.

    `keywords` are those of FrameSelect/OneShot-v0: data, split, reward and so on. The multi-step
    environments pay the same for a selection (dense rewards telescope to it), so it is their
    optimum too.

    Raises:
        FrameSelectError: for more than 12 frames, or what the environment refuses.
    """
    if not 1 <= num_frames <= MOST_FRAMES:
        raise FrameSelectError(
            f"num_frames={num_frames}: must be from 1 to {MOST_FRAMES}, as all selections are tried"
        )
    numbers = np.arange(2**num_frames)
    selections = (numbers[:, None] >> np.arange(num_frames) & 1).astype(bool)
    pay = SelectionPay(num_frames, **keywords)
    paid = [pay(np.full(len(selections), row), selections)[0] for row in rows]
    return Returns(selections, np.stack(paid))
