"""Each design on numbers worked by hand, the forms of `reward=`, and what may not be read."""

import gymnasium as gym
import numpy as np
import pytest

from frame_select_env import FrameSelectError, Outcome, register_reward
from frame_select_env.consensus import is_correct
from frame_select_env.rewards import Reward

# Six selections of videos whose true class is 1, and whose p0, p1 are
#   wrong -> right, right -> wrong, right and surer, wrong and less sure, unchanged, empty.
P0 = np.array([[0.6, 0.4], [0.3, 0.7], [0.4, 0.6], [0.7, 0.3], [0.4, 0.6], [0.8, 0.2]])
P1 = np.array([[0.2, 0.8], [0.6, 0.4], [0.1, 0.9], [0.9, 0.1], [0.4, 0.6], [0.0, 0.0]])
LABEL = np.ones(6, np.int64)

pytestmark = pytest.mark.usefixtures("own_rewards")


def outcome(**changes: object) -> Outcome:
    facts = {
        "label": LABEL,
        "p0": P0,
        "p1": P1,
        "correct_before": is_correct(P0, LABEL),
        "correct_after": is_correct(P1, LABEL),
        "selected": np.array([[True, False, False, False]] * 5 + [[False] * 4]),
        "valid": np.array([[True, True, True, False]] * 6),
        "target_frames": 2,
        **changes,
    }
    return Outcome(facts)


def value(spec: object, **changes: object) -> list[float]:
    return Reward(spec)(outcome(**changes))[0].tolist()


def test_sign_omega_as_equations_2_to_4():
    assert value("sign_omega") == [10, -10, 1, -1, 0, -1]


def test_sign_omega_with_another_omega_and_a_tie_that_costs():
    assert value(["sign_omega", {"omega": 5, "tie": -1}]) == [5, -5, 1, -1, -1, -1]


def test_sign_omega_of_an_empty_selection_of_a_right_video_is_minus_omega():
    p0 = P0.copy()
    p0[5] = [0.2, 0.8]
    assert value("sign_omega", p0=p0, correct_before=is_correct(p0, LABEL))[5] == -10


def test_sign_omega_of_an_empty_selection_is_minus_one_even_if_p0_gave_the_class_nothing():
    p0 = P0.copy()
    p0[5] = [1.0, 0.0]
    assert value("sign_omega", p0=p0)[5] == -1


def test_sign_omega_of_another_wrong_class_is_r0():
    p0, p1 = np.array([[0.5, 0.3, 0.2]]), np.array([[0.1, 0.4, 0.5]])
    label = np.array([1])
    facts = {
        "label": label,
        "p0": p0,
        "p1": p1,
        "correct_before": is_correct(p0, label),
        "correct_after": is_correct(p1, label),
    }
    assert Reward("sign_omega")(Outcome(facts))[0].tolist() == [1]


def test_delta_prob_by_hand():
    np.testing.assert_allclose(value("delta_prob"), [0.4, -0.3, 0.3, -0.2, 0, -0.2], atol=1e-12)


def test_flip_only_by_hand():
    assert value("flip_only") == [1, -1, 0, 0, 0, 0]


def test_budget_by_hand():
    # One of three valid frames kept, two aimed at: -|1/3 - 2/3|. Nothing kept: -2/3.
    np.testing.assert_allclose(value("budget"), [-1 / 3] * 5 + [-2 / 3])
    # A target above the video's length counts as its length: -|1/3 - 3/3|.
    np.testing.assert_allclose(value("budget", target_frames=9), [-2 / 3] * 5 + [-1])


def test_delta_error_by_hand():
    facts = {
        "label": np.array([[1.0, 2.0]]),
        "p0": np.array([[0.0, 0.0]]),
        "p1": np.array([[1.0, 1.0]]),
    }
    # |0 - 1| and |0 - 2| are 1.5 on average, |1 - 1| and |1 - 2| are 0.5.
    assert Reward("delta_error")(Outcome(facts))[0].tolist() == [1.0]


def test_a_weighted_sum_is_the_sum_of_its_terms():
    spec = {"sign_omega": {"omega": 5}, "budget": {"weight": 0.1}, "flip_only": 2}
    total, terms = Reward(spec)(outcome())
    np.testing.assert_allclose(terms["sign_omega"], [5, -5, 1, -1, 0, -1])
    np.testing.assert_allclose(terms["budget"], [-0.1 / 3] * 5 + [-0.2 / 3])
    np.testing.assert_allclose(terms["flip_only"], [2, -2, 0, 0, 0, 0])
    np.testing.assert_allclose(total, sum(terms.values()))


def test_a_function_and_a_module_path_are_rewards_too():
    def thrift(facts: Outcome) -> np.ndarray:
        return -facts.selected.sum(1)

    total, terms = Reward(thrift)(outcome())
    assert total.tolist() == [-1] * 5 + [0] and list(terms) == ["thrift"]
    outside = Reward("frame_select_env.rewards.attention_aware:flip_only")(outcome())
    assert outside[0].tolist() == value("flip_only")


