"""Rankings that break their promise, and arguments that make no sense, are told in one line."""

import numpy as np
import pytest

from agents.evaluation import evaluate
from frame_select_env import FrameSelectError


class Wrong:
    name = "wrong"

    def __init__(self, scores=None, select=None):
        self._scores = scores or (lambda clips: np.zeros(clips.valid.shape))
        if select:
            self.select = select

    def scores(self, clips):
        return self._scores(clips)


def test_a_score_of_padding_may_be_anything_and_nan_is_told_with_its_video(by_hand):
    at_padding = Wrong(lambda clips: np.where(clips.valid, clips.time, np.nan))
    found = evaluate(by_hand, {"mine": [at_padding]}, frames=(1,), references=False)
    assert found.results["mine", "1"].selected[0, 1, 0].tolist()[:3] == [False, True, False]
    assert (found.scores["mine"][0, 1, 0, 2:] == -np.inf).all()
    second = Wrong(lambda clips: np.where(clips.video[:, None] == 1, np.nan, clips.time))
    with pytest.raises(FrameSelectError, match="a score of video 1 is NaN"):
        evaluate(by_hand, {"mine": [second]}, references=False)
    every = Wrong(lambda clips: np.where(clips.valid, np.nan, 0))  # the first of them is named
    with pytest.raises(FrameSelectError, match="a score of video 0 is NaN"):
        evaluate(by_hand, {"mine": [every]}, references=False)


@pytest.mark.parametrize(
    ("ranking", "message"),
    [
        (Wrong(lambda c: np.full(c.valid.shape, np.nan)), "'wrong': a score of video .* is NaN"),
        (Wrong(lambda c: np.zeros((len(c), 2))), "scores have the shape"),
        (Wrong(select=lambda c: np.ones((len(c), 25))), "select gave float64"),
        (Wrong(select=lambda c: c.valid.astype(np.int8)), "select gave int8"),
        (Wrong(select=lambda c: c.valid[:, :1]), "select gave bool .*expected bool"),
        (Wrong(select=lambda c: np.ones((len(c), 99), bool)), "select gave bool .*expected bool"),
        (Wrong(select=lambda c: np.ones((len(c), 2), bool)), "select gave bool .*expected bool"),
    ],
)
def test_rankings_that_break_their_promise(plant, ranking, message):
    with pytest.raises(FrameSelectError, match=message):
        evaluate(plant(), {"wrong": [ranking]}, references=False)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"frames": ()}, r"frames=\[\]"),
        ({"frames": (4, 0)}, r"frames=\[4, 0\]"),
        ({"frames": (2.5,)}, r"frames=\[2.5\]"),
        ({"num_frames": 0}, "num_frames=0"),
        ({"alpha": -1.0}, "alpha=-1.0"),
        ({"alpha": float("nan")}, "alpha=nan"),
        ({"draws": 0}, "draws=0"),
        ({"resamples": 0}, "resamples=0"),
        ({"split": "dev"}, "unknown split 'dev'"),
        ({"fold": "second"}, "unknown fold 'second'"),
        ({"references": ["best"]}, "unknown reference 'best'"),
        ({"rankings": {"all": [Wrong()]}}, "'all' is a reference's name"),
        ({"rankings": {"oracle": [Wrong()]}}, "'oracle' is a reference's name"),
        ({"rankings": {"mine": []}}, "'mine' has no run"),
        ({"validation": {"mine": []}}, "'mine' has 0 sets of videos for 1 runs"),
        ({"validation": {"yours": [np.arange(3)]}}, "'yours' has 1 sets of videos for 0 runs"),
    ],
)
def test_bad_arguments(plant, arguments, message):
    rankings = arguments.pop("rankings", {"mine": [Wrong()]})
    with pytest.raises(FrameSelectError, match=message):
        evaluate(plant(), rankings, **arguments)
