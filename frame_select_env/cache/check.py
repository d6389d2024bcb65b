"""What a cache's values must obey: checked when written, on first read and by `inspect --full`."""

import numpy as np

from frame_select_env.cache import schema

# Probabilities saved in half precision or by a float32 softmax miss one by far less than this.
SUM_TOLERANCE = 2e-3


def finite(name: str, values: np.ndarray) -> str | None:
    """What is wrong with `values` [L, ...], frame by frame; None if nothing is."""
    bad = ~np.isfinite(values)
    if bad.any():
        frame = int(np.argwhere(bad)[0][0])
        value = values[bad][0]
        return f"{name} is {value} at frame {frame}; remove the video or repair the value"
    return None


def predictions(values: np.ndarray, task: str) -> str | None:
    """What is wrong with predictions [L, C] or [L, V, C]; None if nothing is.

    A classification's predictions are probabilities: within [0, 1], summing to 1.
    """
    wrong = finite("predictions", values)
    if wrong or task == "regression":
        return wrong
    if values.min() < -SUM_TOLERANCE or values.max() > 1 + SUM_TOLERANCE:
        return (
            f"predictions reach from {values.min():.3g} to {values.max():.3g}, "
            "but must be probabilities; apply the softmax to logits first"
        )
    sums = values.sum(axis=-1)
    if np.abs(sums - 1).max() > SUM_TOLERANCE:
        worst = sums.flat[np.abs(sums - 1).argmax()]
        return f"predictions of one frame sum to {worst:.4g}, not 1; apply the softmax first"
    return None


def label(value: object, task: str, outputs: int) -> str | None:
    """What is wrong with one video's label; None if nothing is."""
    array = np.asarray(value)
    if task == "regression":
        if array.shape != (outputs,) or not np.isfinite(array.astype(np.float64)).all():
            return f"label {value!r} must be {outputs} finite numbers"
        return None
    if array.shape != () or array.dtype.kind not in "iu":
        return f"label {value!r} must be one integer"
    if not schema.UNKNOWN_LABEL <= int(array) < outputs:
        return f"label {int(array)} is out of range; allowed: 0 to {outputs - 1}, or -1 (unknown)"
    return None


def text(value: str) -> str | None:
    """What is wrong with an id or another name; None if nothing is.

    Names of files may hold bytes that are no text, which Python reads as lone surrogates.
    """
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return f"{ascii(value)} is no text in UTF-8; rename it"
    return None


def split(value: object) -> str | None:
    """What is wrong with one video's split; None if nothing is."""
    if value not in schema.SPLITS:
        return f"split {str(value)!r} is unknown; allowed: train, val, test or '' (unused)"
    return None
