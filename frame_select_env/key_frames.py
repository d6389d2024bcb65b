"""Which frames truly matter, by the importance that a cache knows: the one rule for it."""

import numpy as np

TOP_HALF = 0.5


def key_frames(importance: np.ndarray, valid: np.ndarray, share: float | None = None) -> np.ndarray:
    """The frames that matter.

    Importance of 0 and 1 marks them. Graded importance, such as TVSum's 1 to 5, has no natural
    threshold: then it is the top half of a video, the frames above its median, as papers on
    highlights in TVSum and Mr. HiSum (Sul, Han and Lee, NeurIPS 2023, beside the top 15 %) have it.

    Args:
        importance: [N, T] float.
        valid: [N, T] bool, False at padding.
        share: The top share of the frames of a video with graded importance, in (0, 1); None for
            the top half.

    Returns:
        [N, T] bool, False at padding. Of frames as important as the threshold, none counts.
    """
    known = np.where(valid, importance, np.nan)
    marked = (np.isin(importance, (0, 1)) | ~valid).all(axis=1, keepdims=True)
    threshold = np.zeros((len(importance), 1))
    graded = ~marked[:, 0]
    if graded.any():
        quantile = 1 - (TOP_HALF if share is None else share)
        threshold[graded] = np.nanquantile(known[graded], quantile, axis=1, keepdims=True)
    return valid & (importance > threshold)
