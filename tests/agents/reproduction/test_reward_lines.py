"""The lines of the study of rewards: designs, units, what is combined, and what is left out."""

import json

import numpy as np
import pytest

from agents.reproduction.reward_units import deviation, scaled, text_of, unit_factor, weighted
from agents.reproduction.rewards import (
    BLIND,
    COMBINED,
    GLANCE_LEARNERS,
    LEARNERS,
    RAW,
    REWARDS,
    UNIT,
    RewardLine,
    reward_lines,
)
from agents.reproduction.study import LineChoices, agents_of, parse_sources
from baselines.optimum import every_return
from baselines.selections import SelectionPay
from frame_select_env import FrameSelectError, open_cache, write_cache
from frame_select_env.rewards import Reward, register_reward, reward_design, reward_names

SMALL = LineChoices(num_frames=6)
SETTINGS = {"split": "train", "fold": "default", "stream": None, "num_frames": 6}
SETTINGS |= {"target_frames": 6}


def lines_on(path, source="x", **choices):
    lines, notes = reward_lines({source: str(path)}, LineChoices(num_frames=6, **choices))
    return {(one.design, one.scale): one for one in lines if isinstance(one, RewardLine)}, notes


def deviation_of(path, weights):
    return deviation(open_cache(path), str(path), weights, **SETTINGS)


def test_every_classification_design_has_a_line_in_both_scales(planted):
    lines, _ = lines_on(planted)
    suited = {name for name in reward_names() if "classification" in reward_design(name).tasks}
    assert {design for design, _ in lines} == suited
    assert {scale for _, scale in lines} == {UNIT, RAW}
    for line in lines.values():
        Reward(json.loads(line.reward) if line.reward[0] == "{" else line.reward)
        assert agents_of(line, LEARNERS) == list(LEARNERS)


def test_a_design_registered_later_appears_by_itself(planted):
    @register_reward("later", needs=())
    def later(outcome):
        return outcome.selected[:, 0].astype(float)

    from frame_select_env.rewards import registry

    try:
        assert ("later", UNIT) in lines_on(planted)[0]
    finally:
        del registry._designs["later"]


def test_a_unit_reward_varies_as_much_as_sign_omega(planted):
    lines, _ = lines_on(planted)
    reference = deviation_of(planted, {"sign_omega": 1.0})
    assert lines["sign_omega", UNIT].reward == lines["sign_omega", RAW].reward == "sign_omega"
    for name in ("delta_prob", "margin", "spread", "log_prob"):
        line = lines[name, UNIT]
        assert line.reward == text_of({name: line.factor}) and line.basis == name
        assert deviation_of(planted, {name: line.factor}) == pytest.approx(reference, rel=1e-3)
        assert lines[name, RAW].reward == name


def test_a_constant_of_the_video_does_not_count(planted):
    """delta_prob and confidence differ by p0 of the true class."""
    one, other = (deviation_of(planted, {name: 1.0}) for name in ("delta_prob", "confidence"))
    assert one == pytest.approx(other)
    lines, _ = lines_on(planted)
    assert lines["delta_prob", UNIT].factor == lines["confidence", UNIT].factor


def test_the_deviation_is_that_of_all_selections(planted):
    """A video with n frames: half of the draws are uniform over subsets, half over sizes."""
    cache = open_cache(planted)
    rows = cache.rows("train")
    rows = rows[cache.lengths[rows] >= 6]
    every = every_return(rows, 6, data=str(planted), reward="delta_prob")
    size = every.selections.sum(axis=1)
    uniform = np.full(64, 1 / 64)
    by_size = np.where(size > 0, 1 / 6 / np.bincount(size)[size], 0)
    share = (uniform + by_size) / 2
    mean = every.paid @ share
    exact = np.sqrt((every.paid**2 @ share - mean**2).mean())
    assert exact > 0
    drawn = deviation_of(planted, {"delta_prob": 1.0})
    # Shorter videos are among those that are drawn, and 16 selections are few.
    assert drawn == pytest.approx(exact, rel=0.25)


