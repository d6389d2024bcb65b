"""Reading actions: exact shapes and values, any numeric type."""

from typing import Any

import numpy as np

from frame_select_env.errors import FrameSelectError


def read_whole(actions: Any, shape: tuple[int, ...], choices: int) -> np.ndarray:
    """Actions as an int or bool array of `shape`, every one of them from 0 to `choices` - 1.

    Floats that are whole numbers are accepted: Stable-Baselines3 hands MultiBinary actions over as
    float32.

    Raises:
        FrameSelectError: naming the shape, the type or the value.
    """
    array = np.asarray(actions)
    if array.shape != shape:
        raise FrameSelectError(f"action has the shape {array.shape}; expected {shape}")
    kind = array.dtype.kind
    if kind == "b":
        return array
    if kind == "f":
        fraction = np.rint(array) != array  # true of NaN too
        if fraction.any():
            raise FrameSelectError(f"action {array[fraction][0]} is not a whole number")
    elif kind not in "iu":
        raise FrameSelectError(f"action has the type {array.dtype}; expected whole numbers")
    # Seen as unsigned a negative number is huge, so one maximum checks both ends.
    seen = array.view(f"u{array.dtype.itemsize}") if kind == "i" else array
    if array.size and (seen.max() >= choices or kind == "f" and array.min() < 0):
        wrong = array[(array >= choices) | (array < 0)][0]
        raise FrameSelectError(f"action {wrong} is out of range; allowed: 0 to {choices - 1}")
    return array
