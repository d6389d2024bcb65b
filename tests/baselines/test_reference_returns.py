"""Reference returns: policies played in the registered environments, the best known selection."""

import gymnasium as gym
import numpy as np
import pytest

from baselines.optimum import every_return
from baselines.reference_returns import (
    NUM_FRAMES,
    PROCESSES,
    best_known,
    play,
    random_policy,
    reference_returns,
    selecting,
)
from baselines.selections import SelectionPay, valid_frames
from frame_select_env import open_cache
from frame_select_env.envs import ENVIRONMENTS, REWARD_THRESHOLDS

PROCESS = pytest.mark.parametrize("process", PROCESSES.values(), ids=list(PROCESSES))


@pytest.fixture(scope="module")
def test_rows(planted):
    return open_cache(planted).rows("test")


def some_frames(process, valid):
    """A selection of each video that the process allows."""
    least, most = process.sizes(valid)
    size = np.random.default_rng(2).integers(least, most + 1)
    rank = np.where(valid, np.random.default_rng(1).random(valid.shape), 2).argsort().argsort()
    return (rank < size[:, None]) & valid


def test_every_id_has_its_process():
    assert set(PROCESSES) == set(ENVIRONMENTS)


@PROCESS
def test_a_selection_earns_in_its_process_what_it_earns_at_once(process, planted, test_rows):
    selected = some_frames(process, valid_frames(open_cache(planted), test_rows, NUM_FRAMES))
    for reward in ("delta_prob", {"margin": 1.0, "looks": -0.1}):
        keywords = {"data": str(planted), "split": "test", "reward": reward}
        earned = play(process, selecting(process, selected), test_rows, **keywords)
        at_once, _ = SelectionPay(NUM_FRAMES, **keywords)(test_rows, selected)
        np.testing.assert_allclose(earned, at_once, rtol=0, atol=1e-12)


@PROCESS
def test_its_reward_is_the_one_that_the_id_has_by_default(process, planted, test_rows):
    keywords = {"data": str(planted), "split": "test"}
    earned = [
        play(process, random_policy(process, 3), test_rows, **keywords, **named)
        for named in ({}, {"reward": process.reward})
    ]
    np.testing.assert_array_equal(*earned)


@PROCESS
def test_random_actions_are_legal_and_drawn_by_the_seed(process, planted, test_rows):
    chosen = random_policy(process, 5)

    def act(observation, legal):
        actions = chosen(observation, legal)
        if legal is not None:
            some = legal.any(axis=1)
            assert legal[np.arange(len(legal)), actions][some].all()
        return actions

    keywords = {"data": str(planted), "split": "test", "reward": "delta_prob"}
    first = play(process, act, test_rows, **keywords)
    np.testing.assert_array_equal(
        first, play(process, random_policy(process, 5), test_rows, **keywords)
    )
    assert (first != play(process, random_policy(process, 6), test_rows, **keywords)).any()


def test_keeping_all_earns_nothing_and_keeping_none_loses_what_is_right():
    """cues: all frames are right for 37 %, which an empty answer turns wrong: -10; else -1."""
    found = reference_returns(PROCESSES["FrameSelect/Sequential-v0"], "cues", "test", "sign_omega")
    assert found.keep_all == 0 and found.keep_none == pytest.approx(-0.37 * 10 - 0.63)
    assert found.keep_none < found.random < 0 < 0.63 * 10 < found.best_known
    pick = reference_returns(PROCESSES["FrameSelect/Pick-v0"], "cues", "test", "correct")
    assert pick.keep_all is None and pick.keep_none is None
    assert pick.random < 0.37 < pick.best_known <= 1


@PROCESS
def test_the_best_known_is_allowed_and_at_most_the_optimum(process, planted):
    cache = open_cache(planted)
    # Of at most 12 frames, all of whose selections can be tried.
    rows = np.flatnonzero(cache.lengths <= 12)[:16]
    assert cache.lengths[rows].max() > 8
    valid = valid_frames(cache, rows, NUM_FRAMES)
    least, most = process.sizes(valid)
    for reward in ("confidence", {"margin": 1.0, "looks": -0.03}):
        keywords = {"data": str(planted), "split": "train", "reward": reward}
        best = best_known(process, cache, rows, **keywords)
        size = best.sum(axis=1)
        assert not (best & ~valid).any() and (size <= most).all()
        assert ((size >= least) | (process.empty & (size == 0))).all()
        every = every_return(rows, 12, **keywords)
        sizes = every.selections.sum(axis=1)
        legal = (sizes >= least[:, None]) & (sizes <= most[:, None]) | (sizes == 0) & process.empty
        legal &= (every.selections <= valid[:, None, :12]).all(axis=2)
        optimum = np.where(legal, every.paid, -np.inf).max(axis=1)
        earned = SelectionPay(NUM_FRAMES, **keywords)(rows, best)[0]
        assert (earned <= optimum + 1e-12).all()
        assert earned.mean() > optimum.mean() - 0.02  # a search that ends early would be far below


def test_thresholds_stand_in_the_specifications():
    found = {name: gym.spec(name).reward_threshold for name in ENVIRONMENTS}
    assert found == REWARD_THRESHOLDS
