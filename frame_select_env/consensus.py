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
SMALLEST = 1e-6  # probabilities are clipped here before a logarithm
MEAN = "mean"  # the name of the consensus among aggregators


def check_alpha(alpha: float, aggregator: object = MEAN) -> None:
    """Refuse a weight of the frames that are not selected outside of 0 to 1 (AS Eq. 10).

    Only the mean weighs them.
    """
    if not isinstance(alpha, int | float) or not 0 <= alpha <= 1:
        raise FrameSelectError(f"alpha={alpha!r}: must be a number from 0 to 1")
    if alpha and aggregator != MEAN:
        raise FrameSelectError(
            f"alpha={alpha!r}: must be 0 with aggregator={str(aggregator)!r}; only the mean weighs "
            "frames that are not selected"
        )


def on_grid(predictions: np.ndarray, largest: float = 1.0) -> np.ndarray:
    """Round predictions to multiples of 2^-40 (times the power of two that reaches `largest`).

    `largest` is the largest magnitude in the whole cache, 1 for probabilities.
    """
    exponent = int(np.ceil(np.log2(largest))) if largest > 1 else 0
    step = 2.0 ** (exponent - GRID_BITS)
    grid = np.asarray(predictions, np.float64) / step
    return np.multiply(np.rint(grid, out=grid), step, out=grid)


def weighted_mean(
    kept_sum: np.ndarray,
    kept: np.ndarray,
    total_sum: np.ndarray,
    total: np.ndarray,
    alpha: float = 0.0,
) -> np.ndarray:
    """The consensus p1 (AS Eq. 3; with alpha, AS Eq. 10) from sums over frames.

    Selected frames weigh 1, the others alpha. Keeping every frame gives p0 to the bit. With
    nothing selected p1 is p0 for alpha > 0, and zeros for alpha = 0 (0 / 0 in the paper). The sums
    [B, C] are of grid predictions, over the `kept` [B] selected and the `total` [B] valid frames.
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
    frames = predictions.shape[1]
    if frames > MAX_FRAMES:
        raise FrameSelectError(f"num_frames is {frames}; it must be at most {MAX_FRAMES}")
    grid = on_grid(predictions, largest)
    kept = selected & valid
    kept_sum = np.einsum("bt,btc->bc", kept.astype(np.float64), grid)
    total_sum = np.einsum("bt,btc->bc", valid.astype(np.float64), grid)
    return weighted_mean(kept_sum, kept.sum(1), total_sum, valid.sum(1), alpha)


def is_correct(
    probabilities: np.ndarray, label: np.ndarray, unanswered: np.ndarray | None = None
) -> np.ndarray:
    """Whether the predicted class is the label, [B] bool; an empty consensus (zeros) is wrong.

    Which ones are empty, [B] bool, is looked up unless the caller knows.
    """
    correct = probabilities.argmax(axis=1) == label
    return correct & (probabilities.any(axis=1) if unanswered is None else ~unanswered)


def clipped_log(probabilities: np.ndarray) -> np.ndarray:
    """The natural logarithm, [...] float64, of probabilities clipped at 1e-6."""
    return np.log(np.maximum(np.asarray(probabilities, np.float64), SMALLEST))


def entropy(probabilities: np.ndarray) -> np.ndarray:
    """Entropy -sum_k p_k log p_k in nats, of [..., C] as [...] float64."""
    return -(probabilities * clipped_log(probabilities)).sum(axis=-1)


def of_class(probabilities: np.ndarray, label: np.ndarray) -> np.ndarray:
    """The probability of the class `label` [...] in `probabilities` [..., C], as [...]."""
    if label.ndim == 1:  # the same as np.take_along_axis at a fraction of the cost
        first = np.arange(len(label)) * probabilities.shape[1]
        return probabilities.reshape(-1).take(first + label)
    return np.take_along_axis(probabilities, label[..., None], axis=-1)[..., 0]


def margin(probabilities: np.ndarray, label: np.ndarray) -> np.ndarray:
    """How far the class `label` leads the best other one, p_c - max_{k != c} p_k, [...] float64."""
    others = np.array(probabilities, np.float64)
    np.put_along_axis(others, label[..., None], -np.inf, axis=-1)
    return of_class(probabilities, label) - others.max(axis=-1)
