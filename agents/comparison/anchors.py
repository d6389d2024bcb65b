"""The two ends of a normalised score: 0 is keeping all frames, 1 keeping the true key frames."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from agents.comparison.results import AGREEING, DataSetResults
from agents.evaluation.rank_quality import ORACLE
from agents.evaluation.result import Evaluation
from agents.evaluation.scoring import VideoBatch
from agents.evaluation.shortcuts import true_frames
from baselines.splits import row_batches

KEY_FRAMES = "key frames"
Worth = TypeVar("Worth", float, np.ndarray)


@dataclass(frozen=True)
class Anchors:
    """What selections are worth at the two ends of the scale."""

    floor: float  # score 0
    ceiling: float  # score 1
    top: str = KEY_FRAMES  # what is worth the ceiling

    def score(self, worth: Worth) -> Worth:
        """How far a worth is on the way from the floor to the ceiling; below 0 and above 1 too."""
        return (worth - self.floor) / (self.ceiling - self.floor)


def data_set_anchors(data_set: DataSetResults) -> Anchors | None:
    """The accuracy (regression: minus the MAE) of all frames and of the key frames.

    Where the cache does not know its key frames, or they are worth no more than all frames, the
    oracle takes their place, at the row to report first. None where that is worth no more either,
    and where raters judge the rankings.
    """
    if data_set.task == AGREEING:
        return None
    evaluation = data_set.evaluation
    floor = _worth(evaluation.results["all", "all"].error, data_set.task)
    tops: dict[str, np.ndarray] = {}
    if "importance" in evaluation.settings.cache.frame_datasets:
        tops[KEY_FRAMES] = _key_frame_errors(evaluation)
    if evaluation.frames(ORACLE):
        tops[ORACLE] = evaluation.results[ORACLE, evaluation.headline(ORACLE)].error
    for top, error in tops.items():
        if (ceiling := _worth(error, data_set.task)) > floor:
            return Anchors(floor, ceiling, top)
    return None


def _worth(error: np.ndarray, task: str) -> float:
    return float((1 - error if task == "classification" else -error).mean())


def _key_frame_errors(evaluation: Evaluation) -> np.ndarray:
    """The errors under the true key frames, [n]."""
    errors = []
    for rows in row_batches(evaluation.rows):
        batch = VideoBatch(evaluation.settings, rows)
        key = true_frames(evaluation.settings.cache, batch.clips[0])[:: batch.views]
        errors.append(batch.average(batch.everything & key[:, None]).error)
    return np.concatenate(errors)
