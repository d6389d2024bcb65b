"""How m is chosen: by the lowest error, or by the one-standard-error rule; and by ensembles."""

import numpy as np
import pytest

from agents.evaluation import evaluate
from agents.evaluation.choosing import (
    WORDS,
    highest_correlation,
    lowest_error,
    one_standard_error,
)
from agents.evaluation.combined import Ensemble
from agents.evaluation.scoring import VideoResults
from agents.evaluation.tables import evaluation_table
from frame_select_env import FrameSelectError, open_cache
from frame_select_env.cache import Clips


def by_m(**given):
    """Values by m, "m4" being 4."""
    return {int(name[1:]) if name != "all" else "all": value for name, value in given.items()}


def errors(**wrong):
    """The results of four videos by m: a letter x for a wrong one. Labels make no difference."""
    found = {m: np.array([one == "x" for one in text], float) for m, text in by_m(**wrong).items()}
    return {m: VideoResults(None, None, None, error) for m, error in found.items()}, None


def test_the_one_standard_error_rule_by_hand():
    # With 4 frames none is wrong. 8 frames: one, 0.25 above it; the differences (1, 0, 0, 0) have
    # the standard error 0.433 / 2 = 0.217. So 8 is too far, as are all frames.
    found = errors(m4="----", m8="x---", all="xx--")
    assert lowest_error(*found) == one_standard_error(*found) == 4
    # 4 and 8 frames err in different videos: the differences (-1, 1, 1, 0) have the mean 0.25 and
    # the standard error 0.829 / 2 = 0.415, so 8 is near enough. All frames are not: 0.5, 0.25.
    found = errors(m4="x---", m8="-xx-", all="xxx-")
    assert (lowest_error(*found), one_standard_error(*found)) == (4, 8)
    # Equal errors are near: the most frames.
    assert one_standard_error(*errors(m4="x---", m8="x---", all="x---")) == "all"


def test_the_highest_correlation_need_not_have_the_lowest_error():
    label = np.array([[0.0], [1.0], [2.0]])

    def told(*values):
        predicted = np.array(values, float)[:, None]
        return VideoResults(None, predicted, None, np.abs(predicted - label)[:, 0])

    found = by_m(m4=told(10, 20, 30), m8=told(0, 2, 1), all=told(1, 1, 1))
    assert highest_correlation(found, label) == 4
    assert lowest_error(found, label) == "all"
    assert highest_correlation(found | by_m(all=told(-1, 0, 1)), label) == "all"  # of equals


class ByTime:
    """Ranks later frames first."""

    name = "by-time"

    def scores(self, clips):
        return np.where(clips.valid, clips.time, -np.inf)


def test_the_rule_is_an_argument_of_evaluate(planted):
    cache = open_cache(planted)
    few = {"mine": [cache.rows("val")[:8]]}
    options = {"num_frames": 10, "frames": (2, 4), "resamples": 10, "references": False}
    best = evaluate(cache, {"mine": [ByTime()]}, validation=few, **options)
    careful = evaluate(cache, {"mine": [ByTime()]}, validation=few, choose_by="one-se", **options)
    order = [2, 4, "all"]
    assert order.index(careful.chosen["mine"][0]) >= order.index(best.chosen["mine"][0])
    # The other rule's row stands beside the headline, whichever that is.
    assert best.frames("mine") == ["chosen", "one-se", "2", "4"]
    assert careful.frames("mine") == ["chosen", "best", "2", "4"]
    for one, other, rule in ((best, careful, "one-se"), (careful, best, "best")):
        beside, headline = one.row("mine", rule), other.row("mine", "chosen")
        assert (beside.figures, beside.mean_frames) == (headline.figures, headline.mean_frames)
        assert one.choices["mine", rule] == other.chosen["mine"]
        table = evaluation_table(one)
        value = 100 * beside.figures["accuracy"].value
        assert dict(zip(table.heading, table.rows[-1], strict=True))[rule] == f"{value:.1f}"
        assert f"{rule}: {WORDS[rule]}" in one.notes
    assert f"chosen: {WORDS['one-se']}" in careful.notes
    for rule, wrong in (("most", "'most'"), ("pcc", "'pcc': is for regressions")):
        with pytest.raises(FrameSelectError, match=f"rule to choose by {wrong}"):
            evaluate(cache, {"mine": [ByTime()]}, choose_by=rule, **options)


def clips(valid):
    """Clips that hold nothing but the padding."""
    shape = valid.shape
    return Clips(np.zeros((*shape, 1)), np.zeros((*shape, 2)), valid, np.zeros(shape), np.arange(1))


class Gives:
    """Gives these scores."""

    def __init__(self, *scores):
        self.name, self.given = "gives", np.array([scores], float)

    def scores(self, clips):
        return self.given


def test_an_ensemble_averages_standardised_scores():
    valid = np.array([[True, True, True, False]])
    # (1, 2, 3) standardised is (-1, 0, 1) / sqrt(2 / 3); (10, 40, 10) is (-1, 2, -1) / sqrt(2).
    members = [Gives(1, 2, 3, 99), Gives(10, 40, 10, -np.inf)]
    found = Ensemble("both", members, [np.array([0]), np.array([1])]).scores(clips(valid))
    first, second = np.array([-1, 0, 1]) / np.sqrt(2 / 3), np.array([-1, 2, -1]) / np.sqrt(2)
    np.testing.assert_allclose(found[0, :3], (first + second) / 2)
    assert found[0, 3] == -np.inf
    # Equal scores say nothing, whatever their size.
    level = Ensemble("one", [Gives(5, 5, 5, 5)], [np.array([0])]).scores(clips(valid))
    assert level[0, :3].tolist() == [0, 0, 0]


def test_an_ensemble_chooses_m_by_the_members_that_held_the_videos_out():
    members = [Gives(1, 2, 3), Gives(3, 2, 1), Gives(1, 3, 2)]
    held = [np.array([4, 5]), np.array([6, 7]), np.array([4, 5])]
    ensemble = Ensemble("three", members, held)
    valid = np.ones((1, 3), bool)
    own = ensemble.without(np.array([6, 7])).scores(clips(valid))[0]
    assert own.argmax() == 0
    both = ensemble.without(np.array([4, 5])).scores(clips(valid))[0]
    assert both.argmin() == 0 and np.isclose(both[1], both[2])
    assert ensemble.without(np.array([8])) is ensemble
