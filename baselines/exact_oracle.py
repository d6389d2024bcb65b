"""`exact-oracle`: the best of all sets of frames, for short clips. A ceiling, no competitor."""

from functools import lru_cache

import numpy as np

from baselines.objective import make_objective
from frame_select_env.cache import Clips
from frame_select_env.errors import FrameSelectError

MOST_FRAMES = 16  # valid ones: 65535 sets


class ExactOracle:
    """Tries every set of m frames, or of any number of frames, with the label in hand.

    The best set is that of the best consensus: the largest margin, for a regression the smallest
    absolute error (see `Oracle`). Among equals the smallest set wins, then the one of earlier
    frames. It shows how far from optimal `oracle` and `hill-climb` are.
    """

    name = "exact-oracle"
    needs_label = True
    needs_frames = True

    def scores(
        self,
        clips: Clips,
        label: np.ndarray | None = None,
        frames: int | np.ndarray | None = None,
    ) -> np.ndarray:
        """1.0 at the best set's frames, 0.0 at the others, -inf at padding.

        Args:
            clips: B videos of at most 16 valid frames.
            label: [B] int (classification) or [B, K] float (regression).
            frames: m, for all videos or one each, [B] int, at least 1; None: any number, at least
                one.

        Returns:
            [B, T] float64.

        Raises:
            FrameSelectError: for a video of more than 16 valid frames, `frames` below 1, or a label
                that is missing or unknown (-1).
        """
        objective = make_objective(clips, label, self.name)
        lengths = clips.valid.sum(axis=1)
        if lengths.max(initial=0) > MOST_FRAMES:
            raise FrameSelectError(
                f"{self.name}: a video has {lengths.max()} frames, but all sets can be tried of at "
                f"most {MOST_FRAMES}; lower num_frames or use hill-climb"
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
    """All sets of `length` frames but the empty one, smallest first, [2^L - 1, L] of 0.0 and 1.0.

    Among sets of one size that of earlier frames comes first.
    """
    number = np.arange(1, 2**length)[:, None]
    # With the first frame as the highest bit, the larger of two numbers has the earlier frames.
    bits = number >> np.arange(length)[::-1] & 1
    return bits[np.lexsort((-number[:, 0], bits.sum(axis=1)))].astype(np.float64)
