"""The built-in designs on numbers worked by hand, and what holds for every one of them."""

import inspect
import re

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frame_select_env import FrameSelectError, Outcome
from frame_select_env.consensus import is_correct
from frame_select_env.rewards import Reward, Statistics, reward_design, reward_names

BUILT_IN = [
    name
    for name in reward_names()
    if reward_design(name).function.__module__.startswith("frame_select_env.")
]
LABEL_FREE = {
    "budget",
    "diversity_representativeness",
    "entropy_drop",
    "looks",
    "minus_kl",
    "span",
    "spread",
}
# Of three classes the second is true; the last selection is empty.
P0 = np.array([[0.5, 0.3, 0.2], [0.5, 0.3, 0.2], [0.5, 0.3, 0.2]])
P1 = np.array([[0.1, 0.7, 0.2], [0.4, 0.0, 0.6], [0.0, 0.0, 0.0]])


def of_consensus(spec: object) -> np.ndarray:
    label = np.ones(3, np.int64)
    before, after = is_correct(P0, label), is_correct(P1, label)
    facts = {"label": label, "p0": P0, "p1": P1}
    return Reward(spec)(Outcome({**facts, "correct_before": before, "correct_after": after}))[0]


def of_frames(spec: object, selected: object, **facts: object) -> list[float]:
    """A reward of several selections from one video, whose facts are given without the axis B."""
    kept = np.array(selected, bool)
    alone = {"valid": np.ones(kept.shape[1], bool), **facts}
    repeated = {
        name: np.repeat(np.asarray(fact)[None], len(kept), 0) for name, fact in alone.items()
    }
    nothing = np.zeros((len(kept), 2))
    return Reward(spec)(Outcome({"selected": kept, "p0": nothing, "p1": nothing, **repeated}))[0]


def test_delta_logp_by_hand():
    expected = [np.log(0.7 / 0.3), np.log(1e-6 / 0.3), np.log(1e-6 / 0.3)]
    np.testing.assert_allclose(of_consensus("delta_logp"), expected)


def test_margin_by_hand():
    # Before 0.3 - 0.5; after 0.7 - 0.2, 0 - 0.6 and, for the empty selection, -1.
    np.testing.assert_allclose(of_consensus("margin"), [0.5 + 0.2, -0.6 + 0.2, -1 + 0.2])


def test_log_prob_by_hand():
    np.testing.assert_allclose(of_consensus("log_prob"), np.log([0.7, 1e-6, 1e-6]))


def test_margin_tanh_by_hand():
    expected = [np.tanh((np.log(0.7) - np.log(0.2)) / 2), -1, -1]
    np.testing.assert_allclose(of_consensus("margin_tanh"), expected)


def test_cost_asymmetric_by_hand():
    # Before all are wrong: one is rescued. With p0 and p1 exchanged, it is broken.
    np.testing.assert_allclose(of_consensus(["cost_asymmetric", {"rescue": 2}]), [2, 0, 0])
    label = np.ones(1, np.int64)
    facts = {"label": label, "p0": P1[:1], "p1": P0[:1]}
    flip = {"correct_before": np.array([True]), "correct_after": np.array([False])}
    assert Reward("cost_asymmetric")(Outcome({**facts, **flip}))[0].tolist() == [-4.0]


def test_confidence_by_hand():
    np.testing.assert_allclose(of_consensus("confidence"), [0.7, 0, 0])


def test_correct_by_hand():
    assert of_consensus("correct").tolist() == [1, 0, 0]


def test_looks_counts_what_was_looked_at_and_else_what_is_selected():
    selected = [[1, 0, 0, 0], [0, 0, 0, 0], [1, 1, 0, 1]]
    assert of_frames("looks", selected).tolist() == [1, 0, 3]
    assert of_frames("looks", selected, looked=np.array([1, 1, 0, 0])).tolist() == [2, 2, 2]


