"""What a folder's files may be: each kind gives a suffix and a reader of one video's arrays."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class VideoArrays:
    """The arrays of one video of L frames.

    Attributes:
        features: [L, D], or with a middle axis [L, V, D] or [L, K, D].
        time: [L] seconds into the video; None: the file does not tell.
        columns: Names of the D features, which all videos must share; empty: they have none.
    """

    features: np.ndarray
    time: np.ndarray | None = None
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class FolderKind:
    """One kind of files.

    Attributes:
        suffix: Of the files, `.npy` for example.
        read: The file of a video -> its arrays; raises FrameSelectError naming the file.
        axis: The features' middle axis: "", "view" or "object".
    """

    suffix: str
    read: Callable[[Path], VideoArrays]
    axis: str = ""
