"""`pooled-agreement`: the frames whose predictions agree with what `pooled` says of the video."""

from collections.abc import Sequence

import numpy as np

from baselines.predictors import Pooled
from frame_select_env.cache import Clips, FeatureCache


class PooledAgreement:
    """Ranks frames by their expected probability of the true class, if `pooled` is believed.

    score_t = sum_c q_c p_t(c), with the probabilities q that `pooled` gives the video and p_t those
    of the frame. It maximises the expected p1 of the true class, where q is right. Whatever gain it
    has is `pooled`'s verdict carried over to frames: read it beside `pooled-and-all`, which uses
    the same two predictions and selects nothing.

    Args:
        pooled: The fitted model of each stream; q is their mean.
        cache: The cache.
        fold: The fold of the predictions.
        num_frames: T.
        streams: The streams' names, None for the only one.
        view: A view by its number; None for all side by side.
    """

    name = "pooled-agreement"
    tasks = ("classification",)

    def __init__(
        self,
        pooled: Sequence[Pooled],
        cache: FeatureCache,
        fold: str,
        num_frames: int,
        streams: Sequence[str | None] = (None,),
        view: int | None = None,
    ) -> None:
        self._pooled, self._cache, self._fold = pooled, cache, fold
        self._frames, self._streams, self._view = num_frames, streams, view
        self._known: dict[int, np.ndarray] = {}  # q by the video's row

    def scores(self, clips: Clips) -> np.ndarray:
        """The expected probabilities, [B, T] float64, -inf at padding."""
        rows = clips.video.tolist()
        new = np.array([row for row in dict.fromkeys(rows) if row not in self._known], np.int64)
        if len(new):
            found = [
                one.predict(
                    self._cache.read(
                        *(new, self._frames, self._fold, stream),
                        self._cache.clips_of(new, stream, self._view)[1],
                    )
                )
                for one, stream in zip(self._pooled, self._streams, strict=True)
            ]
            self._known |= dict(zip(new.tolist(), np.mean(found, axis=0), strict=True))
        q = np.stack([self._known[row] for row in rows])
        return np.where(clips.valid, np.einsum("btc,bc->bt", clips.predictions, q), -np.inf)

    def without(self, rows: np.ndarray) -> "PooledAgreement":
        """The same ranking, fitted without the videos in `rows`: to choose m on them."""
        fitted = [one.without(rows) for one in self._pooled]
        return PooledAgreement(
            fitted, self._cache, self._fold, self._frames, self._streams, self._view
        )