def test_a_design_reads_only_what_it_declared():
    @register_reward("test_label_free", needs=())
    def label_free(facts: Outcome) -> np.ndarray:
        return facts.p1.max(1) - facts.p0.max(1)

    @register_reward("test_cheat", needs=())
    def cheat(facts: Outcome) -> np.ndarray:
        return facts.correct_after * 1.0

    assert len(value("test_label_free")) == 6
    with pytest.raises(FrameSelectError, match=r"'test_cheat' reads outcome.correct_after"):
        value("test_cheat")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("sing_omega", "unknown reward 'sing_omega'; did you mean 'sign_omega'? known: "),
        ({"sign_omega": "much"}, "the weight 'much' must be a number"),
        ({"sign_omega": float("nan")}, "the weight nan must be a number"),
        ({}, "empty mapping"),
        (["sign_omega"], "must be [name, {argument: value}]"),
        (["sign_omega", {"omage": 5}], "its arguments: omega, tie"),
        (7, "must be a name"),
        ("nowhere:reward", "cannot be imported"),
        (lambda facts: np.zeros((len(facts), 2)), "returned shape (6, 2); expected (6,)"),
        (lambda facts: np.full(len(facts), np.nan), "returned nan"),
    ],
)
def test_bad_rewards_are_told_in_one_line(spec, message):
    with pytest.raises(FrameSelectError) as caught:
        value(spec)
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_unknown_fact_unknown_task_and_misspelt_fact():
    with pytest.raises(FrameSelectError, match="unknown fact 'labels'"):
        register_reward("test_unknown", needs=("labels",))
    with pytest.raises(FrameSelectError, match="unknown task 'regresion'"):
        register_reward("test_unknown", tasks=("regresion",))
    with pytest.raises(AttributeError, match="Outcome has no 'lable'"):
        _ = outcome().lable


@pytest.mark.parametrize("fact", ["p1", "selected", "features"])
def test_a_design_cannot_change_what_the_next_one_reads(planted, fact):
    def greedy(outcome):
        getattr(outcome, fact)[:] = 1
        return np.zeros(len(outcome))

    env = gym.make("FrameSelect/OneShot-v0", data=str(planted), reward=greedy)
    env.reset(seed=0)
    with pytest.raises(ValueError, match="read-only"):
        env.step(env.action_space.sample())


def test_the_row_of_the_video_is_a_fact_to_be_declared(planted):
    @register_reward("row_number", needs=("video",))
    def row_number(outcome):
        return outcome.video.astype(float)

    @register_reward("row_undeclared", needs=())
    def row_undeclared(outcome):
        return outcome.video.astype(float)

    env = gym.make("FrameSelect/OneShot-v0", data=str(planted), reward="row_number")
    env.reset(options={"video": 3})
    assert env.step(env.action_space.sample())[1] == 3.0
    env = gym.make("FrameSelect/OneShot-v0", data=str(planted), reward="row_undeclared")
    env.reset(options={"video": 3})
    with pytest.raises(FrameSelectError, match="reads outcome.video without declaring it"):
        env.step(env.action_space.sample())


def test_two_terms_of_one_name_are_both_paid(planted):
    same = {"budget": 1.0, "frame_select_env.rewards.attention_aware:budget": 2.0}
    env = gym.make("FrameSelect/OneShot-v0", data=str(planted), reward=same)
    env.reset(seed=0)
    _, reward, _, _, info = env.step(np.eye(25, dtype=np.int8)[0])
    terms = info["reward_terms"]
    assert set(terms) == {"budget", "budget (2)"} and terms["budget (2)"] == 2 * terms["budget"] < 0
    assert reward == terms["budget"] + terms["budget (2)"]


def test_a_tie_and_a_loss_cost_what_each_says():
    # Gains 0 and -0.1, without a flip.
    p0, p1 = np.array([[0.6, 0.4]] * 2), np.array([[0.6, 0.4], [0.7, 0.3]])
    facts = {
        "label": np.array([1, 1]),
        "p0": p0,
        "p1": p1,
        "correct_before": np.array([False, False]),
        "correct_after": np.array([False, False]),
    }
    for tie in (0.0, -0.5, 0.25):
        assert Reward(["sign_omega", {"tie": tie}])(Outcome(facts))[0].tolist() == [tie, -1.0]


def test_delta_error_of_several_targets_by_hand():
    # |1 - 3| and |-2 - 2| before, |2 - 3| and |5 - 2| after: 3 - 2; and 1.5 - 3.25.
    facts = {
        "label": np.array([[3.0, 2.0], [0.5, -4.0]]),
        "p0": np.array([[1.0, -2.0], [2.0, -2.5]]),
        "p1": np.array([[2.0, 5.0], [-2.0, 0.0]]),
    }
    assert Reward("delta_error")(Outcome(facts))[0].tolist() == [1.0, 1.5 - 3.25]
