"""The video-level prediction: the (weighted) mean of per-frame predictions, computed exactly.

p0 averages all valid frames, p1 the selected ones. A reward takes the sign of a difference between
the two, so a last bit lost in one of them and not in the other would be paid as if it were real.
Predictions are therefore first rounded to a fixed grid of 2^-40 (`on_grid`). Sums of grid values in
float64 are exact for up to 2^12 frames, whatever the order and the shape of the batch: adding the
frames one by one, summing them at once and subtracting some from the total all give the same bits.
"""

import numpy as np

from frame_select_env.errors import FrameSelectError

GRID_BITS = 40
MAX_FRAMES = 2**12


def on_grid(predictions: np.ndarray, largest: float = 1.0) -> np.ndarray:
    """Round predictions to multiples of 2^-40 (times the power of two that reaches `largest`).

    Args:
        predictions: [..., C] float.
        largest: The largest magnitude in the whole cache; 1 for probabilities.

    Returns:
        [..., C] float64.
    """
    exponent = int(np.ceil(np.log2(max(largest, 1e-30)))) if largest > 1 else 0
    step = 2.0 ** (exponent - GRID_BITS)
    grid = np.asarray(predictions, np.float64) / step
    np.rint(grid, out=grid)
    grid *= step
    return grid


def weighted_mean(
    kept_sum: np.ndarray,
    kept: np.ndarray,
    total_sum: np.ndarray,
    total: np.ndarray,
    alpha: float = 0.0,
) -> np.ndarray:
    """The consensus p1 (AS Eq. 1; with alpha, AS Eq. 10) from sums over frames.

    Selected frames weigh 1, the others alpha. Keeping every frame gives p0 to the bit. With
    nothing selected p1 is p0 for alpha > 0, and zeros for alpha = 0 (0 / 0 in the paper).

    Args:
        kept_sum: [B, C] float64, sum of the selected frames' grid predictions.
        kept: [B] int, number of selected frames.
        total_sum: [B, C] float64, sum over all valid frames.
        total: [B] int, number of valid frames.
        alpha: Weight of the frames that are not selected, at least 0.

    Returns:
        [B, C] float64.
    """
    if alpha == 0:
        return kept_sum / np.maximum(kept, 1)[:, None]
    weight = kept + alpha * (total - kept)
    mixed = (kept_sum + alpha * (total_sum - kept_sum)) / weight[:, None]
    return np.where(kept[:, None] > 0, mixed, total_sum / total[:, None])


def consensus(
    predictions: np.ndarray,
    selected: np.ndarray,
    valid: np.ndarray,
    alpha: float = 0.0,
    largest: float = 1.0,
) -> np.ndarray:
    """The consensus of whole clips: the mean prediction of the selected frames.

    Args:
        predictions: [B, T, C] float.
        selected: [B, T] bool; padding is ignored.
        valid: [B, T] bool.
        alpha: Weight of the frames that are not selected (AS Eq. 10).
        largest: See `on_grid`.

    Returns:
        [B, C] float64; zeros where nothing is selected and alpha is 0.

    Raises:
        FrameSelectError: for more than 4096 frames, beyond which sums are not exact.
    """
    if predictions.shape[1] > MAX_FRAMES:
        raise FrameSelectError(f"num_frames is {predictions.shape[1]}; at most {MAX_FRAMES}")
    grid = on_grid(predictions, largest)
    kept = selected & valid
    kept_sum = np.einsum("bt,btc->bc", kept.astype(np.float64), grid)
    total_sum = np.einsum("bt,btc->bc", valid.astype(np.float64), grid)
    return weighted_mean(kept_sum, kept.sum(1), total_sum, valid.sum(1), alpha)


def is_correct(
    probabilities: np.ndarray, label: np.ndarray, maybe_empty: bool = True
) -> np.ndarray:
    """Whether the predicted class is the label, [B] bool; an empty consensus (zeros) is wrong.

    Args:
        probabilities: [B, C].
        label: [B] int.
        maybe_empty: Whether there may be empty ones; False if the caller knows of none.
    """
    correct = probabilities.argmax(axis=1) == label
    if maybe_empty:
        correct &= probabilities.any(axis=1)
    return correct