def test_entropy_drop_by_hand():
    before = -(0.5 * np.log(0.5) + 0.3 * np.log(0.3) + 0.2 * np.log(0.2))
    first = -(0.1 * np.log(0.1) + 0.7 * np.log(0.7) + 0.2 * np.log(0.2))
    second = -(0.4 * np.log(0.4) + 0.6 * np.log(0.6))
    np.testing.assert_allclose(
        of_consensus("entropy_drop"), before - np.array([first, second, np.log(3)])
    )


def test_minus_kl_by_hand():
    first = 0.5 * np.log(0.5 / 0.1) + 0.3 * np.log(0.3 / 0.7) + 0.2 * np.log(0.2 / 0.2)
    second = 0.5 * np.log(0.5 / 0.4) + 0.3 * np.log(0.3 / 1e-6) + 0.2 * np.log(0.2 / 0.6)
    third = 0.5 * np.log(0.5 / 1e-6) + 0.3 * np.log(0.3 / 1e-6) + 0.2 * np.log(0.2 / 1e-6)
    np.testing.assert_allclose(of_consensus("minus_kl"), [-first, -second, -third])


# Of the true class 1 the frames are: right 0.7, wrong 0.2 against 0.5, right 0.4, wrong 0.1 against
# 0.8; then padding.
FRAMES = {
    "label": 1,
    "predictions": [[0.2, 0.7, 0.1], [0.5, 0.2, 0.3], [0.3, 0.4, 0.3], [0.8, 0.1, 0.1], [0, 0, 0]],
    "valid": [True, True, True, True, False],
}
SCORES = np.array([0.7, 0.2 - 0.5, 0.4, 0.1 - 0.8])


def test_oc_frame_by_hand():
    chosen = [[1, 0, 0, 0, 0], [1, 0, 1, 0, 0], [1, 1, 1, 1, 0], [0] * 5]
    mean = np.array([0.7, (0.7 + 0.4) / 2, SCORES.mean(), -1])
    # Evenly spaced are: of one, frame 2; of two, frames 1 and 3; of four, all.
    even = np.array([0.4, (-0.3 - 0.7) / 2, SCORES.mean(), 0.4])
    np.testing.assert_allclose(of_frames("oc_frame", chosen, **FRAMES), mean - even, atol=1e-12)
    alone = of_frames(["oc_frame", {"compare": False}], chosen, **FRAMES)
    np.testing.assert_allclose(alone, mean)


def test_oc_best_by_hand():
    chosen = [[0, 1, 1, 0, 0], [1, 1, 1, 1, 0], [0, 0, 0, 1, 0], [0] * 5]
    np.testing.assert_allclose(of_frames("oc_best", chosen, **FRAMES), [0.4, 0.7, 0.1, 0])
    compared = of_frames(["oc_best", {"compare": True}], chosen, **FRAMES)
    np.testing.assert_allclose(compared, [-0.3, 0, -0.6, -0.7])


def test_diversity_representativeness_by_hand():
    features = [[1.0, 0.0], [0.0, 2.0], [3.0, 0.0], [0.0, 0.0]]
    valid = [True, True, True, False]
    chosen = [[1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0], [0] * 4]
    # Frame 0 alone is sqrt(5) from frame 1 and 2 from frame 2. With frame 1 the two are at right
    # angles, and frame 2 is 2 from frame 0. Of all three one pair, (0, 2), is parallel.
    expected = [np.exp(-(np.sqrt(5) + 2) / 3), 1 + np.exp(-2 / 3), 4 / 6 + 1, 0]
    name = "diversity_representativeness"
    found = of_frames(name, chosen, features=features, valid=valid)
    np.testing.assert_allclose(found, expected)
    # Frames 0 and 2 are further apart than one frame and count as entirely different.
    near = of_frames([name, {"distance_threshold": 1}], chosen, features=features, valid=valid)
    np.testing.assert_allclose(near, [*expected[:2], 2, 0])
    # As directions frames 0 and 2 are the same, and frame 1 is sqrt(2) away.
    unit = of_frames([name, {"normalize": True}], chosen, features=features, valid=valid)
    np.testing.assert_allclose(unit, [np.exp(-np.sqrt(2) / 3), 2, 4 / 6 + 1, 0])
    with pytest.raises(FrameSelectError, match="distance_threshold is 0; it must be at least 1"):
        of_frames([name, {"distance_threshold": 0}], chosen, features=features)


