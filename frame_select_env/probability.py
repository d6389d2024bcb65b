"""What rewards and rankings ask of class probabilities, for any leading axes."""

import numpy as np

SMALLEST = 1e-6  # probabilities are clipped here before a logarithm


def clipped_log(probabilities: np.ndarray) -> np.ndarray:
    """The natural logarithm, [...] float64; what is below 1e-6 counts as 1e-6."""
    return np.log(np.maximum(np.asarray(probabilities, np.float64), SMALLEST))


def entropy(probabilities: np.ndarray) -> np.ndarray:
    """Shannon's entropy -sum_k p_k log p_k in nats, of [..., C] as [...] float64."""
    return -(probabilities * clipped_log(probabilities)).sum(axis=-1)


def of_class(probabilities: np.ndarray, label: np.ndarray) -> np.ndarray:
    """The probability of the class `label` [...] in `probabilities` [..., C], as [...]."""
    if label.ndim == 1:  # np.take_along_axis says the same, at several times the cost
        return probabilities[np.arange(len(label)), label]
    return np.take_along_axis(probabilities, label[..., None], axis=-1)[..., 0]


def margin(probabilities: np.ndarray, label: np.ndarray) -> np.ndarray:
    """By how much a class leads the best other one: p_c - max_{k != c} p_k.

    Args:
        probabilities: [..., C] float, C at least 2.
        label: [...] int, the class c.

    Returns:
        [...] float64, from -1 to 1; above 0 where c is predicted.
    """
    others = np.array(probabilities, np.float64)
    np.put_along_axis(others, label[..., None], -np.inf, axis=-1)
    return of_class(probabilities, label) - others.max(axis=-1)
