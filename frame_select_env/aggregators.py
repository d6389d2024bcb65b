"""Aggregators: what makes the video's prediction of the chosen frames, by name.

"mean" is the consensus of `consensus.py`, exact and kept as sums. The others are judges: functions
of a set of frames that no sum over frames expresses. "max" takes the element-wise maximum of the
predictions; a file or a bundled name is a small frozen network (`judge.py`).
"""

from pathlib import Path
from typing import Literal

import numpy as np

from frame_select_env.cache import Clips, FeatureCache, View
from frame_select_env.cache.files import BUNDLED
from frame_select_env.cache.structure import Extent
from frame_select_env.consensus import MEAN, on_grid
from frame_select_env.consensus_table import Judge
from frame_select_env.errors import FrameSelectError
from frame_select_env.judge import NetworkJudge, read_judge

MAX = "max"


class Maximum:
    """The element-wise maximum over the selected frames' predictions.

    For a classification it is divided by its sum, so that it adds up to 1.

    Args:
        extent: That of the predictions.
        task: "classification" or "regression".
    """

    source: Literal["predictions"] = "predictions"
    key = MAX

    def __init__(self, extent: Extent, task: str) -> None:
        self._largest, self._task = extent.largest, task
        self.bounds = (extent.min, extent.max) if task == "regression" else (0.0, 1.0)

    def frames(self, values: np.ndarray, video: np.ndarray) -> np.ndarray:
        """The predictions on the grid, [B, T, C] float64."""
        return on_grid(values, self._largest)

    def __call__(self, frames: np.ndarray, selected: np.ndarray, video: np.ndarray) -> np.ndarray:
        """The predictions [B, C] float64; zeros where nothing is selected."""
        highest = np.where(selected[:, :, None], frames, -np.inf).max(axis=1)
        highest[~selected.any(axis=1)] = 0
        if self._task == "regression":
            return highest
        total = highest.sum(axis=1, keepdims=True)  # 0 only where nothing is selected
        return highest / np.where(total > 0, total, 1.0)


def make_judge(
    aggregator: str | Path, cache: FeatureCache, fold: str, stream: str | None, view: View = None
) -> Judge | None:
    """The judge that `aggregator` names, for a stream of `cache`; None for the mean.

    Raises:
        FrameSelectError: for an unknown name, or a file that is damaged or does not fit.
    """
    if aggregator == MEAN:
        return None
    if aggregator == MAX:
        return Maximum(cache.predictions_extent(stream, fold), cache.task)
    return NetworkJudge(read_judge(judge_path(aggregator)), cache, fold, stream, view)


def judge_path(aggregator: str | Path) -> Path:
    """The file of a judge, bundled by name or by its path.

    Raises:
        FrameSelectError: if there is no such file.
    """
    bundled = sorted(file.stem for file in BUNDLED.glob("*.safetensors"))
    if str(aggregator) in bundled:
        return BUNDLED / f"{aggregator}.safetensors"
    if not isinstance(aggregator, str | Path) or not Path(aggregator).is_file():
        names = ", ".join([MEAN, MAX, *bundled])
        raise FrameSelectError(
            f"aggregator={str(aggregator)!r}: is none of {names}, and no such file; make one with "
            "frame-select judge CACHE OUT.safetensors"
        )
    return Path(aggregator)


def judge_clips(judge: Judge, clips: Clips, selected: np.ndarray) -> np.ndarray:
    """What a judge says of whole clips, [B, C] float64, from the frames `selected` [B, T] bool."""
    frames = judge.frames(getattr(clips, judge.source), clips.video)
    return judge(frames, selected & clips.valid, clips.video)
