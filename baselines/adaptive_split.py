"""`adaptive-split`: the m most confident frames, where they stand out; else of each half apart."""

import numpy as np

from baselines.formulas import Choice, relevances
from frame_select_env.cache import Clips

THRESHOLD = 0.8  # by which the best frames' mean exceeds that of all, for scores from 0 to 1
DEPTH = 5  # of splits at most


class AdaptiveSplit(Choice):
    """Relevance against coverage, decided recursively, with the confidence as relevance.

    The confidences of a video are scaled to 0..1. If the mean of the m best of a segment exceeds
    the mean of all by 0.8, these m are chosen; else the segment is split in the middle and each
    half gets half of them, at most five times. The authors round an odd m down; here the half with
    the more confident best frame gets one more, so that m frames are chosen.

    Tang, Qiu, Xie, Tian, Jiao and Ye, "Adaptive Keyframe Sampling for Long Video Understanding",
    CVPR 2025: the judge-and-split algorithm, with the threshold and the depth of the authors' code.
    """

    name = "adaptive-split"
    tasks = ("classification",)

    def choose(self, clips: Clips, frames: int | np.ndarray) -> np.ndarray:
        """The frames that the segments choose."""
        selected = np.zeros(clips.valid.shape, bool)
        for video, relevance, count in relevances(clips, frames):
            selected[video, split(relevance, 0, count, DEPTH)] = True
        return selected


def split(scores: np.ndarray, first: int, count: int, depth: int) -> list[int]:
    """`count` frames of a segment whose `scores` [n] belong to the frames from `first` on."""
    best = np.argsort(-scores, kind="stable")[:count]
    if count < 2 or not depth or scores[best].mean() - scores.mean() >= THRESHOLD:
        return (first + best).tolist()
    halves = np.split(scores, [(len(scores) + 1) // 2])
    more = count % 2 and halves[0].max() >= halves[1].max()
    left = min(count // 2 + int(more), len(halves[0]))
    left = max(left, count - len(halves[1]))
    begin = first + len(halves[0])
    return split(halves[0], first, left, depth - 1) + split(
        halves[1], begin, count - left, depth - 1
    )
