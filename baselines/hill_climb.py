"""`hill-climb`: the greedy oracle's frames, bettered by exchanges. A ceiling, no competitor."""

import numpy as np

from baselines.budget import required_frames
from baselines.objective import Objective, make_objective
from baselines.oracle import Oracle
from frame_select_env.cache import Clips
from frame_select_env.ranking import top_frames

ENOUGH = 1e-9  # a gain in summed margin; less may be rounding, after which a search never ends


class HillClimb:
    """Local search with the label for the best m frames, m being given.

    It starts from the m frames that `oracle` picks first and makes the exchange of one of them for
    another frame that betters the consensus most (the margin, see `Oracle`; among equals the
    earliest pair), until none does. So no choice of `oracle` is better, neither in margin nor in
    accuracy; the best of all sets may still be, see `exact-oracle`.
    """

    name = "hill-climb"
    needs_label = True
    needs_frames = True

    def scores(
        self,
        clips: Clips,
        label: np.ndarray | None = None,
        frames: int | np.ndarray | None = None,
    ) -> np.ndarray:
        """1.0 at the chosen frames, 0.0 at the others, -inf at padding.

        Args:
            clips: B videos.
            label: [B] int (classification) or [B, K] float (regression).
            frames: m, for all videos or one each, [B] int; at least 1.

        Returns:
            [B, T] float64.

        Raises:
            FrameSelectError: if `frames` is missing or below 1, or a label missing or unknown (-1).
        """
        objective = make_objective(clips, label, self.name)
        frames = required_frames(self.name, frames)
        chosen = top_frames(Oracle().scores(clips, label=label), clips.valid, frames)
        for video, valid in enumerate(clips.valid):
            chosen[video] = climb(objective, objective.part[video], chosen[video], valid)
        return np.where(clips.valid, chosen.astype(np.float64), -np.inf)


def climb(
    objective: Objective, part: np.ndarray, chosen: np.ndarray, valid: np.ndarray
) -> np.ndarray:
    """The choice [T] bool that no exchange betters, reached from `chosen` [T] bool.

    Args:
        objective: What is bettered.
        part: [T, P], what each frame adds.
        chosen: [T] bool.
        valid: [T] bool.
    """
    chosen = chosen.copy()
    while True:
        inside, outside = np.flatnonzero(chosen), np.flatnonzero(valid & ~chosen)
        if not len(inside) or not len(outside):
            return chosen
        total = part[inside].sum(axis=0)
        exchanged = total - part[inside][:, None] + part[outside][None]
        quality = objective.quality(exchanged)
        best = quality.argmax()
        if quality.flat[best] <= objective.quality(total) + ENOUGH:
            return chosen
        leaves, enters = np.unravel_index(best, quality.shape)
        chosen[inside[leaves]], chosen[outside[enters]] = False, True
