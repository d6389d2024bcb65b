"""The ends of the scale, by hand."""

from dataclasses import replace

import numpy as np
import pytest

from agents.suite.anchors import Anchors, find_anchors
from agents.suite.caches import write_corpus
from agents.suite.tasks import CORPORA, TASKS, SuiteTask
from frame_select_env import FeatureCache, FrameSelectError, write_cache


def write(path, right, place=1):
    """Twenty videos of four frames; one alone has importance and, if `right`, is right."""
    key = np.arange(4) == place
    told = np.where(key[:, None], [0.9, 0.1], [0.2, 0.8]).astype(np.float32)
    videos = [
        {
            "id": f"v{row}",
            "label": 0 if right else 1,
            "split": "train" if row < 10 else "test",
            "features": np.ones((4, 1), np.float32),
            "predictions": told,
            "importance": key.astype(np.float32),
        }
        for row in range(20)
    ]
    return FeatureCache(write_cache(path, videos, classes=["yes", "no"]))


def task(price=None):
    return SuiteTask("", "cues", target_frames=1, budget=0, num_frames=4, frames=(1,), price=price)


def test_all_frames_and_the_key_frames(tmp_path) -> None:
    found = find_anchors(task(), write(tmp_path / "a.h5", right=True))
    assert (found.floor, found.ceiling) == (0.0, 1.0)
    assert Anchors(0.2, 0.6).score(0.5) == pytest.approx(0.75)
    assert Anchors(0.2, 0.6).score(0.0) == pytest.approx(-0.5)


def test_where_looks_cost_the_floor_is_the_best_gate(tmp_path) -> None:
    """From coarse to fine frame 1, the right one, is the first: one look of 0.1 is best there.

    Key frames alone cost as much, so that the gate leaves nothing to win.
    """
    with pytest.raises(FrameSelectError, match="worth no more than all frames"):
        find_anchors(task(price=0.1), write(tmp_path / "a.h5", right=True))


def test_gates_that_cannot_tell_when_to_answer(tmp_path) -> None:
    """The last frame alone is right; all frames, and the first of coarse-to-fine, are wrong.

    One look pays best. In random order it is right where the last frame comes first.
    """
    found = find_anchors(task(price=0.1), write(tmp_path / "c.h5", right=True, place=3))
    first = [np.random.default_rng([0, row]).random(4).argmax() for row in range(10, 20)]
    assert found.floor == pytest.approx(np.mean(np.equal(first, 3)) - 0.1)
    assert found.ceiling == pytest.approx(0.9)


def test_key_frames_that_mislead_make_no_scale(tmp_path) -> None:
    with pytest.raises(FrameSelectError, match="key frames are worth no more"):
        find_anchors(task(), write(tmp_path / "b.h5", right=False))


def test_the_key_frames_of_long_videos_are_a_ceiling(tmp_path) -> None:
    """By a head that was trained on whole videos they have 0.5 here."""
    recipe = replace(CORPORA["long"].recipe, videos=(100, 10, 60))
    write_corpus(recipe, tmp_path / "long.h5")
    found = find_anchors(TASKS["long"], FeatureCache(tmp_path / "long.h5"))
    assert found.floor < 0.2 and found.ceiling == 1.0