def test_costs_are_combined_and_what_is_blind_is_left_out_on_glance(planted):
    lines, notes = lines_on(planted)
    assert json.loads(lines["budget", RAW].reward) == COMBINED["budget"]
    assert any(note.startswith('looks stands for {"sign_omega": 1.0') for note in notes)
    glance, notes = lines_on(planted, "glance")
    assert not {design for design, _ in glance} & set(BLIND)
    (left_out,) = (note for note in notes if note.startswith("glance, left out: "))
    assert all(f"{name} (it does not pay for the answer)" in left_out for name in BLIND)
    for line in glance.values():
        assert json.loads(line.reward)["looks"] == -0.01
        assert agents_of(line, ["reinforce"]) == list(GLANCE_LEARNERS)
    raw = json.loads(glance["minus_kl", RAW].reward)
    assert raw == {"minus_kl": 1.0, "looks": -0.01}
    own = '{"correct": 1.0, "looks": -0.05}'
    assert lines_on(planted, "glance", rewards=(own,))[0][own, RAW].reward == own


def test_on_glance_the_unit_is_that_of_its_own_reward(planted):
    lines, _ = lines_on(planted, "glance")
    reference = deviation_of(planted, {"correct": 0.5, "confidence": 0.5})
    unit = json.loads(lines["log_prob", UNIT].reward)
    assert deviation_of(planted, {"log_prob": unit["log_prob"]}) == pytest.approx(
        reference, rel=1e-3
    )


def test_what_a_cache_lacks_is_left_out_and_said(planted, tmp_path):
    assert ("span", UNIT) in lines_on(planted)[0]
    videos = [
        {
            "id": str(row),
            "label": row % 2,
            "split": "train",
            "features": np.random.default_rng(row).normal(size=(6, 2)),
            "predictions": np.random.default_rng(row).dirichlet([1, 1], 6),
        }
        for row in range(4)
    ]
    path = write_cache(tmp_path / "bare.h5", videos, classes=["a", "b"])
    lines, notes = lines_on(path)
    assert ("span", UNIT) not in lines and ("margin", UNIT) in lines
    assert any("span (the cache lacks what it reads)" in note for note in notes)


def test_named_designs_and_one_scale(planted):
    weights = '{"delta_prob": {"weight": 2.0}, "budget": 0.5}'
    lines, _ = lines_on(planted, rewards=("margin", weights), reward_scale="unit")
    assert set(lines) == {("margin", UNIT), (weights, UNIT)}
    own = json.loads(lines[weights, UNIT].reward)
    factor = lines[weights, UNIT].factor
    assert own["delta_prob"]["weight"] == pytest.approx(2 * factor)
    assert own["budget"] == pytest.approx(factor / 2)
    with pytest.raises(FrameSelectError, match="--rewards: margin is named twice"):
        lines_on(planted, rewards=("margin", "margin"))
    with pytest.raises(FrameSelectError, match="margn"):
        lines_on(planted, rewards=("margn",))


def test_a_reward_that_pays_all_alike_has_no_unit(planted):
    lines, notes = lines_on(planted, rewards=('{"correct": 0.0}', "correct"))
    assert {design for design, _ in lines} == {"correct"}
    assert any("pays every selection of a video alike" in note for note in notes)


def test_weights_are_scaled_whole():
    assert weighted(["sign_omega", {"omega": 5}]) == {"sign_omega": {"omega": 5}}
    found = scaled({"sign_omega": {"omega": 5}, "budget": 0.5}, 4.0)
    assert found == {"sign_omega": {"omega": 5, "weight": 4.0}, "budget": 2.0}
    assert text_of({"margin": 1.0}) == "margin"
    assert unit_factor(10.0, 3.0) == 3.333


def test_every_name_is_a_row_and_a_file_is_its_own(planted):
    found = parse_sources(REWARDS, [str(planted), "glance=cues", "cues"])
    assert found == {"planted": str(planted), "glance": "cues", "cues": "cues"}
    with pytest.raises(FrameSelectError, match="cues is named twice"):
        parse_sources(REWARDS, ["cues", "cues=x.h5"])


def test_pay_is_linear_in_the_factor(planted):
    rows = open_cache(planted).rows("train")[:4]
    selected = np.eye(6, dtype=bool)[[0, 1, 0, 1]]
    paid = [
        SelectionPay(data=str(planted), reward=reward, **SETTINGS)(rows, selected)[0]
        for reward in ("margin", {"margin": 7.5})
    ]
    np.testing.assert_allclose(paid[1], 7.5 * paid[0])
