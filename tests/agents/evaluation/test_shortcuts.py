"""Shortcuts: digits has one, cues has none, and the command says so."""

import numpy as np
import pytest

from agents.__main__ import main
from agents.commands.shortcuts import table_of, verdict
from agents.evaluation.shortcuts import Shortcut, Shortcuts, find_shortcuts
from baselines.fitted_formula import Rule
from frame_select_env import FeatureCache, FrameSelectError, open_cache, write_cache


def test_no_formula_is_half_way_to_the_key_frames_of_cues():
    found = find_shortcuts(open_cache("cues"))
    assert found.videos == 400 and found.key_frames >= found.all_frames + 0.4
    assert {one.formula for one in found.found} == {
        "norm",
        "standardised norm",
        "confidence",
        "entropy",
        "motion",
    }
    assert all(one.share <= 0.5 for one in found.found)


def test_the_norm_gives_the_key_frames_of_digits_away():
    found = find_shortcuts(open_cache("digits"))
    (norm,) = (one for one in found.found if one.formula == "norm")
    assert norm.share > 1 and norm.accuracy == 0.985
    assert norm.rule.reach == 1 and norm.rule.sign == 1


@pytest.fixture
def loud(tmp_path):
    """Videos of five frames; the third alone is right, important in odd rows, and large."""
    key = np.arange(5) == 2
    videos = [
        {
            "id": f"v{row}",
            "label": 0,
            "split": "train" if row < 12 else "test",
            "features": np.where(key, 4, 1).astype(np.float32)[:, None],
            "predictions": np.where(key[:, None], [0.9, 0.1], [0.1, 0.9]).astype(np.float32),
            "importance": key.astype(np.float32) * (row % 2),
        }
        for row in range(20)
    ]
    return FeatureCache(write_cache(tmp_path / "loud.h5", videos, classes=["yes", "no"]))


def test_shares_by_hand(loud):
    """Where no frame has importance, all are kept: half of the videos are right then."""
    found = find_shortcuts(loud, num_frames=5)
    assert (found.videos, found.all_frames, found.key_frames) == (8, 0.0, 0.5)
    (norm,) = (one for one in found.found if one.formula == "norm")
    assert (norm.accuracy, norm.share) == (1.0, 2.0)
    assert norm.rule == Rule(reach=0, sign=1, frames=1)  # the first that was tried


def test_formulas_are_fitted_and_scored_under_a_judge(loud):
    """The maximum of 0.9 and 0.1, and of 0.1 and 0.9, is a tie, which the first class wins."""
    found = find_shortcuts(loud, num_frames=5, aggregator="max")
    assert (found.all_frames, found.key_frames) == (1.0, 1.0)
    assert {one.share for one in found.found} == {None}
    # Whatever keeps the third frame is right; without it four wrong ones are.
    assert {one.accuracy for one in found.found} <= {0.0, 1.0}


def test_what_the_command_prints(loud, capsys):
    main(["shortcuts", str(loud.path), "--num-frames", "5"])
    printed = " ".join(capsys.readouterr().out.split())
    assert "loud, test: 8 videos" in printed
    assert "norm ±0 highest 1 100.0 2.00" in printed
    assert "norm is a shortcut: 2.00 of the way from all frames to the key frames" in printed


def test_words_of_rules_and_verdicts():
    low = Shortcut("motion", Rule(1, -1, None, -2.5), 0.4, 0.25)
    found = Shortcuts(10, 0.3, 0.7, (low,))
    assert table_of(found).rows[-1] == ["motion", "±1", "<= 2.5", "40.0", "0.25"]
    assert verdict(found).startswith("no shortcut: no formula is above 0.25 of the way")
    without = Shortcut("motion", Rule(0, -1, 4), 0.4, None)
    assert table_of(Shortcuts(10, 0.3, None, (without,))).rows[-1][2:] == ["lowest 4", "40.0", ""]
    assert "no importance" in verdict(Shortcuts(10, 0.3, None, (without,)))
    assert "no better than all" in verdict(Shortcuts(10, 0.3, 0.2, (without,)))


def test_what_is_refused(loud, regression, tmp_path):
    videos = [
        {"id": str(n), "label": -1, "split": split, "features": [[n]], "predictions": [[1]]}
        for n, split in enumerate(("train", "test"))
    ]
    single = FeatureCache(write_cache(tmp_path / "one.h5", videos, classes=["video"]))
    with pytest.raises(FrameSelectError, match="the one class 'video', which any frames predict"):
        find_shortcuts(single)
    with pytest.raises(FrameSelectError, match="formulas are fitted on it"):
        find_shortcuts(loud, split="train")
    with pytest.raises(FrameSelectError, match="classifications only"):
        find_shortcuts(FeatureCache(regression), stream="audio")
