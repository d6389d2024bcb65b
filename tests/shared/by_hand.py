"""Videos whose few values a test writes down."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike


def video_by_hand(
    name: str,
    predictions: ArrayLike,
    label: int = 0,
    split: str = "test",
    features: ArrayLike | None = None,
    **more: Any,
) -> dict[str, Any]:
    """A video for `write_cache`: predictions [L, C], and unless given features [L, 1] of ones."""
    made = np.asarray(predictions, np.float32)
    ones = np.ones((len(made), 1), np.float32)
    return {
        "id": name,
        "label": label,
        "split": split,
        "features": ones if features is None else np.asarray(features, np.float32),
        "predictions": made,
        **more,
    }
