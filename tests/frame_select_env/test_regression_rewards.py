"""The rewards of regressions: on hand-worked numbers, and through an environment."""

import gymnasium as gym
import numpy as np
import pytest

from frame_select_env import FrameSelectError, write_cache
from frame_select_env.rewards import Outcome, Reward, Statistics, register_reward

pytestmark = pytest.mark.usefixtures("own_rewards")


def one(p0, p1, y, **statistics):
    """The facts about one selection; deviations are (2, 1) unless given."""
    known = {
        "label_mean": np.zeros(2),
        "label_sd": np.array([2.0, 1.0]),
        "p0_mean": np.zeros(2),
        "p0_sd": np.ones(2),
        "correlation": np.zeros(2),
        **statistics,
    }
    facts = {"label": np.array([y], float), "p0": np.array([p0]), "p1": np.array([p1])}
    return Outcome(facts, lambda name: {"statistics": Statistics(**known)}[name])


def paid(reward, outcome):
    return float(Reward(reward)(outcome)[0][0])


def test_sign_omega_of_errors_in_deviations_by_hand():
    # e0 = (2 / 2 + 0.5 / 1) / 2 = 0.75, e1 = (0.5 / 2 + 0.25 / 1) / 2 = 0.25: wrong, then right.
    turned = one((3, 0.5), (1.5, 0.25), (1, 0))
    assert paid("sign_omega", turned) == 10.0
    assert paid(["sign_omega", {"omega": 3}], turned) == 3.0
    # At a tolerance of 0.2 both are wrong, at 0.8 both are right: the sign of the decrease.
    assert paid(["sign_omega", {"tolerance": 0.2}], turned) == 1.0
    assert paid(["sign_omega", {"tolerance": 0.8}], turned) == 1.0
    assert paid("sign_omega", one((1.5, 0.25), (3, 0.5), (1, 0))) == -10.0
    assert paid(["sign_omega", {"tie": -1}], one((3, 0.5), (3, 0.5), (1, 0))) == -1.0
    # An error of exactly the tolerance is right.
    assert paid("sign_omega", one((3, 0.5), (2, 0.5), (1, 0))) == 10.0


def test_mse_by_hand():
    # ((3 - 1)^2 - (1.5 - 1)^2) / 4 = 0.9375; (0.5^2 - 0.25^2) / 1 = 0.1875
    assert paid("mse", one((3, 0.5), (1.5, 0.25), (1, 0))) == pytest.approx((0.9375 + 0.1875) / 2)


def test_pcc_by_hand():
    known = {
        "label_mean": np.array([0.0, 1.0]),
        "label_sd": np.array([1.0, 2.0]),
        "p0_mean": np.array([1.0, 0.0]),
        "p0_sd": np.array([2.0, 1.0]),
        "correlation": np.array([0.5, 0.0]),
    }
    # Target 0: (1 - 0.5 * (3 - 1) / 2) * (2 - 3) / 2 = -0.25; target 1: ((3 - 1) / 2) * 0.5 / 1
    assert paid("pcc", one((3, 0), (2, 0.5), (1, 3), **known)) == pytest.approx((-0.25 + 0.5) / 2)


def test_pcc_is_the_change_of_the_correlation_for_small_changes():
    rng = np.random.default_rng(0)
    label, p0 = rng.normal(size=(40, 1)), rng.normal(size=(40, 1))
    p0 += label
    known, step = Statistics.of(label, p0), 1e-6 * rng.normal(size=(40, 1))
    facts = {"label": label, "p0": p0, "p1": p0 + step}
    reward = Reward("pcc")(Outcome(facts, lambda name: known))[0].mean()
    before, after = (np.corrcoef(label[:, 0], one[:, 0])[0, 1] for one in (p0, p0 + step))
    assert reward == pytest.approx(after - before, rel=1e-3)
    # Stretching all predictions alike leaves the correlation as it is.
    stretched = {"label": label, "p0": p0, "p1": 1.3 * p0 + 2}
    assert Reward("pcc")(Outcome(stretched, lambda name: known))[0].mean() == pytest.approx(0)


def test_statistics_by_hand_and_of_constants():
    known = Statistics.of(np.array([[1.0, 5.0], [3.0, 5.0]]), np.array([[0.0, 1.0], [4.0, 2.0]]))
    assert known.label_mean.tolist() == [2, 5] and known.label_sd.tolist() == [1, 1]
    assert known.p0_mean.tolist() == [2, 1.5] and known.p0_sd.tolist() == [2, 0.5]
    assert known.correlation.tolist() == [1, 0]


@pytest.fixture
def cache(tmp_path):
    """Training videos with the labels 0, 4; a test video with the label 100."""

    def videos():
        for row, (split, label) in enumerate((("train", 0), ("train", 4), ("test", 100))):
            yield {
                "id": f"v{row}",
                "label": np.array([label], np.float32),
                "split": split,
                "features": np.ones((2, 1), np.float32),
                "predictions": np.array([[label + 3.0], [label - 1.0]], np.float32),
            }

    return str(write_cache(tmp_path / "r.h5", videos(), targets=["y"]))


@pytest.mark.parametrize("split", ["train", "test"])
def test_statistics_are_of_the_training_videos_alone(cache, split):
    seen = {}

    @register_reward("spy", needs=("label", "statistics"), tasks=("regression",))
    def spy(outcome):
        seen["known"] = outcome.statistics
        return np.zeros(len(outcome))

    env = gym.make("FrameSelect/OneShot-v0", data=cache, split=split, num_frames=2, reward="spy")
    env.reset(seed=0)
    env.step(np.ones(2, int))
    known = seen["known"]
    assert (known.label_mean[0], known.label_sd[0]) == (2, 2)
    assert (known.p0_mean[0], known.p0_sd[0]) == (3, 2)
    assert known.correlation[0] == pytest.approx(1)


def test_sign_omega_is_the_default_of_a_regression_too(cache):
    env = gym.make("FrameSelect/OneShot-v0", data=cache, num_frames=2)
    env.reset(seed=0, options={"video": 0})
    # p0 is 1 too high, half a deviation: right. The first frame alone is 3 too high: wrong.
    assert env.step(np.array([1, 0]))[1] == -10.0
    env.reset(options={"video": 0})
    assert env.step(np.array([0, 1]))[1] == 0.0


def test_a_design_that_does_not_declare_statistics_cannot_read_them(cache):
    @register_reward("undeclared", needs=("label",), tasks=("regression",))
    def undeclared(outcome):
        return outcome.statistics.label_mean

    env = gym.make("FrameSelect/OneShot-v0", data=cache, num_frames=2, reward="undeclared")
    env.reset(seed=0)
    with pytest.raises(FrameSelectError, match="reads outcome.statistics without declaring it"):
        env.step(np.ones(2, int))
