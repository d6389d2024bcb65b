"""Summaries: what raters kept of a video, frame by frame of the original video."""

from dataclasses import dataclass

import numpy as np

ABSENT = 255  # in the column of a rater that a video does not have
NO_SHOT = -1
# Dataset of /summaries -> dtype, and number of axes. A cache has all of them, or none.
DATASETS = {"frame": ("int32", 1), "shot": ("int32", 1), "kept": ("uint8", 2)}


@dataclass(frozen=True)
class Summaries:
    """The raters' summaries of one video, over the n frames that it had before sampling.

    Attributes:
        frame: [n] int32, which of the L frames in the cache stands for each; they only rise.
        shot: [n] int32, the shot that each belongs to, numbered from 0 in order; -1 in no shot.
        kept: [n, R] uint8, 1 where a rater's summary has the frame and 0 where it does not; 255 in
            the whole column of a rater that the video does not have.
    """

    frame: np.ndarray
    shot: np.ndarray
    kept: np.ndarray

    @property
    def raters(self) -> np.ndarray:
        """[n, r] bool, what each rater of the video kept."""
        return self.kept[:, (self.kept != ABSENT).all(axis=0)] == 1


def check_summaries(one: Summaries, length: int) -> str | None:
    """What is wrong with the summaries of a video of `length` frames in the cache, or None."""
    count = len(one.frame)
    if not count or one.shot.shape != (count,) or one.kept.shape[:1] != (count,):
        return "summaries: frame, shot and kept must have one row for every original frame"
    if one.frame.min() < 0 or one.frame.max() >= length or (np.diff(one.frame) < 0).any():
        return f"summaries/frame must rise, from 0 to at most {length - 1}"
    shots = one.shot[one.shot != NO_SHOT]
    in_order = len(shots) and shots[0] == 0 and np.isin(np.diff(shots), (0, 1)).all()
    if not in_order:
        return "summaries/shot must number shots from 0 in order, or be -1 in none"
    absent = one.kept == ABSENT
    if (absent.any(axis=0) & ~absent.all(axis=0)).any() or absent.all():
        return "summaries/kept: a rater has all frames or, with 255, none; one has to be there"
    if not np.isin(one.kept, (0, 1, ABSENT)).all():
        return "summaries/kept must be 0, 1, or 255 for a rater that the video does not have"
    return None


def check_raters(values: np.ndarray) -> str | None:
    """What is wrong with raters' scores [L, R], or None; an absent rater's are all NaN."""
    missing = np.isnan(values)
    if np.isinf(values).any() or (missing.any(axis=0) & ~missing.all(axis=0)).any():
        return "raters: a rater's scores must be finite, or all NaN where the video has none"
    if missing.all():
        return "raters: one rater at least has to be there"
    return None