def test_diversity_of_a_frame_without_direction():
    found = of_frames("diversity_representativeness", [[1, 1]], features=[[0.0, 0.0], [1.0, 0.0]])
    np.testing.assert_allclose(found, [1 + 1])


def test_spread_by_hand():
    valid = [True] * 4 + [False]
    chosen = [[1, 1, 1, 1, 0], [1, 1, 0, 0, 0], [1, 0, 0, 1, 0], [0, 0, 0, 1, 0], [0] * 5]
    # At 1/8, 3/8, 5/8, 7/8. Two belong at 1/4 and 3/4, one at 1/2.
    expected = [1, 1 - 3 / 8, 1 - 1 / 8, 1 - 3 / 8, 0]
    np.testing.assert_allclose(of_frames("spread", chosen, valid=valid), expected)


def test_span_by_hand():
    chosen = [[1, 1, 1, 0], [0, 1, 0, 0], [1, 0, 0, 1], [0] * 4]
    importance = [0.0, 1.0, 0.3, 9.0]
    valid = [True, True, True, False]
    found = of_frames("span", chosen, importance=importance, valid=valid)
    np.testing.assert_allclose(found, [2 / 3, 1, 0, 0])
    half = of_frames(["span", {"threshold": 0.5}], chosen, importance=importance, valid=valid)
    np.testing.assert_allclose(half, [1 / 3, 1, 0, 0])


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_design_is_documented_for_the_table(name):
    doc = inspect.getdoc(reward_design(name).function)
    first = doc.splitlines()[0]
    assert first.endswith(".") and len(first) > 20
    for title in ("Formula", "Source"):
        assert len(re.findall(rf"^{title}: \S", doc, re.M)) == 1, title


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_design_declares_what_it_reads(name):
    allowed = reward_design(name).allowed
    assert allowed is not None
    assert ("label" not in allowed) == (name in LABEL_FREE)


@pytest.mark.parametrize("name", BUILT_IN)
@settings(max_examples=20)
@given(seed=st.integers(0, 10**6))
def test_neither_padding_nor_the_company_in_the_batch_matters(name, seed):
    rng = np.random.default_rng(seed)
    batch, frames = 4, 6
    classes = "classification" in reward_design(name).tasks
    length = rng.integers(1, frames + 1, batch)
    valid = np.arange(frames) < length[:, None]
    predictions = rng.dirichlet(np.ones(3), (batch, frames)) * valid[..., None]
    selected = (rng.random((batch, frames)) < 0.5) & valid
    label = rng.integers(0, 3, batch) if classes else rng.random((batch, 3))
    p0 = predictions.sum(1) / length[:, None]
    p1 = (predictions * selected[..., None]).sum(1) / np.maximum(selected.sum(1), 1)[:, None]
    facts = {
        "label": label,
        "p0": p0,
        "p1": p1,
        "correct_before": p0.argmax(1) == label if classes else np.zeros(batch, bool),
        "correct_after": p1.argmax(1) == label if classes else np.zeros(batch, bool),
    }
    frame_facts = {
        "selected": selected,
        "valid": valid,
        "predictions": predictions,
        "features": rng.normal(size=(batch, frames, 4)) * valid[..., None],
        "importance": rng.random((batch, frames)) * valid,
    }
    if not classes:
        facts |= {"unanswered": selected.sum(1) == 0}
    known = Statistics.of(rng.random((9, 3)), rng.random((9, 3)))
    reward = Reward(name)

    def outcome(facts):
        return Outcome({**facts, "target_frames": 3}, lambda asked: {"statistics": known}[asked])

    whole = reward(outcome({**facts, **frame_facts}))[0]
    padded = {
        key: np.pad(fact, [(0, 0), (0, 3), (0, 0)][: fact.ndim])
        for key, fact in frame_facts.items()
    }
    longer = reward(outcome({**facts, **padded}))[0]
    np.testing.assert_allclose(longer, whole, atol=1e-9)
    order = rng.permutation(batch)[:2]
    few = {key: fact[order] for key, fact in {**facts, **frame_facts}.items()}
    np.testing.assert_allclose(reward(outcome(few))[0], whole[order], atol=1e-9)


