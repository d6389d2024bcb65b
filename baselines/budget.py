"""The number of frames to keep, as rankings that need it are given it."""

import numpy as np

from frame_select_env.errors import FrameSelectError


def required_frames(name: str, frames: int | np.ndarray | None) -> int | np.ndarray:
    """`frames`, m for all videos or one each [B], if it is there and at least 1.

    Args:
        name: The ranking's, for the message.
        frames: What it was given.

    Raises:
        FrameSelectError: if it is missing or below 1.
    """
    if frames is None or np.min(frames) < 1:
        raise FrameSelectError(f"{name}: frames is {frames}; pass how many to keep, 1 or more")
    return frames