@pytest.mark.parametrize(
    "name", [name for name in BUILT_IN if "classification" in reward_design(name).tasks]
)
def test_keeping_all_frames_and_none_through_an_environment(planted, name):
    env = gym.make_vec("FrameSelect/OneShot-v0", num_envs=8, data=str(planted), reward=name)
    env.reset(seed=1)
    full = env.step(np.ones((8, 25), np.int8))[1]
    still = {"delta_error", "delta_logp", "delta_prob", "entropy_drop", "flip_only", "margin"}
    if name in still | {"minus_kl", "oc_frame", "sign_omega"}:
        np.testing.assert_array_equal(full, np.zeros(8))
    env.reset(seed=1)
    empty = env.step(np.zeros((8, 25), np.int8))[1]
    assert (empty <= full).all()


@pytest.mark.parametrize("name", BUILT_IN)
def test_on_a_regression_a_design_works_or_says_why_not(regression, name):
    keywords = {"data": str(regression), "stream": "audio", "num_frames": 6, "reward": name}
    works = {"budget", "delta_error", "diversity_representativeness", "mse", "pcc", "sign_omega"}
    if name in works | {"looks", "spread"}:
        env = gym.make("FrameSelect/OneShot-v0", **keywords)
        env.reset(seed=0)
        assert isinstance(env.step(np.array([1, 0, 1, 0, 0, 0], np.int8))[1], float)
        return
    with pytest.raises(FrameSelectError) as caught:
        env = gym.make("FrameSelect/OneShot-v0", **keywords)
        env.reset(seed=0)
        env.step(np.ones(6, np.int8))
    message = "reads frames/importance" if name == "span" else f"{name!r} has no meaning for a reg"
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_delta_error_has_no_meaning_for_classes(planted):
    with pytest.raises(FrameSelectError, match="'delta_error' has no meaning for a classification"):
        gym.make(
            "FrameSelect/OneShot-v0", data=str(planted), reward={"budget": 1, "delta_error": 1}
        )


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10**6))
@pytest.mark.parametrize("name", ["FrameSelect/Sequential-v0", "FrameSelect/Pick-v0"])
def test_dense_best_pays_the_rises_above_the_best_margin_so_far(planted, name, seed):
    rng = np.random.default_rng(seed)
    keywords = {"data": str(planted), "num_frames": 9, "observation": "index", "reward": "margin"}
    row, actions = int(rng.integers(60)), rng.integers(0, 2 if "Seq" in name else 9, 9)
    paid = {}
    for dense in (True, "best"):
        env = gym.make(name, dense=dense, **keywords)
        env.reset(options={"video": row})
        paid[dense], over = [], False
        while not over:
            _, reward, over, _, _ = env.step(actions[len(paid[dense])])
            paid[dense].append(reward)
    value = np.cumsum(paid[True])
    best = np.maximum.accumulate(np.maximum(value, 0))
    np.testing.assert_allclose(paid["best"], np.diff(best, prepend=0), atol=1e-12)
    assert min(paid["best"]) >= 0


def test_spread_is_the_distance_to_the_even_position_by_hand():
    # Of ten frames, 1 and 4 are at 0.15 and 0.45; two even ones are at 0.25 and 0.75: 1 - 0.3.
    # Frames 6 and 9 are at 0.65 and 0.95: 1 - 0.4.
    chosen = np.zeros((2, 10), bool)
    chosen[0, [1, 4]] = chosen[1, [6, 9]] = True
    facts = {"p1": np.ones((2, 1)), "selected": chosen, "valid": np.ones((2, 10), bool)}
    np.testing.assert_allclose(Reward("spread")(Outcome(facts))[0], [0.7, 0.6])
